from __future__ import annotations

import pytest
from plain_phone import PHONE, phone

from device_runner.conditions.base import State
from device_runner.conditions.build import BuildKind
from device_runner.devices.adb.kind import Kind
from device_runner.devices.adb.profile import Hardware

_DOUBTFUL = Kind("phone", "perhaps no phone, for it names no hardware", sure=False)


@pytest.mark.parametrize(
    ("facts", "flags", "state"),
    [
        (PHONE, (), State.FINE),
        (phone(build_type="userdebug"), ("debug_build",), State.DISTURBS),
        (phone(debuggable=True), ("debug_build",), State.DISTURBS),
        (phone(debuggable=None), ("build_unknown",), State.UNKNOWN),
        (phone(build_type=""), ("build_unknown",), State.UNKNOWN),
        (phone(its_kind=Kind("emulator", "in QEMU by ro.boot.qemu")), ("emulator",),
         State.DISTURBS),
        (phone(its_kind=_DOUBTFUL), ("kind_unknown",), State.UNKNOWN),
    ],
)  # fmt: skip
def test_three_states(facts: Hardware, flags: tuple[str, ...], state: State) -> None:
    reading = BuildKind().reading("", facts)
    assert (reading.flags, reading.state) == (flags, state)
    assert bool(reading.advice) == bool(flags)
    assert facts.kind_because in reading.text
