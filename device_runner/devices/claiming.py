"""Claiming a device that someone else may be using: say who, then wait."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from device_runner.device import Device
from device_runner.errors import DeviceBusy


@contextlib.contextmanager
def claim(device: Device, wait_s: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the device's lease; where it is taken, `say` by whom before waiting.

    Raises:
        DeviceBusy: another holds it, still after `wait_s`.
        DeviceLost, DeviceStorageError: it could not be made ready.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(device.lease())
        except DeviceBusy as busy:
            if wait_s <= 0:
                raise
            say(
                f"Device {device.serial} is in use by {busy.holder}: waiting for it, {wait_s:g} s "
                "at most."
            )
            stack.enter_context(device.lease(wait_s))
        yield
