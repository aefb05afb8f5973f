"""A real adb server of our own, and a device that has not allowed this computer yet."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from adbutils import adb_path
from lab_device import free_port
from lab_packages import LabUnavailable

_START_S = 20.0


class LabServer:
    """adb's server on a private port, as a child of the test."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to find it, and what keeps it from the user's own devices."""
        return {
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "ANDROID_ADB_SERVER_HOST": "127.0.0.1",
            "ADB_MDNS_AUTO_CONNECT": "0",
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
            "ADB_LIBUSB": "0",
        }

    def start(self) -> None:
        with (self.home / "adb.log").open("ab") as log:
            self._process = subprocess.Popen(
                [adb_path(), "-L", f"tcp:localhost:{self.port}", "server", "nodaemon"],
                env={**os.environ, **self.environment, "HOME": str(self.home)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _START_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LabUnavailable(
                    "the adb server did not start: "
                    + (self.home / "adb.log").read_text(errors="replace")[-300:]
                )
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it, and also one that our own code has started in its place."""
        self.kill()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                subprocess.run(
                    [adb_path(), "-P", str(self.port), "kill-server"],
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_S,
                )  # fmt: skip


class UnauthorizedDevice:
    """Answers every greeting with a challenge, as a phone does before 'Allow' was tapped."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._streams: list[socket.socket] = []
        self.serial = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                stream = self._listener.accept()[0]
            except OSError:
                return
            self._streams.append(stream)
            threading.Thread(target=self._challenge, args=(stream,), daemon=True).start()

    def _challenge(self, stream: socket.socket) -> None:
        with stream:
            try:
                while header := stream.recv(24, socket.MSG_WAITALL):
                    _, kind, _, length, *_ = struct.unpack("<6I", header)
                    stream.recv(length, socket.MSG_WAITALL)
                    if kind == 3:
                        # The computer's public key: the phone asks its owner, and says nothing.
                        continue
                    token = bytes(20)
                    command = int.from_bytes(b"AUTH", "little")
                    stream.sendall(
                        struct.pack("<6I", command, 1, 0, 20, sum(token), command ^ 0xFFFFFFFF)
                        + token
                    )
            except (OSError, struct.error):
                return

    def close(self) -> None:
        """Gone, with every connection."""
        for opened in (self._listener, *self._streams):
            # A thread that waits inside would keep it open.
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
