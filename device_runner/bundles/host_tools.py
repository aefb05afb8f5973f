"""The programs of this system that building uses, and the sentence for the one that is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from device_runner.bundles.errors import ELSEWHERE, BundleBuildError, HostToolMissingError
from device_runner.bundles.pins import Platform

_ENVIRONMENT = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def require(program: str) -> str:
    """The path of a program that only a Debian-like system has.

    Raises:
        HostToolMissingError: it is not here; the message says what works instead.
    """
    found = shutil.which(program)
    if found is None:
        raise HostToolMissingError(
            f"building a runner bundle needs a Debian-like system, and {program!r} is not here: "
            + ELSEWHERE
        )
    return found


def compiler(platform: Platform) -> str:
    """A C++ compiler for the ABI: the system's own where it fits, else Debian's cross compiler.

    Raises:
        HostToolMissingError: there is none; the message names the package.
    """
    cross = shutil.which(f"{platform.triplet}-g++")
    if cross is not None:
        return cross
    own = shutil.which("g++")
    machine = platform.triplet.split("-")[0]
    if own is not None and run([own, "-dumpmachine"], "asking g++").startswith(machine):
        return own
    package = f"g++-{platform.triplet.replace('_', '-')}"
    raise HostToolMissingError(
        f"no C++ compiler for {platform.abi} is here: install the Debian package {package} "
        f"('apt-get install {package}'), or {ELSEWHERE}"
    )


def run(
    command: Sequence[str], doing: str, *, timeout_s: float = 600.0, cwd: Path | None = None
) -> str:
    """Run a command and return its stdout.

    Raises:
        BundleBuildError: it failed or took too long; the message ends with its own last words.
    """
    try:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            cwd=cwd,
            env={**os.environ, **_ENVIRONMENT},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BundleBuildError(f"{doing} took longer than {timeout_s:g} s: try again") from error
    except OSError as error:
        raise BundleBuildError(f"{doing} could not be started: {error.strerror}") from error
    if finished.returncode != 0:
        raise BundleBuildError(f"{doing} failed: {_last_words(finished.stderr, finished.stdout)}")
    return finished.stdout.decode("utf-8", "replace")


def _last_words(*streams: bytes) -> str:
    for stream in streams:
        lines = [line for line in stream.decode("utf-8", "replace").splitlines() if line.strip()]
        if lines:
            return " | ".join(line.strip() for line in lines[-3:])[:600]
    return "it said nothing"
