"""adb's server: where it is, whether it runs, and what it knows."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Mapping

from device_runner.devices.adb.lines import Listed, listed_devices
from device_runner.devices.adb.states import advice_for
from device_runner.errors import DeviceLost
from foundation.places import home_with
from foundation.wording import shown

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 5037
_PROBE_S = 1.0
_START_S = 20.0
_ANSWER_S = 5.0
_CONNECT_S = 12.0
_WORDS_BYTES = 1 << 20
# A line of its log, of what ended it.
_FATAL = re.compile(r" F adb\s*: \S+ (.+)")


class AdbServerError(DeviceLost):
    """The adb server cannot be reached, or cannot be started."""


def server_address(environment: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of the adb server, as adb itself reads its environment.

    `ADB_SERVER_SOCKET` wins over `ANDROID_ADB_SERVER_ADDRESS` and `ANDROID_ADB_SERVER_PORT` (adb's
    client/commandline.cpp). `ANDROID_ADB_SERVER_HOST` is adbutils' word for the second.

    Raises:
        AdbServerError: a variable makes no sense, or names what is not reached by TCP.
    """
    if spec := environment.get("ADB_SERVER_SOCKET", ""):
        if not spec.startswith("tcp:"):
            raise AdbServerError(
                f"ADB_SERVER_SOCKET is {shown(spec, 80)!r}: only tcp:PORT and tcp:HOST:PORT are "
                "spoken here; let adb listen there, or unset it"
            )
        host, _, port = spec.removeprefix("tcp:").rpartition(":")
        return host.strip("[]") or DEFAULT_HOST, _port(port, "ADB_SERVER_SOCKET")
    host = environment.get("ANDROID_ADB_SERVER_ADDRESS") or environment.get(
        "ANDROID_ADB_SERVER_HOST", ""
    )
    port = environment.get("ANDROID_ADB_SERVER_PORT") or str(DEFAULT_PORT)
    return host.strip("[]") or DEFAULT_HOST, _port(port, "ANDROID_ADB_SERVER_PORT")


def _last_words(log: str) -> str:
    fatal = _FATAL.findall(log)
    errors = [line for line in log.splitlines() if line.startswith(("error:", "adb:"))]
    return shown((fatal or errors or ["it does not say why"])[-1].strip())


def _port(text: str, variable: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= 65535:
        return int(text)
    raise AdbServerError(
        f"{variable} has {shown(text, 40)!r} for a port, which is no number of 1 to 65535: "
        "correct or unset it"
    )


class AdbServer:
    """One adb server, given by adb's own environment variables unless told otherwise.

    A server on this host is started when it is needed and absent; a remote one never is.
    """

    def __init__(self, host: str | None = None, port: int | None = None) -> None:
        if host and port:
            self.host, self.port = host, port
        else:
            found = server_address(os.environ)
            self.host, self.port = host or found[0], port or found[1]

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
                "correct ADB_SERVER_SOCKET, or ANDROID_ADB_SERVER_ADDRESS and _PORT"
            )
        why = self._start()
        if not self.is_running():
            raise AdbServerError(
                f"{self.name} could not be started ({why}): run 'adb start-server' and see what it "
                "says; where there is no adb for this computer, install one (on Debian, the "
                "package adb)"
            )

    def _start(self) -> str:
        """Start it; what may be why it does not run after that."""
        from adbutils import AdbError, adb_path

        # It keeps its keys there, and ends where it has no home.
        environment = {**os.environ, "HOME": str(home_with(".android"))}
        # No pipes: the daemon would keep them open for ever.
        with tempfile.TemporaryFile() as words:
            try:
                subprocess.run(
                    [adb_path(), "-P", str(self.port), "start-server"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=words,
                    timeout=_START_S,
                    env=environment,
                )
            except subprocess.TimeoutExpired:
                return f"it did not answer within {_START_S:g} s"
            # adbutils brings one for x86-64 alone along, and says so where there is no other.
            except (OSError, AdbError) as error:
                return shown(str(error))
            words.seek(0)
            return _last_words(words.read(_WORDS_BYTES).decode("utf-8", "replace"))

    def ask(self, service: str, timeout_s: float = _ANSWER_S) -> str:
        """One question to the server itself.

        Raises:
            AdbServerError: it is gone, or does not answer in time.
        """
        from device_runner.devices.adb.wire import LOSSES, Deadline, Wire

        if not self.is_running():
            raise AdbServerError(
                f"{self.name} does not run any more: {advice_for('no server', '')}"
            )
        try:
            with Wire(self.host, self.port, Deadline(timeout_s)) as wire:
                wire.request(service)
                return wire.read(wire.length()).decode("utf-8", "replace")
        except LOSSES as error:
            raise AdbServerError(
                f"{self.name} runs but did not answer ({shown(str(error))}): "
                f"{advice_for('server frozen', '')}"
            ) from error

    def devices(self) -> list[Listed]:
        """What the server has, ready or not.

        Raises:
            AdbServerError: see `ask`.
        """
        return listed_devices(self.ask("host:devices-l"))

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
