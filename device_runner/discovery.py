"""Which devices there are, and which one a name means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device_runner.device import Device
from device_runner.errors import DeviceUnknownError
from device_runner.host import SERIAL as HOST
from device_runner.host import HostDevice

AUTO = "auto"

# Serial -> how to open it. Phones and emulators will be listed by adb.
_OPENERS: dict[str, Callable[[], Device]] = {HOST: HostDevice}


@dataclass(frozen=True)
class Selection:
    """The device that a name came to mean, and the sentence that says so."""

    device: Device
    sentence: str


def list_devices() -> list[Device]:
    """Every device that can be opened now. The caller closes them."""
    return [opener() for opener in _OPENERS.values()]


def open_device(name: str = AUTO) -> Selection:
    """Open a device by serial, or let `auto` choose.

    Raises:
        DeviceUnknownError: nothing answers to that name.
    """
    if name == AUTO:
        return Selection(
            HostDevice(),
            "Device: host, because this version knows no other kind of device yet.",
        )
    if name not in _OPENERS:
        known = ", ".join([AUTO, *_OPENERS])
        raise DeviceUnknownError(
            f"no device is called {name[:200]!r}: choose one of {known} (see 'mobilesr-tune "
            "devices')"
        )
    return Selection(_OPENERS[name](), f"Device: {name}, as asked for.")
