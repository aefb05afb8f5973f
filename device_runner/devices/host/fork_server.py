"""A process that has imported the runner once and forks a fresh one for every launch.

Importing torch costs every launch of the Python runner two seconds, many times what a small
candidate needs for its session. A fork of a process that has imported everything, but has created
no thread and touched no model, starts at once and is a launch like any other: its own memory, its
own thread pool, its own death. What the forks of one server share is their address-space layout,
so that this part of the noise between launches is between servers instead.

Run as ``python -P -m device_runner.devices.host.fork_server FD``, where FD is a connected Unix
stream socket. Each message is one line of JSON, answered in this order::

    <- {"arguments": [...]}    with two file descriptors: the runner's stdout and stderr
    -> {"pid": n}              it leads its own process group
    -> {"exit_code": n}        negative for a signal; it stays a zombie until the next message, so
                               that its pid cannot have come to mean another process

The server ends, and its runner with it, when the socket's other end is gone.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn, cast

CHUNK_BYTES = 65536
_FORKED = 2  # file descriptors that come with a request


class Channel:
    """One end of the socket: whole lines of JSON, however they arrive."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._unread = b""

    def receive(self) -> tuple[dict[str, object], list[int]]:
        """The next message, and the descriptors that came with it.

        Raises:
            EOFError: the other end is gone.
            TimeoutError: the socket has a timeout, and it passed.
        """
        descriptors = list[int]()
        while b"\n" not in self._unread:
            part, found, _, _ = socket.recv_fds(self.socket, CHUNK_BYTES, _FORKED)
            descriptors += found
            if not part:
                raise EOFError
            self._unread += part
        # A runner that ended at once: its pid and its end may come together.
        line, self._unread = self._unread.split(b"\n", 1)
        return json.loads(line), descriptors

    def send(self, message: dict[str, object], *descriptors: int) -> None:
        """Send one message, with descriptors if given."""
        line = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self.socket, [line], descriptors) if descriptors else 0
        self.socket.sendall(line[sent:])


def _become_runner(channel: Channel, arguments: list[str], out: int, err: int) -> NoReturn:
    from device_runner.devices.host import runner

    code = 70  # EX_SOFTWARE, sysexits.h: something here failed, not the candidate
    try:
        channel.socket.close()
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.close(out)
        os.close(err)
        code = runner.main(arguments)
    except SystemExit as exit_of_parser:
        code = int(exit_of_parser.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _ended(channel: Channel, pid: int) -> bool:
    """Wait for the runner's end; False when the other end of the socket went first."""
    process = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([process, channel.socket.fileno()], [], [])
    finally:
        os.close(process)
    return process in ready


def _exit_code(pid: int) -> int:
    """How it ended, leaving it a zombie."""
    result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def _reap(pid: int | None) -> None:
    if pid is None:
        return
    # Whatever it started shares its group, and its pid is still its own.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def serve(channel: Channel) -> None:
    """Fork a runner for each request until the other end is gone."""
    pid: int | None = None
    try:
        while True:
            message, (out, err) = channel.receive()
            _reap(pid)
            pid = None
            arguments = cast(list[str], message["arguments"])
            gc.freeze()  # a collection in the fork must not copy the pages that it shares
            if (pid := os.fork()) == 0:
                _become_runner(channel, arguments, out, err)
            os.setpgid(pid, pid)  # from here, so that nobody hears of it before it is so
            os.close(out)
            os.close(err)
            channel.send({"pid": pid})
            if not _ended(channel, pid):
                return
            channel.send({"exit_code": _exit_code(pid)})
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    finally:
        _reap(pid)


def main() -> int:
    """Import what the runner needs, then serve the socket named on the command line."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    for needed in ("numpy", "torch", "executorch.extension.pybindings._portable_lib"):
        importlib.import_module(needed)
    importlib.import_module("device_runner.devices.host.runner")
    serve(channel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
