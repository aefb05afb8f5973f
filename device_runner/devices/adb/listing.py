"""Which devices adb has, of what kind they seem, and what keeps one from being used."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device_runner.devices.adb.lines import Listed
from device_runner.devices.adb.server import AdbServer, AdbServerError
from device_runner.devices.adb.states import READY, advice_for
from device_runner.records import DeviceKind
from foundation.wording import shown

_EMULATOR = re.compile(r"^emulator-\d+$")


@dataclass(frozen=True)
class Found:
    """A device that adb lists."""

    serial: str
    state: str
    # By its name alone; its properties decide when it is opened.
    kind: DeviceKind
    details: str

    @property
    def ready(self) -> bool:
        """Whether it can be opened."""
        return self.state == READY

    @property
    def advice(self) -> str:
        """What to do about it; empty where it is ready."""
        return "" if self.ready else advice_for(self.state, self.serial)


@dataclass(frozen=True)
class Listing:
    """All that adb lists, or why it lists nothing."""

    devices: tuple[Found, ...]
    problem: str = ""


def list_adb(server: AdbServer | None = None, *, start_server: bool = True) -> Listing:
    """Ask adb's server, which is started if need be; never raises for adb's sake."""
    try:
        server = server or AdbServer()
        if start_server:
            server.ensure()
        elif not server.is_running():
            return Listing((), "adb's server does not run")
        found = tuple(_found(listed) for listed in server.devices())
    except AdbServerError as error:
        return Listing((), str(error))
    return Listing(tuple(sorted(found, key=lambda one: (one.kind != "phone", one.serial))))


def _found(listed: Listed) -> Found:
    kind: DeviceKind = "emulator" if _EMULATOR.match(listed.serial) else "phone"
    return Found(listed.serial, listed.state, kind, shown(listed.details))
