"""A process that has imported the runner once and forks a fresh one for every launch.

Importing torch costs every launch of the Python runner two seconds, many times what a small
candidate needs for its session. A fork of a process that has imported everything, but has created
no thread and touched no model, starts at once and is a launch like any other: its own memory, its
own thread pool, its own death. What the forks of one server share is their address-space layout,
so that this part of the noise between launches is between servers instead.

Run as ``python -P -m device_runner.host.fork_server FD``, where FD is a connected Unix stream
socket. Each message is one line of JSON, answered in this order::

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

MAX_MESSAGE_BYTES = 1024 * 1024
_FORKED = 2  # file descriptors that come with a request


def receive(channel: socket.socket) -> tuple[dict[str, object], list[int]]:
    """The next line of JSON and the descriptors that came with it.

    Raises:
        EOFError: the other end is gone.
        TimeoutError: the socket has a timeout, and it passed.
    """
    line, descriptors = b"", list[int]()
    while not line.endswith(b"\n"):
        part, found, _, _ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, _FORKED)
        descriptors += found
        if not part:
            raise EOFError
        line += part
    return json.loads(line), descriptors


def send(channel: socket.socket, message: dict[str, object], *descriptors: int) -> None:
    """Send one line of JSON, with descriptors if given."""
    line = json.dumps(message).encode() + b"\n"
    if not descriptors:
        channel.sendall(line)
        return
    sent = socket.send_fds(channel, [line], descriptors)
    channel.sendall(line[sent:])


def _become_runner(channel: socket.socket, arguments: list[str], out: int, err: int) -> NoReturn:
    from device_runner.host import runner

    code = 70  # EX_SOFTWARE, sysexits.h: something here failed, not the candidate
    try:
        channel.close()
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


def _ended(channel: socket.socket, pid: int) -> bool:
    """Wait for the runner's end; False when the other end of the socket went first."""
    process = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([process, channel.fileno()], [], [])
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


def serve(channel: socket.socket) -> None:
    """Fork a runner for each request until the other end is gone."""
    pid: int | None = None
    try:
        while True:
            message, (out, err) = receive(channel)
            _reap(pid)
            pid = None
            arguments = cast(list[str], message["arguments"])
            gc.freeze()  # a collection in the fork must not copy the pages that it shares
            if (pid := os.fork()) == 0:
                _become_runner(channel, arguments, out, err)
            os.setpgid(pid, pid)  # from here, so that nobody hears of it before it is so
            os.close(out)
            os.close(err)
            send(channel, {"pid": pid})
            if not _ended(channel, pid):
                return
            send(channel, {"exit_code": _exit_code(pid)})
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    finally:
        _reap(pid)


def main() -> int:
    """Import what the runner needs, then serve the socket named on the command line."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    for needed in ("numpy", "torch", "executorch.extension.pybindings._portable_lib"):
        importlib.import_module(needed)
    importlib.import_module("device_runner.host.runner")
    serve(channel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
