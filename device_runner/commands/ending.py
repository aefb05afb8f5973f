"""How a command that measures ends: the device as it was, or a word on what is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from device_runner.conditions.held import left_behind_sentence
from device_runner.device import Device
from device_runner.devices.signals import signals_end
from foundation.console import err


@contextmanager
def ended_cleanly(device: Device) -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP end the work as Ctrl-C does.

    Afterwards the user is told of what could not be restored on the device.
    """
    try:
        with signals_end():
            yield
    finally:
        if left := device.left_behind():
            err.say(left_behind_sentence(device.serial, left))
