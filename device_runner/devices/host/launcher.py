"""Launches of the host's runner: forked from a server that has imported it, or started anew."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from device_runner.devices.host.child_process import Capture, Finished, run_bounded
from device_runner.devices.host.fork_server import Channel

# From SIGKILL to the news of it; a process in an uninterruptible read of a slow disk takes long.
_DEATH_S = 60.0
_IMPORT_S = 120.0


class Launcher(Protocol):
    """Starts the runner program once per call."""

    def launch(
        self, arguments: Sequence[str], *, timeout_s: float, stdout_limit: int, stderr_limit: int
    ) -> Finished:
        """Run it in its own process group, which is killed at `timeout_s`.

        On any exception in the meantime, Ctrl-C included, the group is killed as well.
        """


# Of ours, what the runner imports.
_IMPORTED = ("device_runner", "foundation")


def runner_environment() -> Mapping[str, str]:
    """Ours, with the folder of this very package first unless the interpreter has it anyway."""
    # A warning of a library is no outcome of a candidate's, whatever our user makes of his own.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    root = str(Path(__file__).resolve().parents[3])
    asked = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    hidden = any(Path(path, name).exists() for path in asked for name in _IMPORTED)
    installed = root in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    if hidden or not installed:
        paths = [root, environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


class ColdLauncher:
    """A new interpreter for every launch: two seconds of imports each, on any system."""

    def launch(
        self, arguments: Sequence[str], *, timeout_s: float, stdout_limit: int, stderr_limit: int
    ) -> Finished:
        return run_bounded(
            [sys.executable, "-P", "-m", "device_runner.devices.host.runner", *arguments],
            environment=runner_environment(),
            timeout_s=timeout_s,
            stdout_limit=stdout_limit,
            stderr_limit=stderr_limit,
        )


class _Server:
    """One fork server and our end of its socket."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours)
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `close`
        environment = {**runner_environment(), "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "device_runner.devices.host.fork_server"),
                    str(theirs.fileno()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def close(self) -> Finished:
        """End it, and the runner with it; returns its last words."""
        begin = time.monotonic()
        self.channel.socket.close()
        try:
            self._process.wait(_DEATH_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._words.seek(0)
        with self._words:
            words = self._words.read()
        return Finished(self._process.returncode, False, b"", words, time.monotonic() - begin)


class ForkLauncher:
    """Forks the runner from a server that is started at the first launch and kept. Linux only."""

    def __init__(self) -> None:
        self._server: _Server | None = None
        self._lock = threading.Lock()

    def launch(
        self, arguments: Sequence[str], *, timeout_s: float, stdout_limit: int, stderr_limit: int
    ) -> Finished:
        with self._lock:
            begin = time.monotonic()
            out, out_end = _captured(stdout_limit, keep_end=False)
            err, err_end = _captured(stderr_limit, keep_end=True)
            try:
                started = self._start(arguments, out_end, err_end)
            finally:
                os.close(out_end)
                os.close(err_end)
            if isinstance(started, Finished):
                return started
            exit_code, timed_out = self._wait(started, timeout_s)
            return Finished(
                exit_code=exit_code,
                timed_out=timed_out,
                stdout=out.finish(),
                stderr=err.finish(),
                duration_s=time.monotonic() - begin,
            )

    def close(self) -> None:
        """End the server; the next launch starts another."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def forget(self) -> None:
        """Drop the server without ending it: it belongs to the process that forked this one."""
        server, self._server, self._lock = self._server, None, threading.Lock()
        if server is not None:
            server.channel.socket.close()

    def _start(self, arguments: Sequence[str], out: int, err: int) -> int | Finished:
        """The runner's pid, or how the server ended that should have started it."""
        for attempt in ("with the server we have", "with a new one"):
            fresh = self._server is None
            server = self._server = self._server or _Server()
            try:
                server.channel.socket.settimeout(_IMPORT_S)
                request: dict[str, object] = {"arguments": list(arguments)}
                server.channel.send(request, out, err)
                answer, _ = server.channel.receive()
                return _number(answer["pid"])
            except (OSError, EOFError):
                self._server = None
                ended = server.close()
                # One that served before may have been killed meanwhile; a new one is broken.
                if fresh or attempt == "with a new one":
                    return ended
            except BaseException:
                self.close()
                raise
        raise AssertionError("unreachable")

    def _wait(self, pid: int, timeout_s: float) -> tuple[int, bool]:
        server = self._server
        assert server is not None
        try:
            try:
                server.channel.socket.settimeout(timeout_s)
                return _number(server.channel.receive()[0]["exit_code"]), False
            except TimeoutError:
                # Its pid is its own until our next request.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                server.channel.socket.settimeout(_DEATH_S)
                return _number(server.channel.receive()[0]["exit_code"]), True
        except (OSError, EOFError):
            # Somebody killed the server, and with it the runner.
            self.close()
            return -signal.SIGKILL, False
        except BaseException:
            self.close()
            raise


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _captured(limit: int, *, keep_end: bool) -> tuple[Capture, int]:
    """A pipe that is being drained, and the end to write to."""
    read, write = os.pipe()
    return Capture(os.fdopen(read, "rb", buffering=0), limit, keep_end=keep_end), write


@functools.cache
def shared_launcher() -> Launcher:
    """The launcher of this process: one server for all its launches, ended with it."""
    if not sys.platform.startswith("linux") or not hasattr(os, "pidfd_open"):
        return ColdLauncher()
    launcher = ForkLauncher()
    atexit.register(launcher.close)
    # A copy of our socket in a worker process would keep the server alive without us.
    os.register_at_fork(after_in_child=launcher.forget)
    return launcher
