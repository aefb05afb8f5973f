"""One run on a device: started detached, watched from both sides, never left behind.

The device's own script (`launch_scripts`) starts the runner, waits for it, and then sends exit
code, stdout and stderr back. It kills the runner when adbd hangs up on it (SIGHUP, or the end of
stdin), which happens when this host hangs up, is killed, or loses the device; and at a limit of its
own, should even that not be noticed. What survives all of it is found by its process numbers at the
next start.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.launch_scripts import BEGINNING, KILL, LAUNCH
from device_runner.devices.adb.quoting import MAX_COMMAND_BYTES, command_line, script_line
from device_runner.devices.adb.storage import ROOT, storage_refusal
from device_runner.devices.adb.wire import LOSSES, Deadline, ShellStream, Wire
from device_runner.errors import DeviceStorageError
from device_runner.launching.protocol import MAX_STDOUT_BYTES

_STDERR_BYTES = 64 * 1024
_MAX_BYTES = MAX_STDOUT_BYTES + 4 * _STDERR_BYTES
# The device's limit lies this much behind ours: it is for when we are gone.
_DEVICE_GRACE_S = 30
_STEP_S = 0.5
# The answer's first line is no longer.
_HEADER_BYTES = 1000


class RunClearedError(DeviceStorageError):
    """What a run had on the device was removed while it ran, and not by us."""


@dataclass(frozen=True)
class Launched:
    """How a run ended on the device."""

    exit_code: int
    timed_out: bool
    stdout: bytes
    stderr: bytes
    duration_s: float


def new_run() -> str:
    """A folder for a run, not made yet."""
    return f"{ROOT}/runs/{secrets.token_hex(8)}"


def kill_leftovers(connection: Connection) -> int:
    """End whatever an earlier run of ours left on the device; returns how many there were.

    Raises:
        DeviceLost.
    """
    answer = connection.script(KILL, f"{ROOT}/runs", timeout_s=30.0, doing="tidied up").text
    found = re.search(r"killed (\d{1,6})", answer)
    return int(found[1]) if found else 0


def remove_run(connection: Connection, run: str, *, ended: bool) -> None:
    """Forget a run's files, and end it unless it has `ended` by itself. Raises `DeviceLost`."""
    if ended:
        connection.shell(["rm", "-rf", run])
        return
    connection.script(f'{KILL}rm -rf "$2"', f"{ROOT}/runs", run, timeout_s=30.0, doing="tidied up")


