from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from device_runner.devices.simulated.foreign import Launches, launch_noise
from device_runner.statistics import paired_ratio
from device_runner.statistics.paired import compare_log_ratios
from device_runner.statistics.power import (
    detectable_difference,
    minimum_detectable_effect,
    paired_power,
    upper_noise,
)

NOISE = st.floats(0.002, 0.1)


@pytest.mark.parametrize("sessions", [3, 5, 6, 7, 9, 12])
@pytest.mark.parametrize("effect", [0.02, 0.04])
def test_power_agrees_with_simulation(sessions: int, effect: float) -> None:
    random = np.random.default_rng(sessions)
    noise = random.normal(0, 0.015, (2, 400, sessions))
    first, second = (1 + effect) * np.exp(noise[0]), np.exp(noise[1])
    found = np.mean([paired_ratio(a, b).differs() for a, b in zip(first, second, strict=True)])
    assert paired_power(effect, 0.015, sessions) == pytest.approx(found, abs=0.07)


@given(NOISE, st.integers(3, 40), st.sampled_from([0.8, 0.95]))
@settings(max_examples=20)
def test_the_detectable_effect_is_just_detected(noise: float, sessions: int, power: float) -> None:
    effect = minimum_detectable_effect(noise, sessions, power=power)
    assert paired_power(effect, noise, sessions) == pytest.approx(power, abs=1e-3)
    assert paired_power(effect * 0.9, noise, sessions) < power


@given(NOISE, st.floats(1.01, 3), st.integers(3, 40))
@settings(max_examples=20)
def test_more_noise_hides_more(noise: float, more: float, sessions: int) -> None:
    quiet = minimum_detectable_effect(noise, sessions)
    assert minimum_detectable_effect(noise * more, sessions) > quiet


@pytest.mark.parametrize("rounds", [5, 7, 9, 12, 20])
@pytest.mark.parametrize("launches", Launches)
def test_what_rounds_are_said_to_find_they_find(launches: Launches, rounds: int) -> None:
    random = np.random.default_rng([list(Launches).index(launches), rounds])
    seen, others = (
        np.diff(launch_noise(launches, random, (many, 2, rounds), 0.02), axis=1)[:, 0]
        for many in (300, 1000)
    )
    told = np.log1p([detectable_difference(row) for row in seen])
    # A claim is made where the interval lies above zero, so from this slowdown on.
    found_from = [-math.log(compare_log_ratios(row).interval.low) for row in others]
    # 0.8 is meant; 300 cases are off by 0.023, one standard deviation.
    assert np.mean(told >= np.quantile(found_from, 0.9)) >= 0.76


@given(st.lists(st.floats(-0.05, 0.05), min_size=5, max_size=20, unique=True), st.floats(0.5, 3))
@settings(max_examples=30)
def test_an_outlier_takes_from_what_rounds_find(values: list[float], far: float) -> None:
    calm = detectable_difference(values)
    assert detectable_difference([*values[:-1], far]) > calm


def test_few_rounds_allow_for_disturbances_and_many_do_not() -> None:
    def over_normal(rounds: int) -> float:
        row = scipy.stats.norm.ppf((np.arange(rounds) + 0.5) / rounds)
        noise = upper_noise(row) / 2**0.5 / 100
        return detectable_difference(row / 100) / minimum_detectable_effect(noise, rounds)

    assert 1.4 < over_normal(9) < 1.55
    assert over_normal(9) > over_normal(12) > over_normal(20) == pytest.approx(1.0)


@given(st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=20), st.floats(0.5, 0.95))
@settings(max_examples=30)
def test_noise_is_bounded_from_above_and_has_no_level(values: list[float], sure: float) -> None:
    bound = upper_noise(values, sure)
    assert bound >= 0
    assert bound == pytest.approx(upper_noise(np.array(values) + 3.0, sure), abs=1e-9)
    assert bound <= upper_noise(values, sure + 0.04)


def test_one_round_knows_no_noise_and_finds_nothing() -> None:
    assert upper_noise([0.1]) == math.inf
    assert detectable_difference([0.1]) == math.inf


def test_what_no_number_of_sessions_finds() -> None:
    assert minimum_detectable_effect(0.015, 2) == math.inf
    # Six rounds cannot reach 1 % by ranks: 2 / 2**6 is 3 %.
    assert minimum_detectable_effect(0.015, 6, alpha=0.01) == math.inf
    assert minimum_detectable_effect(0.0, 5) == 0.0


@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_noise_without_sense_is_refused(noise: float) -> None:
    with pytest.raises(ValueError, match="log_sd"):
        minimum_detectable_effect(noise, 5)
