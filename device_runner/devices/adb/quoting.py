"""The one place where a string becomes part of a command line for a device's shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from device_runner.errors import InputRefusedError

# adb's own limit for a service name, with room for its prefix.
MAX_COMMAND_BYTES = 60_000


def command_line(arguments: Sequence[str]) -> str:
    """One line that a POSIX shell splits back into exactly these arguments.

    Raises:
        InputRefusedError: an argument that no process can be given (a NUL, a lone surrogate).
    """
    for argument in arguments:
        if "\0" in argument:
            raise InputRefusedError(f"{argument[:80]!r} holds a NUL: no program can be given it")
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputRefusedError(f"{argument[:80]!r} is not valid text: rename it") from error
    return " ".join(shlex.quote(argument) for argument in arguments)


def script_line(script: str, arguments: Sequence[str]) -> str:
    """A line that runs a constant script; what varies comes in as $1, $2, ... and never in it."""
    # `exec`: the script's own shell leads the process group that adbd made for it.
    return "exec " + command_line(["sh", "-c", script, "mobilesr-tune", *arguments])
