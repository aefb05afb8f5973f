from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_runner.statistics import paired_ratio
from device_runner.statistics.power import (
    minimum_detectable_effect,
    paired_power,
    sessions_needed,
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


@given(st.floats(0.02, 0.2), st.floats(0.002, 0.04))
@settings(max_examples=15)
def test_the_sessions_needed_suffice_and_more_do_too(effect: float, noise: float) -> None:
    needed = sessions_needed(effect, noise)
    assert needed is not None
    for sessions in range(needed, needed + 4):
        assert paired_power(effect, noise, sessions) >= 0.95


def test_ten_sessions_find_three_percent_on_a_phone_of_one_and_a_half() -> None:
    assert sessions_needed(0.03, 0.015) == 10


def test_what_no_number_of_sessions_finds() -> None:
    assert sessions_needed(0.0001, 0.5) is None
    assert minimum_detectable_effect(0.015, 2) == math.inf
    # Six rounds cannot reach 1 % by ranks: 2 / 2**6 is 3 %.
    assert minimum_detectable_effect(0.015, 6, alpha=0.01) == math.inf
    assert minimum_detectable_effect(0.0, 5) == 0.0


@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_noise_without_sense_is_refused(noise: float) -> None:
    with pytest.raises(ValueError, match="log_sd"):
        minimum_detectable_effect(noise, 5)


def test_no_effect_is_not_sought() -> None:
    with pytest.raises(ValueError, match="above zero"):
        sessions_needed(0.0, 0.01)
