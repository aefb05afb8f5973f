"""The noise that statistics are tried under is what it says it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner import MeasurePlan, TimingPlan, measure
from device_runner.devices.simulated import (
    PRESETS,
    SimulatedDevice,
    open_simulated,
    synthetic_artifact,
)
from device_runner.devices.simulated.body import Body
from device_runner.devices.simulated.foreign import (
    Course,
    Launches,
    Nights,
    SlowSpells,
    course,
    launch_noise,
    night_noise,
)


@given(st.sampled_from(list(Launches)), st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_noise(kind: Launches, seed: int) -> None:
    rows = [launch_noise(kind, np.random.default_rng(seed), (7,), 0.02) for _ in range(2)]
    assert (rows[0] == rows[1]).all()


@pytest.mark.parametrize("kind", Launches)
def test_launches_have_a_median_of_zero(kind: Launches) -> None:
    drawn = launch_noise(kind, np.random.default_rng(1), (100_000,), 0.02)
    # Outliers are all to one side: they move the median by little, and nothing else does.
    assert abs(np.median(drawn)) < (0.003 if kind is Launches.OUTLIERS else 0.0006)
    if kind not in (Launches.OUTLIERS, Launches.TAILS):
        assert drawn.std() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("kind", Course)
def test_a_course_keeps_to_its_size(kind: Course) -> None:
    times = np.tile(np.linspace(0, 1, 60), (200, 1))
    found = course(kind, np.random.default_rng(2), times, 10, 0.08)
    assert found.shape == times.shape
    if kind is Course.CALM:
        assert not found.any()
    elif kind is Course.WANDER:
        assert found.std() == pytest.approx(0.08, rel=0.2)
    else:
        assert np.ptp(found, axis=1).max() == pytest.approx(0.08, rel=0.05)


def test_a_triangle_repeats_after_two_rounds() -> None:
    times = np.tile((np.arange(40) + 0.5) / 40, (5, 1))
    found = course(Course.TRIANGLE, np.random.default_rng(3), times, 10, 0.08)
    assert found[:, 8:] == pytest.approx(found[:, :-8])


@pytest.mark.parametrize("kind", Nights)
def test_nights_have_the_deviation_they_are_asked_for(kind: Nights) -> None:
    found = night_noise(kind, np.random.default_rng(4), 200, 200, 0.02)
    assert found.std() == pytest.approx(0.02, rel=0.15)


def test_neighbours_resemble_each_other_and_models_share_what_they_are_told_to() -> None:
    rng = np.random.default_rng(5)
    alike = night_noise(Nights.NEIGHBOURS, rng, 50, 400, 0.02)
    assert np.corrcoef(alike[:, 1:].ravel(), alike[:, :-1].ravel())[0, 1] == pytest.approx(
        0.6, abs=0.05
    )
    shared = night_noise(Nights.INDEPENDENT, rng, 2, 4000, 0.02, shared=0.5)
    assert np.corrcoef(shared)[0, 1] == pytest.approx(0.5, abs=0.06)


def test_a_restart_moves_all_models_in_the_same_night() -> None:
    found = night_noise(Nights.REBOOTS, np.random.default_rng(6), 40, 60, 0.02)
    moves = np.abs(np.diff(found, axis=1)).mean(axis=0)
    restarts = moves > 2 * np.median(moves)
    assert 2 <= restarts.sum() <= 12


def test_a_simulated_phone_has_launches_of_the_kind_it_is_told(tmp_path: Path) -> None:
    pixel = PRESETS["pixel"]
    noise = replace(
        pixel.noise, launches=Launches.BIMODAL, drift_sigma=0.0, misplaced_chance=0.0,
        launch_sigma=0.05,
    )  # fmt: skip
    cool = replace(pixel.heat, rise_c=0.0)
    phone = SimulatedDevice(replace(pixel, noise=noise, heat=cool), seed=3)
    plan = MeasurePlan(sessions=60, threads=2, timing=TimingPlan(min_time_s=0.05))
    found = measure(phone, synthetic_artifact(tmp_path, "a", 20.0), plan)
    logs = np.log([one.median_ms for one in found.sessions])
    slow = logs > np.median(logs) + 0.05
    assert 0.1 < slow.mean() < 0.5
    # Between the modes lies nothing.
    assert logs[slow].min() - logs[~slow].max() > 0.02


def test_an_artifact_may_react_to_heat_otherwise_than_the_phone(tmp_path: Path) -> None:
    hot = replace(PRESETS["pixel"].heat, start_c=48.0, ambient_c=48.0, rise_c=0.0)
    still = replace(PRESETS["pixel"].noise, drift_sigma=0.0, launch_sigma=0.0, misplaced_chance=0.0)
    plan = MeasurePlan(sessions=3, threads=2, cooldown_s=0.0, redo=0)
    latencies = {}
    for reaction in (0.0, 0.5, 1.0):
        phone = SimulatedDevice(replace(PRESETS["pixel"], heat=hot, noise=still))
        artifact = synthetic_artifact(tmp_path, "a", 20.0, reaction=reaction)
        found = measure(phone, artifact, plan).estimate.latency_ms
        latencies[reaction] = found / phone.true_latency_ms(artifact, 2)
    assert latencies[0.0] == pytest.approx(1.0, abs=0.02)
    assert latencies[0.5] == pytest.approx(latencies[1.0] ** 0.5, rel=0.02)
    assert latencies[1.0] > 1.2


def test_slow_spells_last_and_are_as_frequent_as_they_are_told_to_be() -> None:
    spells = SlowSpells(factor=3.0, usual_s=40.0, slow_s=10.0)
    still = replace(PRESETS["pixel"].noise, drift_sigma=0.0, spells=spells)
    phone = SimulatedDevice(replace(PRESETS["pixel"], noise=still), seed=5)
    body, slower = (
        Body(replace(PRESETS["pixel"], noise=still), phone.clock, np.random.default_rng(6)),
        [],
    )
    for _ in range(20_000):
        phone.clock.sleep(1.0)
        slower.append(body.drift())
    assert set(slower) == {1.0, 3.0}
    slow = np.array(slower) == 3.0
    assert slow.mean() == pytest.approx(0.2, abs=0.03)
    # 400 spells or so of 10 s on average.
    assert np.diff(slow.astype(int)).clip(0).sum() == pytest.approx(400, rel=0.15)


def test_a_phone_with_slow_spells_can_be_asked_for_by_name(tmp_path: Path) -> None:
    phone = open_simulated("sim:pixel?slow_factor=2&seed=1")
    plan = MeasurePlan(sessions=60, threads=2, timing=TimingPlan(min_time_s=0.5))
    artifact = synthetic_artifact(tmp_path, "a", 20.0)
    logs = np.log([one.median_ms for one in measure(phone, artifact, plan).sessions])
    slow = logs > np.median(logs) + 0.5
    assert 0.02 < slow.mean() < 0.5
    assert np.median(logs[slow]) - np.median(logs[~slow]) == pytest.approx(np.log(2), abs=0.15)


def test_spells_within_a_measurement_are_there_or_not() -> None:
    times = np.tile(np.linspace(0, 1, 200), (400, 1))
    found = course(Course.SPELLS, np.random.default_rng(7), times, 10, np.log(2.0))
    assert set(np.unique(found)) == {0.0, np.log(2.0)}
    assert (found > 0).mean() == pytest.approx(0.25, abs=0.04)
