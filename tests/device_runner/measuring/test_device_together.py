"""Artifacts timed side by side: order, drift, heat and what fails, on a device written down."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_device import FakeClock, ScriptedDevice

from device_runner import Gate, Measurement, MeasurementFailed, MeasurePlan, Progress
from device_runner.measuring import compare_together, measure, measure_together
from device_runner.measuring.order import fresh_seed, random_orders, sentinels_a_round
from foundation import Artifact


def named(artifact: Artifact, *names: str) -> list[Artifact]:
    return [
        dataclasses.replace(
            artifact, manifest=artifact.manifest.model_copy(update={"candidate_key": name})
        )
        for name in names
    ]


def measurements(found: list[Measurement | MeasurementFailed]) -> list[Measurement]:
    assert all(isinstance(one, Measurement) for one in found)
    return [one for one in found if isinstance(one, Measurement)]


@given(items=st.integers(1, 30), rounds=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
def test_every_round_runs_every_item_once(items, rounds, seed):
    orders = list(itertools.islice(random_orders(items, np.random.default_rng(seed)), rounds))
    for order in orders:
        assert sorted(order) == list(range(items))


def test_who_comes_first_is_a_coin_of_its_own_in_each_round():
    orders = list(itertools.islice(random_orders(2, np.random.default_rng(0)), 4000))
    first = np.array([order[0] for order in orders], dtype=float)
    assert abs(first.mean() - 0.5) < 0.03
    for lag in (1, 2, 3):
        assert abs(np.corrcoef(first[lag:], first[:-lag])[0, 1]) < 0.06


def test_no_two_measurements_have_to_follow_one_order():
    assert len({fresh_seed() for _ in range(20)}) == 20


@pytest.mark.parametrize(("artifacts", "sentinels"), [(0, 0), (1, 1), (6, 1), (7, 2), (20, 4)])
def test_no_artifact_is_far_from_a_sentinel(artifacts, sentinels):
    assert sentinels_a_round(artifacts) == sentinels


def test_every_artifact_runs_once_a_round_beside_the_sentinel(artifact):
    device = ScriptedDevice(lambda one, clock: 5.0)
    found = measure_together(
        device,
        named(artifact, "a", "b"),
        MeasurePlan(sessions=4),
        sentinel=named(artifact, "sentinel")[0],
    )
    assert device.ran[:2] == [("a", False), ("b", False)]
    rounds = [[name for name, _ in device.ran[2 + 3 * i : 5 + 3 * i]] for i in range(4)]
    assert all(Counter(one) == Counter(["a", "b", "sentinel"]) for one in rounds)
    for one in measurements(found):
        assert [slot.round for slot in one.slots] == [0, 1, 2, 3]
        assert one.sentinel is not None
        assert len(one.sentinel.median_ms) == len(one.sentinel.drift) == 4


def test_a_device_that_slows_down_does_not_make_a_slow_artifact(artifact):
    # 0.5 % slower with each second: naive means in order would differ by it.
    def heating(one: Artifact, clock: FakeClock) -> float:
        base = {"a": 40.0, "b": 40.0, "sentinel": 10.0}[one.manifest.candidate_key]
        return base * math.exp(0.005 * clock.at_s)

    a, b = measurements(
        measure_together(
            ScriptedDevice(heating),
            named(artifact, "a", "b"),
            MeasurePlan(sessions=8),
            sentinel=named(artifact, "sentinel")[0],
            sentinel_reference_ms=10.0,
        )
    )
    assert a.estimate.latency_ms == pytest.approx(40, rel=0.01)
    assert b.estimate.latency_ms == pytest.approx(40, rel=0.01)
    assert a.estimate.raw_latency_ms > 40.5
    assert b.estimate.raw_latency_ms > 40.5


def test_a_slower_day_is_corrected_by_the_reference_and_flagged(artifact):
    slow = ScriptedDevice(lambda one, clock: 12.0)
    found = measure(
        slow, named(artifact, "a")[0], MeasurePlan(),
        sentinel=named(artifact, "s")[0], sentinel_reference_ms=10.0,
    )  # fmt: skip
    assert found.estimate.latency_ms == pytest.approx(10.0)
    assert found.estimate.raw_latency_ms == pytest.approx(12.0)
    # A fifth slower from the first session on: how hot it makes the model, nothing here can show.
    assert found.flags == ("noisy", "drifted")
    assert found.estimate.latency_low_ms < 9.5
    assert found.estimate.latency_high_ms > 10.5


def test_what_fails_leaves_the_others_measured(artifact):
    def falls(one: Artifact, clock: FakeClock) -> float:
        return math.inf if one.manifest.candidate_key == "bad" and clock.at_s > 1 else 20.0

    bad, good = measure_together(
        ScriptedDevice(falls), named(artifact, "bad", "good"), MeasurePlan(sessions=3)
    )
    assert isinstance(bad, MeasurementFailed)
    assert isinstance(good, Measurement)
    assert good.estimate.sessions == 3


def test_a_sentinel_that_fails_is_a_flag_on_what_is_measured_without_it(artifact):
    device = ScriptedDevice(lambda one, clock: math.inf if "s" in one.manifest.candidate_key else 5)
    found = measure(
        device, named(artifact, "a")[0], MeasurePlan(), sentinel=named(artifact, "s")[0]
    )
    assert found.flags == ("sentinel_failed",)
    assert found.estimate.latency_ms == found.estimate.raw_latency_ms == pytest.approx(5)


def test_a_hot_device_is_waited_for_with_a_countdown(artifact):
    seen: list[Progress] = []
    device = ScriptedDevice(
        lambda one, clock: 5, flags=lambda clock: ("throttled",) if clock.at_s < 60 else ()
    )
    found = measure(device, artifact, MeasurePlan(cooldown_s=300), on_progress=seen.append)
    waits = [one.next_step for one in seen if "to cool" in one.next_step]
    assert waits[0] == "waiting for scripted to cool (throttled), 5:00 at most"
    assert len(waits) == pytest.approx(12, abs=1)
    assert found.flags == ()


@pytest.mark.parametrize("stuck", [False, True])
def test_a_device_that_never_cools_is_waited_for_once_and_flagged(artifact, stuck):
    device = ScriptedDevice(lambda one, clock: 5, flags=lambda clock: ("throttled",))
    device.time.stuck = stuck
    gate = Gate(device, 60)
    for _ in range(3):
        found = measure(device, artifact, MeasurePlan(cooldown_s=60), gate=gate)
        assert found.flags == ("throttled",)
        assert all(slot.flags == ("throttled",) for slot in found.slots)
    assert sum(device.time.slept_s) <= 65


def test_a_session_that_throttled_is_discarded_and_done_again(artifact):
    # Cold when asked before the first session, hot after it, cold from then on.
    answers = itertools.chain([(), ("throttled",)], itertools.repeat(()))
    device = ScriptedDevice(lambda one, clock: 5, flags=lambda clock: next(answers))
    found = measure(device, artifact, MeasurePlan(sessions=3))
    assert [slot.redone for slot in found.slots] == [1, 0, 0]
    assert found.flags == ()
    assert [timed for _, timed in device.ran] == [False, True, True, True, True]


def test_one_that_throttles_every_time_is_kept_with_its_flag(artifact):
    # Cold before each session, as waiting helps; hot after each.
    device = ScriptedDevice(lambda one, clock: 5)
    device.flags = lambda clock: ("throttled",) if device.ran[-1][1] and not cooled(device) else ()

    def cooled(device: ScriptedDevice) -> bool:
        return bool(device.time.slept_s) and device.ran_at_sleep == len(device.ran)

    device.ran_at_sleep = 0
    slept = device.time.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        device.ran_at_sleep = len(device.ran)

    device.time.sleep = sleep
    found = measure(device, artifact, MeasurePlan(sessions=2))
    assert [slot.redone for slot in found.slots] == [2, 2]
    assert "throttled" in found.flags


@pytest.mark.parametrize("flag", ["low_battery", "screen_off"])
def test_what_waiting_does_not_mend_is_a_flag_at_once(artifact, flag):
    device = ScriptedDevice(lambda one, clock: 5, flags=lambda clock: (flag,))
    assert measure(device, artifact, MeasurePlan()).flags == (flag,)
    assert device.time.slept_s == []


def test_a_timer_that_runs_ahead_is_done_again_and_flagged(artifact):
    device = ScriptedDevice(lambda one, clock: 50, timer_factor=3.0)
    found = measure(device, artifact, MeasurePlan(sessions=1))
    assert found.slots[0].redone == 2
    assert "clock_jumped" in found.flags


def test_two_of_one_call_are_compared_round_by_round(artifact):
    # Both slow down alike, by a factor from round to round that hides 3 % between them.
    def wandering(one: Artifact, clock: FakeClock) -> float:
        base = {"a": 10.3, "b": 10.0}[one.manifest.candidate_key]
        return base * (1 + 0.5 * math.sin(clock.at_s / 40))

    device = ScriptedDevice(wandering)
    a, b = measurements(
        measure_together(device, named(artifact, "a", "b"), MeasurePlan(sessions=9))
    )
    found = compare_together(a, b)
    assert found.differs()
    assert found.ratio == pytest.approx(1.03, abs=0.01)
    assert compare_together(b, a).ratio == pytest.approx(1 / found.ratio)
    assert not compare_together(a, a).differs()
