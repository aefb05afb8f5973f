"""The second look at a suspect: when it comes, and who has the device meanwhile."""

from __future__ import annotations

import pytest

from device_runner import MeasurePlan, TimingPlan
from device_runner.devices.replay import ReplayDevice, load_table
from device_runner.devices.simulated import PRESETS, SimulatedDevice, synthetic_artifact
from nightly.look import DeviceLooks

HOUR_S = 3600.0


@pytest.fixture
def device():
    return SimulatedDevice(PRESETS["pixel"], seed=1)


def looks_at(device, folder, again_after_s):
    return DeviceLooks(
        device=device,
        condition="default",
        models={"small": synthetic_artifact(folder, "small", 5.0)},
        plan=MeasurePlan(
            sessions=3, threads=2, timing=TimingPlan(min_iterations=3, min_time_s=0.01)
        ),
        night=1,
        again_after_s=again_after_s,
    )


@pytest.mark.parametrize("after_s", [0.0, HOUR_S])
def test_the_second_look_waits_as_long_as_the_suite_says(device, tmp_path, after_s, monkeypatch):
    looks = looks_at(device, tmp_path, after_s)
    looks.first()
    began_s, free = device.clock.monotonic_s(), []
    sleep = device.clock.sleep

    def watched(seconds):
        if seconds == HOUR_S:
            free.append(not device._lease.held)
        sleep(seconds)

    monkeypatch.setattr(device.clock, "sleep", watched)
    found = looks.again(["small"]).observations["small"]
    took_s = device.clock.monotonic_s() - began_s
    assert found.attempt == 1
    assert len(found.readings["latency"]) == 6
    assert after_s <= took_s < after_s + HOUR_S / 4
    # Others may use the device in the hour between.
    assert free == [True] * bool(after_s)


def test_what_no_session_tells_is_no_reading_and_is_said(tmp_path):
    """Never a memory of nothing: a table of medians knows neither memory nor first runs."""
    (tmp_path / "table.csv").write_text("candidate_key,latency_ms\nsmall,5\nsmall,5.1\nsmall,5.2\n")
    looks = looks_at(ReplayDevice(load_table(tmp_path / "table.csv")), tmp_path, 0.0)
    found = looks.first()
    assert set(found.observations["small"].readings) == {"latency", "delegation"}
    assert found.not_told == ("first run", "peak memory")


def test_what_every_session_tells_is_read(device, tmp_path):
    found = looks_at(device, tmp_path, 0.0).first()
    assert {"latency", "first_run", "memory"} <= set(found.observations["small"].readings)
    assert found.not_told == ()
