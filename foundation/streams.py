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
from typing import Any, TextIO

from foundation.errors import RequestError

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


def prepare_streams() -> None:
    """Make this process's stdout and stderr ones that take all and fail no writer."""
    codecs.register_error(_ERRORS, _in_ascii)
    sys.stdout = _prepared(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _prepared(sys.stderr, sys.__stderr__, 2)


def flush_streams() -> None:
    """Bring out what is still held back."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def require_told() -> None:
    """Find out whether everything that was printed on stdout got there.

    Raises:
        RequestError: it did not. That its reader left (`| head -1`) is no failure.
    """
    flush_streams()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    failure = raw.failure if isinstance(raw, _Outliving) else None
    if failure is not None and not isinstance(failure, BrokenPipeError):
        raise RequestError(
            f"the result could not be written to stdout ({failure.strerror}): give it a place "
            "that can be written"
        )


def _prepared(ours: TextIO, first: TextIO | None, descriptor: int) -> TextIO:
    if ours is not first:
        return ours  # a test's, or an embedding program's
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
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(first, "encoding", None) or "utf-8",
        errors=_ERRORS,
        line_buffering=descriptor == 2 or raw.isatty(),
    )
