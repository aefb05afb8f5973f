"""adb's server: where it is, whether it runs, and what it knows."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from dataclasses import dataclass

from device_runner.errors import DeviceLost

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_PROBE_S = 1.0
_START_S = 20.0
_ANSWER_S = 5.0
_CONNECT_S = 12.0
_MAX_ANSWER = 1 << 20


class AdbServerError(DeviceLost):
    """The adb server cannot be reached, or cannot be started."""


@dataclass(frozen=True)
class Listed:
    """One line of `adb devices -l`; every string is the device's own, hence untrusted."""

    serial: str
    state: str
    details: str


class AdbServer:
    """One adb server, given by adb's own environment variables unless told otherwise.

    A server on this host is started when it is needed and absent; a remote one never is.
    """

    def __init__(self, host: str | None = None, port: int | None = None) -> None:
        spec = os.environ.get("ADB_SERVER_SOCKET", "")
        spec_host, _, spec_port = spec.removeprefix("tcp:").rpartition(":")
        self.host = host or os.environ.get("ANDROID_ADB_SERVER_HOST") or spec_host or "127.0.0.1"
        found = os.environ.get("ANDROID_ADB_SERVER_PORT") or spec_port or "5037"
        try:
            self.port = port or int(found)
        except ValueError as error:
            raise AdbServerError(
                f"ANDROID_ADB_SERVER_PORT is {found[:40]!r}, not a port number: correct or unset it"
            ) from error

    @property
    def is_local(self) -> bool:
        """Whether the server is this host's own."""
        return self.host in LOCAL_HOSTS

    @property
    def name(self) -> str:
        """How a message calls it."""
        return f"the adb server at {self.host}:{self.port}"

    def is_running(self) -> bool:
        """Whether something answers at its address. Starts nothing."""
        try:
            with socket.create_connection((self.host, self.port), timeout=_PROBE_S):
                return True
        except OSError:
            return False

    def ensure(self) -> None:
        """Have a running server.

        Raises:
            AdbServerError: it does not run and cannot be started.
        """
        if self.is_running():
            return
        if not self.is_local:
            raise AdbServerError(
                f"{self.name} does not answer: start adb there with 'adb -a server nodaemon', or "
                "correct ANDROID_ADB_SERVER_HOST and ANDROID_ADB_SERVER_PORT"
            )
        from adbutils import adb_path

        # All streams closed: the daemon would keep a pipe open for ever.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [adb_path(), "-P", str(self.port), "start-server"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_START_S,
            )
        if not self.is_running():
            raise AdbServerError(
                f"{self.name} could not be started within {_START_S:g} s: run 'adb start-server' "
                "and see what it says"
            )

    def ask(self, service: str, timeout_s: float = _ANSWER_S) -> str:
        """One question to the server itself.

        Raises:
            AdbServerError: it is gone, or does not answer in time.
        """
        from device_runner.devices.adb.wire import LOSSES, Deadline, Wire

        if not self.is_running():
            raise AdbServerError(f"{self.name} does not run any more: start it again")
        try:
            with Wire(self.host, self.port, Deadline(timeout_s)) as wire:
                wire.request(service)
                length = int(wire.read(4), 16)
                return wire.read(min(length, _MAX_ANSWER)).decode("utf-8", "replace")
        except (*LOSSES, ValueError) as error:
            raise AdbServerError(f"{self.name} did not answer: {error}") from error

    def devices(self) -> list[Listed]:
        """What the server has, ready or not.

        Raises:
            AdbServerError: see `ask`.
        """
        found = []
        for line in self.ask("host:devices-l").splitlines():
            serial, _, rest = line.partition(" ")
            # "no permissions (reason); see [address]" is a state of several words.
            state, _, details = rest.strip().partition(" ")
            if rest.strip().startswith("no permissions"):
                state, details = "no permissions", rest.strip().removeprefix("no permissions")
            if serial:
                found.append(Listed(serial[:200], state, details.strip()[:500]))
        return found

    def state_of(self, serial: str) -> str:
        """`device`, `offline`, `unauthorized`, ..., or `absent`."""
        for listed in self.devices():
            if listed.serial == serial:
                return listed.state
        return "absent"

    def connect(self, address: str) -> str:
        """Ask for a network device; returns the server's own words, for good or ill."""
        return self.ask(f"host:connect:{address}", _CONNECT_S)

    def disconnect(self, address: str) -> None:
        """Forget a network device; it is no error if there is none."""
        with contextlib.suppress(AdbServerError):
            self.ask(f"host:disconnect:{address}")
