"""A child process that cannot outstay its time, its parent, or the memory for its words."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

_JOIN_S = 5.0
_CHUNK = 65536


@dataclass(frozen=True)
class Finished:
    """What became of a child. `exit_code` is negative for a signal, as subprocess has it."""

    exit_code: int
    timed_out: bool
    stdout: bytes
    # The end of it, where the reason of a failure stands.
    stderr: bytes
    duration_s: float


class Capture(threading.Thread):
    """Drains a pipe to its end, keeping its first (or last) `limit` bytes and one more."""

    def __init__(self, stream: IO[bytes], limit: int, *, keep_end: bool) -> None:
        super().__init__(daemon=True)
        self._stream, self._limit, self._keep_end = stream, limit, keep_end
        self.kept = bytearray()
        self.start()

    def run(self) -> None:
        while chunk := os.read(self._stream.fileno(), _CHUNK):
            if self._keep_end:
                self.kept += chunk
                del self.kept[: -self._limit]
            else:
                # One byte over the limit is kept, so that a reader can see that it was passed.
                self.kept += chunk[: self._limit + 1 - len(self.kept)]

    def finish(self) -> bytes:
        """What was kept, once the pipe has ended, or after five seconds if a stranger holds it."""
        self.join(_JOIN_S)
        if not self.is_alive():
            self._stream.close()
        return bytes(self.kept)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # The child leads its own session, so its pid names the group, and it is not yet reaped.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_bounded(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout_s: float,
    stdout_limit: int,
    stderr_limit: int,
) -> Finished:
    """Run a command in its own session, hence process group, which is killed at `timeout_s`.

    On any exception in the meantime, Ctrl-C included, the group is killed as well.
    """
    begin = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    timed_out = False
    try:
        out = Capture(process.stdout, stdout_limit, keep_end=False)
        err = Capture(process.stderr, stderr_limit, keep_end=True)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
    finally:
        if process.returncode is None:
            _kill_group(process)
    return Finished(
        exit_code=process.returncode,
        timed_out=timed_out,
        stdout=out.finish(),
        stderr=err.finish(),
        duration_s=time.monotonic() - begin,
    )