def launch(
    connection: Connection,
    run: str,
    bundle: str,
    command: Sequence[str],
    *,
    timeout_s: float,
    needed_bytes: int,
) -> Launched:
    """Run a command inside the bundle's folder on the device, and wait for its end.

    At `timeout_s` it is killed, and so it is on any exception, Ctrl-C included.

    Raises:
        DeviceLost: the device went away, or stopped answering.
        DeviceStorageError: less than `needed_bytes` were free there and nothing was started, or a
            run failed on a disk that it had filled. RunClearedError.
    """
    arguments = [
        run, bundle, str(int(timeout_s) + _DEVICE_GRACE_S),
        str(MAX_STDOUT_BYTES + 1), str(_STDERR_BYTES), str(needed_bytes // 1024 + 256), *command,
    ]  # fmt: skip
    line = script_line(LAUNCH, arguments)
    if len(line.encode()) > MAX_COMMAND_BYTES:
        line = _as_file(connection, run, arguments)
    begin = time.monotonic()
    watch = _Watch(connection, line, timeout_s)
    try:
        answer = watch.wait()
    except BaseException:
        watch.hang_up()
        raise
    if answer is not None:
        watch.hang_up()
        exit_code, stdout, stderr = answer
        timed_out = exit_code is None
        return Launched(exit_code or 0, timed_out, stdout, stderr, time.monotonic() - begin)
    duration = time.monotonic() - begin
    watch.hang_up()
    kill_leftovers(connection)
    stdout = connection.script(BEGINNING, f"{run}/stdout").stdout
    return Launched(0, True, stdout, b"", duration)


def _as_file(connection: Connection, run: str, arguments: Sequence[str]) -> str:
    """A line for a command that is longer than adb lets a line be."""
    # Its name holds the run's, so that the process can be told by its command line.
    path = f"{ROOT}/tmp{run.removeprefix(ROOT)}.sh".replace("/runs/", "/")
    connection.push(f"set -- {command_line(arguments)}\n{LAUNCH}".encode(), path)
    return script_line('. "$1"', [path, run])


class _Watch:
    """The host's end of a run."""

    def __init__(self, connection: Connection, line: str, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._wire: Wire | None = None

        def begin(deadline: Deadline) -> ShellStream:
            self._wire = Wire(connection.server.host, connection.server.port, deadline)
            return ShellStream(self._wire, connection.serial, line, _MAX_BYTES)

        try:
            self._stream = connection.bounded(begin, connection.bounds.answer_s, "started")
        except BaseException:
            self.hang_up()
            raise

    def hang_up(self) -> None:
        if self._wire is not None:
            self._wire.close()

    def wait(self) -> tuple[int | None, bytes, bytes] | None:
        """The answer; None at the time limit. An exit code of None is the device's own limit."""
        bounds = self._connection.bounds
        begin = heard = time.monotonic()
        while True:
            now = time.monotonic()
            header = self._header()
            if header is not None:
                return self._collect(*header)
            if now - begin >= self._timeout_s:
                # What came while this process was stopped (Ctrl-Z) came in time.
                if not self._listen(0.0):
                    return None
                continue
            if now - heard >= bounds.probe_every_s:
                # Raises DeviceLost where nobody answers.
                self._connection.script("", timeout_s=bounds.probe_s, doing="running a model")
                heard = time.monotonic()
            self._listen(min(_STEP_S, max(0.01, self._timeout_s - (now - begin))))

    def _listen(self, seconds: float) -> bool:
        """Take in what comes within a while, if anything. A packet is read to its end."""
        import select

        assert self._wire is not None
        if not select.select([self._wire.fileno()], [], [], seconds)[0]:
            return False
        self._wire.deadline = Deadline(self._connection.bounds.answer_s)
        try:
            more = self._stream.step()
        except LOSSES as error:
            raise self._connection.lost("running a model", error) from error
        if not more and self._header() is None:
            words = bytes(self._stream.stderr[-300:]).decode("utf-8", "replace")
            raise self._connection.lost("running a model", EOFError(f"its shell ended {words}"))
        return True

    def _header(self) -> tuple[str, int, int, int] | None:
        end = self._stream.stdout.find(b"\n", 0, _HEADER_BYTES)
        if end < 0 and len(self._stream.stdout) < _HEADER_BYTES:
            return None
        line = bytes(self._stream.stdout[:end]).decode("utf-8", "replace")
        word, _, rest = line.partition(" ")
        if word == "storage":
            free = (
                f"{int(rest) / 1024:.1f} MB" if re.fullmatch("[0-9]{1,14}", rest) else "too little"
            )
            raise DeviceStorageError(
                f"device {self._connection.shown} has {free} free, too little for a run: remove "
                "apps or files on it, or run 'mobilesr-tune devices --clean'"
            )
        if word == "gone":
            raise RunClearedError(
                f"device {self._connection.shown} lost the folder of a run while it ran: something "
                f"else removes what lies in {PurePosixPath(ROOT).parent}; let it spare {ROOT}"
            )
        if word == "folder":
            raise storage_refusal(self._connection.shown, "a folder for a run", rest.encode())
        match = re.fullmatch(rb"exit (\d+|limit) (\d+) (\d+)", self._stream.stdout[:end])
        if match is None:
            words = bytes(self._stream.stdout[:end]).decode("ascii", "replace")
            raise self._connection.lost("starting a run", EOFError(f"it said {words!r}"))
        return match[1].decode(), int(match[2]), int(match[3]), end + 1

    def _collect(
        self, code: str, out: int, err: int, start: int
    ) -> tuple[int | None, bytes, bytes]:
        out, err = min(out, MAX_STDOUT_BYTES + 1), min(err, _STDERR_BYTES)
        assert self._wire is not None
        self._wire.deadline = Deadline(self._connection.bounds.answer_s + (out + err) / 1e6)
        try:
            while len(self._stream.stdout) < start + out + err:
                if not self._stream.step():
                    raise EOFError("the answer was cut off")
        except LOSSES as error:
            raise self._connection.lost("giving its answer", error) from error
        body = bytes(self._stream.stdout[start : start + out + err])
        return None if code == "limit" else int(code), body[:out], body[out:]
