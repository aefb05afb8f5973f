"""The root of every error this tool raises on purpose.

Each package hangs its own small tree below one of these; the command line turns them into one
line on stderr and the exit code, and nothing else.
"""

from __future__ import annotations


class MobileSRTuneError(Exception):
    """Something the user can act on. The message says what happened, where, and what to do."""

    exit_code = 2


class AnswerIsNo(MobileSRTuneError):
    """All went as asked, and the answer is no: a constraint unmet, a regression."""

    exit_code = 1


class RequestError(MobileSRTuneError):
    """The request is wrong: a path, an option, a file's content. Nothing was changed."""

    exit_code = 2


class DeviceFailure(MobileSRTuneError):
    """A device, or the program on it, failed; the message names the device."""

    exit_code = 3
