"""stdout and stderr that take every character and outlive whoever reads them.

What is printed tells of an answer; it is not the answer. A reader that leaves (`| head -1`), a
full disk behind `>` or a locale without a star must not stop a night's measurement in the middle,
nor turn its exit code into another one.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from dataclasses import dataclass
from typing import Any, TextIO

_ERRORS = "mobilesr-tune"
# What our own texts use beyond ASCII. All else becomes a question mark.
_ASCII = {
    "★": "*", "…": "...", "≈": "~", "−": "-", "–": "-", "—": "-", "×": "x", "·": ".", "→": "->",
    "±": "+-", "≤": "<=", "≥": ">=", "°": "", "²": "^2", "µ": "u", "✓": "yes", "•": "*",
}  # fmt: skip


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: the nearest ASCII for what an encoding cannot say."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unsaid = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in unsaid), error.end


class _Outliving(io.RawIOBase):
    """A descriptor to write to; after its first failure all is dropped, and the failure kept."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        while self.failure is None:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                # Some parents hand down a pipe that does not wait.
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.failure = error
        return len(data)


@dataclass(frozen=True)
class Streams:
    """What `prepare_streams` put in place; None where a caller has put in its own before."""

    stdout: _Outliving | None

    def flush(self) -> None:
        """Bring out what is still held back."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()

    @property
    def lost(self) -> OSError | None:
        """Why stdout could not be written; None too where its reader left, which is no failure."""
        failure = self.stdout.failure if self.stdout else None
        return None if isinstance(failure, BrokenPipeError) else failure


def prepare_streams() -> Streams:
    """Make this process's stdout and stderr ones that take all and fail no writer."""
    codecs.register_error(_ERRORS, _in_ascii)
    stdout, stderr = _prepared("stdout", 1), _prepared("stderr", 2)
    if stderr is not None:
        sys.stderr = stderr[0]
    if stdout is None:
        return Streams(None)
    sys.stdout = stdout[0]
    return Streams(stdout[1])


def _prepared(name: str, descriptor: int) -> tuple[TextIO, _Outliving] | None:
    ours, first = getattr(sys, name), getattr(sys, f"__{name}__")
    if ours is not first:
        return None  # a test's, or an embedding program's
    raw = _Outliving(descriptor)
    try:
        os.fstat(descriptor)
    except OSError as error:
        raw.failure = error
        # Otherwise the next file that is opened gets this number, and with it our children's words.
        spare = os.open(os.devnull, os.O_WRONLY)
        if spare != descriptor:
            os.dup2(spare, descriptor)
            os.close(spare)
    if first is not None:
        first.flush()
    encoding = getattr(first, "encoding", None) or "utf-8"
    text = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors=_ERRORS,
        line_buffering=name == "stderr" or raw.isatty(),
    )  # fmt: skip
    return text, raw
