"""One conversation with adb, bounded as a whole.

adbutils' shell and sync calls bound one receive, not the call, some wait for ever (sync, opening
a transport), and one that finds no server starts it on streams that are ours; so the few messages
that we need are read and written here, each under the one deadline of its conversation.
"""

from __future__ import annotations

import math
import re
import socket
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Self

from adbutils import AdbError

CHUNK = 64 * 1024
# Any of these may be how a device that went away looks from here.
LOSSES = (EOFError, OSError, AdbError)

_STDOUT, _STDERR, _EXIT = 1, 2, 3


class RefusedByDevice(Exception):
    """The device answered, and said no; the message is its own."""


class Deadline:
    """A moment by which everything must be over; until then no step may stall for long."""

    def __init__(self, seconds: float, stall_s: float = math.inf) -> None:
        self.seconds, self.stall_s = seconds, stall_s
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that the next step has. Raises `TimeoutError` when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise self.passed()
        return min(left, self.stall_s)

    def passed(self) -> TimeoutError:
        """The error for a step that used up its time."""
        return TimeoutError(f"no answer within {min(self.seconds, self.stall_s):g} s")


class Wire:
    """A socket to the adb server at `host` and `port`. What goes wrong here is one of `LOSSES`."""

    def __init__(self, host: str, port: int, deadline: Deadline) -> None:
        self.deadline = deadline
        self._socket = socket.create_connection((host, port), timeout=deadline.left())
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; what runs on the device's side sees the end of its input."""
        self._socket.close()

    def fileno(self) -> int:
        """For `select`."""
        return int(self._socket.fileno())

    def send(self, data: bytes | memoryview) -> None:
        self._socket.settimeout(self.deadline.left())
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise self.deadline.passed() from error

    def read_some(self, limit: int) -> bytes:
        """At least one byte. Raises `EOFError` at the end, `TimeoutError` at the deadline."""
        self._socket.settimeout(self.deadline.left())
        try:
            data: bytes = self._socket.recv(limit)
        except TimeoutError as error:
            raise self.deadline.passed() from error
        if not data:
            raise EOFError("the connection was closed")
        return data

    def read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            data += self.read_some(min(count - len(data), CHUNK))
        return bytes(data)

    def request(self, service: str) -> None:
        """Ask the server, or after `transport` the device, for a service.

        Raises:
            AdbError: it was refused, in the server's words.
        """
        name = service.encode("utf-8", "replace")
        self.send(b"%04x" % len(name) + name)
        status = self.read(4)
        if status == b"OKAY":
            return
        reason = self.read(self.length()) if status == b"FAIL" else status
        raise AdbError(reason[:300].decode("utf-8", "replace"))

    def length(self) -> int:
        """The length that stands before a text, in four hexadecimal digits."""
        digits = self.read(4)
        if re.fullmatch(rb"[0-9a-fA-F]{4}", digits) is None:
            raise EOFError("the adb server's answer was garbled")
        return int(digits, 16)

    def transport(self, serial: str) -> None:
        """From here on the device is spoken to."""
        self.request(f"host:transport:{serial}")


class ShellStream:
    """A command on a device, in the shell protocol v2 (Android 7 and later)."""

    def __init__(self, wire: Wire, serial: str, line: str, limit: int) -> None:
        self._wire, self._limit = wire, limit
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.exit_code: int | None = None
        wire.transport(serial)
        wire.request(f"shell,v2,raw:{line}")

    def step(self) -> bool:
        """Take in one packet; False after the last."""
        kind, length = struct.unpack("<BI", self._wire.read(5))
        if length + len(self.stdout) + len(self.stderr) > self._limit:
            raise EOFError(f"it answered with more than {self._limit} bytes")
        data = self._wire.read(length)
        if kind == _STDOUT:
            self.stdout += data
        elif kind == _STDERR:
            self.stderr += data
        elif kind == _EXIT and data:
            self.exit_code = data[0]
            return False
        return True


class Sync:
    """adb's file protocol."""

    def __init__(self, wire: Wire, serial: str) -> None:
        self._wire = wire
        wire.transport(serial)
        wire.request("sync:")

    def _begin(self, command: bytes, path: str) -> None:
        name = path.encode("utf-8")
        self._wire.send(command + struct.pack("<I", len(name)) + name)

    def _refusal(self) -> RefusedByDevice:
        length = struct.unpack("<I", self._wire.read(4))[0]
        return RefusedByDevice(self._wire.read(min(length, 1000)).decode("utf-8", "replace"))

    def size_of(self, path: str) -> int | None:
        """A regular file's size; None for anything else, and where there is nothing."""
        self._begin(b"STAT", path)
        kind, mode, size, _ = struct.unpack("<4sIII", self._wire.read(16))
        if kind != b"STAT":
            raise EOFError("the answer to stat was garbled")
        return int(size) if mode & 0o170000 == 0o100000 else None

    def write(self, source: IO[bytes], path: str, mode: int) -> int:
        """Make a file of what `source` holds; returns the bytes sent.

        Raises:
            RefusedByDevice: it could not be stored, and why.
        """
        self._begin(b"SEND", f"{path},{0o100000 | mode}")
        sent = 0
        while chunk := source.read(CHUNK):
            self._wire.send(b"DATA" + struct.pack("<I", len(chunk)) + chunk)
            sent += len(chunk)
        self._wire.send(b"DONE" + struct.pack("<I", int(time.time())))
        status = self._wire.read(4)
        if status == b"FAIL":
            raise self._refusal()
        if status != b"OKAY":
            raise EOFError("the answer to a push was garbled")
        return sent

    def read(self, path: str) -> Iterator[bytes]:
        """A file's content.

        Raises:
            RefusedByDevice: it cannot be read, and why.
        """
        self._begin(b"RECV", path)
        while True:
            kind = self._wire.read(4)
            if kind == b"FAIL":
                raise self._refusal()
            length = struct.unpack("<I", self._wire.read(4))[0]
            if kind == b"DONE":
                return
            if kind != b"DATA" or length > CHUNK:
                raise EOFError("the answer to a pull was garbled")
            yield self._wire.read(length)
