"""How a command that measures ends: the device is as it was, or a word is said on what is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from device_runner.conditions.held import left_behind_sentence
from device_runner.device import Device
from foundation.console import err


@contextmanager
def telling_what_is_left(device: Device) -> Iterator[None]:
    """However the block ends, the user is told of what could not be restored on the device."""
    try:
        yield
    finally:
        if left := device.left_behind():
            err.say(left_behind_sentence(device.serial, left))
