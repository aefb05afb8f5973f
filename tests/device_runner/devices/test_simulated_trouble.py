"""What disturbs a measurement ends it, or is flagged, within a bound: never a hang, never an
unflagged number.

On simulated phones, by whose clock the bounds are checked; were a wait unbounded, the test would
run into its own time limit.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device_runner import (
    DeviceLost,
    Measurement,
    MeasurementFailed,
    MeasurePlan,
    Outcome,
    TimingPlan,
    measure,
    measure_together,
)
from device_runner.devices.simulated import (
    PRESETS,
    Fault,
    FaultKind,
    SimulatedDevice,
    synthetic_artifact,
)
from foundation import Artifact

PIXEL = PRESETS["pixel"]
PLAN = MeasurePlan(
    sessions=6, threads=4, cooldown_s=300.0, timing=TimingPlan(min_iterations=10, min_time_s=0.5)
)
# Far more than a launch of these artifacts takes.
LAUNCH_S = 10.0


@pytest.fixture
def pair(tmp_path: Path) -> list[Artifact]:
    return [synthetic_artifact(tmp_path, name, ms) for name, ms in (("fast", 40.0), ("slow", 60.0))]


@pytest.fixture
def sentinel(tmp_path: Path) -> Artifact:
    return synthetic_artifact(tmp_path, "sentinel", 30.0)


def together(
    device: SimulatedDevice,
    artifacts: list[Artifact],
    sentinel: Artifact | None = None,
    plan: MeasurePlan = PLAN,
) -> tuple[list[Measurement | MeasurementFailed], float]:
    found = measure_together(device, artifacts, plan, sentinel=sentinel)
    return found, device.clock.monotonic_s()


def measured(found: list[Measurement | MeasurementFailed]) -> list[Measurement]:
    assert all(isinstance(one, Measurement) for one in found)
    return [one for one in found if isinstance(one, Measurement)]


def bound_s(artifacts: int, plan: MeasurePlan = PLAN) -> float:
    """Every launch as often as it may be redone, and one wait."""
    return plan.cooldown_s + (plan.redo + 1) * (plan.sessions + 1) * (artifacts + 1) * LAUNCH_S


def test_a_calm_phone_is_not_flagged(pair: list[Artifact], sentinel: Artifact) -> None:
    found, _ = together(SimulatedDevice(PIXEL), pair, sentinel)
    for one in measured(found):
        assert set(one.flags) <= {"simulated", "noisy", "warmup_unsettled"}


def test_phone_that_never_cools(pair: list[Artifact], sentinel: Artifact) -> None:
    device = SimulatedDevice(PRESETS["watch"])
    found, took_s = together(device, pair, sentinel)
    assert took_s < bound_s(len(pair))
    for one in measured(found):
        assert "throttled" in one.flags
        assert all("throttled" in slot.flags for slot in one.slots)


def test_hot_phone_that_cools_is_waited_for(pair: list[Artifact]) -> None:
    heat = replace(PIXEL.heat, start_c=46.0)
    found, took_s = together(SimulatedDevice(replace(PIXEL, heat=heat)), pair)
    assert 30.0 < took_s < bound_s(len(pair))
    for one in measured(found):
        assert "throttled" not in one.flags


def test_phone_that_throttles_under_way(pair: list[Artifact]) -> None:
    # Each session heats it past its trip point.
    heat = replace(PIXEL.heat, start_c=42.0, ambient_c=41.0, tau_s=5.0)
    found, took_s = together(SimulatedDevice(replace(PIXEL, heat=heat)), pair)
    assert took_s < (1 + PLAN.sessions * len(pair)) * bound_s(len(pair))
    for one in measured(found):
        assert "throttled" in one.flags
        assert {slot.redone for slot in one.slots} == {PLAN.redo}


def test_battery_at_five_percent(pair: list[Artifact]) -> None:
    battery = replace(PIXEL.battery, percent=5.0, charging=False)
    found, took_s = together(SimulatedDevice(replace(PIXEL, battery=battery)), pair)
    assert took_s < bound_s(len(pair))
    for one in measured(found):
        assert "low_battery" in one.flags


def test_screen_that_turns_off(pair: list[Artifact]) -> None:
    device = SimulatedDevice(replace(PIXEL, screen_off_after_s=7.5))
    found, took_s = together(device, pair)
    assert 7.5 < took_s < bound_s(len(pair))
    for one in measured(found):
        dark = ["screen_off" in slot.flags for slot in one.slots]
        assert "screen_off" in one.flags
        assert dark[-1]
        assert not dark[0]


@pytest.mark.parametrize("leap_s", [3600.0, -3600.0])
def test_timer_that_leaps_once_is_done_again(pair: list[Artifact], leap_s: float) -> None:
    fault = Fault(FaultKind.TIMER_LEAP, first=3, times=1, timed_only=True, leap_s=leap_s)
    device = SimulatedDevice(PIXEL, faults=(fault,))
    found, took_s = together(device, pair)
    assert took_s < bound_s(len(pair))
    slots = [slot for one in measured(found) for slot in one.slots]
    assert sum(slot.redone for slot in slots) == 1
    for one in measured(found):
        assert "clock_jumped" not in one.flags
        assert max(one.estimate.p90_ms, one.estimate.latency_ms) < 1000


def test_timer_that_always_leaps_is_flagged(pair: list[Artifact]) -> None:
    device = SimulatedDevice(PIXEL, faults=(Fault(FaultKind.TIMER_LEAP, timed_only=True),))
    found, took_s = together(device, pair)
    assert took_s < bound_s(len(pair))
    for one in measured(found):
        assert "clock_jumped" in one.flags


def test_date_that_jumps_changes_no_number(pair: list[Artifact]) -> None:
    calm, _ = together(SimulatedDevice(PIXEL, seed=4), pair)
    device = SimulatedDevice(PIXEL, seed=4)
    jumps = iter(range(10**6))

    def jump(progress: object) -> None:
        device.clock.jump((-1) ** next(jumps) * 86400.0)

    found = measure_together(device, pair, PLAN, on_progress=jump)
    assert [one.estimate for one in measured(found)] == [one.estimate for one in measured(calm)]


@pytest.mark.parametrize("kind", [FaultKind.CRASH, FaultKind.HANG, FaultKind.OUT_OF_MEMORY])
def test_sentinel_that_fails(pair: list[Artifact], sentinel: Artifact, kind: FaultKind) -> None:
    fault = Fault(kind, candidate_key="sentinel", first=3)
    found, took_s = together(SimulatedDevice(PIXEL, faults=(fault,)), pair, sentinel)
    assert took_s < bound_s(len(pair)) + PLAN.timeout_s
    for one in measured(found):
        assert "sentinel_failed" in one.flags
        assert one.sentinel is None
        assert one.estimate.latency_ms == one.estimate.raw_latency_ms


def test_candidate_that_fails_leaves_the_others_alone(
    pair: list[Artifact], sentinel: Artifact
) -> None:
    fault = Fault(FaultKind.HANG, candidate_key="slow", first=4)
    (fast, slow), took_s = together(SimulatedDevice(PIXEL, faults=(fault,)), pair, sentinel)
    assert isinstance(fast, Measurement)
    assert len(fast.sessions) == PLAN.sessions
    assert isinstance(slow, MeasurementFailed)
    assert slow.report.outcome is Outcome.TIMED_OUT
    assert took_s < bound_s(len(pair)) + PLAN.timeout_s


def test_phone_that_vanishes_is_an_error_and_its_lease_is_free(pair: list[Artifact]) -> None:
    fault = Fault(FaultKind.LOST, first=5)
    device = SimulatedDevice(PIXEL, faults=(fault,))
    with pytest.raises(DeviceLost, match="sim:pixel"):
        together(device, pair)
    assert device.clock.monotonic_s() < bound_s(len(pair))
    other = SimulatedDevice(PIXEL)
    with other.lease():
        pass


def test_waits_once_for_all_that_it_measures(pair: list[Artifact]) -> None:
    device = SimulatedDevice(PRESETS["watch"])
    waits: list[str] = []
    found = measure_together(
        device, pair * 3, PLAN, on_progress=lambda progress: waits.append(progress.next_step)
    )
    assert len(measured(found)) == 6
    told = [text for text in waits if text.startswith("waiting")]
    assert told
    assert "at most" in told[0]
    assert len(told) <= PLAN.cooldown_s / 5 + 1


def test_single_measurement_is_flagged_as_well(pair: list[Artifact]) -> None:
    found = measure(SimulatedDevice(PRESETS["watch"]), pair[0], PLAN)
    assert {"simulated", "throttled"} <= set(found.flags)
