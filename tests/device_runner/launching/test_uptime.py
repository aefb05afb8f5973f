"""How long a machine has been up, as its kernel says it."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.devices.simulated import PRESETS, SimulatedDevice
from device_runner.launching.kernel_facts import parsed_uptime_s, uptime_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("12345.67 98765.43\n", 12345.67), ("0.00 0.00\n", 0.0), ("7", 7.0)],
)
def test_the_first_number_is_the_uptime(text, seconds):
    assert parsed_uptime_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " \n", "cat: /proc/uptime: Permission denied", "nan 1", "inf 1", "-5 1"]
)
def test_anything_else_is_unknown_and_not_nought(text):
    assert parsed_uptime_s(text) is None


@given(st.text(max_size=40))
def test_a_device_may_say_anything(text):
    found = parsed_uptime_s(text)
    assert found is None or (math.isfinite(found) and found >= 0)


def test_this_machine_was_started_before_now():
    found = uptime_s()
    assert found is not None
    assert found == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)


def test_a_simulated_phone_tells_only_what_it_was_told():
    assert SimulatedDevice(PRESETS["pixel"]).uptime_s() is None
    phone = SimulatedDevice(PRESETS["pixel"], up_s=60.0)
    phone.clock.sleep(5.0)
    assert phone.uptime_s() == pytest.approx(65.0)
