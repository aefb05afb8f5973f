from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics.nights import NightSpread, compare_to_past, night_spread

TIMES = st.floats(min_value=1.0, max_value=1e3)
NIGHT = st.lists(TIMES, min_size=3, max_size=6)


def nights(
    random: np.random.Generator, count: int, sessions: int, between: float, noise: float = 0.015
) -> list[np.ndarray]:
    levels = random.normal(0, between, count)
    return [40.0 * np.exp(level + random.normal(0, noise, sessions)) for level in levels]


@pytest.mark.parametrize("between", [0.0, 0.005, 0.015])
@pytest.mark.parametrize("past", [5, 14])
def test_a_night_like_the_others_is_rarely_claimed(between: float, past: int) -> None:
    random = np.random.default_rng(past)
    found = []
    for _ in range(250):
        tonight, *others = nights(random, past + 1, 5, between)
        found.append(compare_to_past(tonight, others))
    assert np.mean([c.differs() for c in found]) <= 0.05 + 3 * (0.05 * 0.95 / 250) ** 0.5
    assert np.mean([1.0 in c.interval for c in found]) >= 0.91


def test_the_devices_other_models_lend_their_nights() -> None:
    random = np.random.default_rng(4)
    false, found, alone = [], [], []
    spread = night_spread([nights(random, 12, 5, 0.01) for _ in range(10)])
    for _ in range(200):
        tonight, *others = nights(random, 3, 5, 0.01)
        false.append(compare_to_past(tonight, others, spread=spread).differs())
        found.append(compare_to_past(1.06 * tonight, others, spread=spread).slower())
        alone.append(compare_to_past(1.06 * tonight, others).slower())
    assert np.mean(false) <= 0.09
    assert np.mean(found) > 0.85 > np.mean(alone)


def test_spread_between_nights_is_what_was_put_in() -> None:
    random = np.random.default_rng(5)
    for between in (0.0, 0.005, 0.02):
        spread = night_spread([nights(random, 15, 5, between) for _ in range(40)])
        assert spread is not None
        assert spread.log_sd == pytest.approx(between, abs=0.0025)
        assert spread.degrees_of_freedom == 14
    assert night_spread([nights(random, 1, 5, 0.0)]) is None


def test_one_hot_night_hides_no_regression() -> None:
    random = np.random.default_rng(6)
    past = nights(random, 12, 5, 0.004)
    past[4] = past[4] * 1.3
    tonight = nights(random, 1, 5, 0.004)[0]
    found = compare_to_past(1.05 * tonight, past)
    assert found.set_aside == 1
    assert found.slower()
    assert found.ratio == pytest.approx(1.05, abs=0.02)


@given(NIGHT, st.lists(NIGHT, min_size=1, max_size=9), st.integers(-6, 6), st.randoms())
def test_neither_unit_nor_order_matters(
    tonight: list[float], past: list[list[float]], power: int, random: Random
) -> None:
    unit = 2.0**power
    plain = compare_to_past(tonight, past)
    shuffled = [[unit * value for value in night] for night in past]
    random.shuffle(shuffled)
    other = compare_to_past([unit * value for value in reversed(tonight)], shuffled)
    assert other.ratio == pytest.approx(plain.ratio, rel=1e-6)
    assert other.p_value == pytest.approx(plain.p_value, rel=1e-4, abs=1e-9)
    assert other.method == plain.method


@given(NIGHT, st.lists(NIGHT, min_size=2, max_size=6), st.floats(1.0, 2.0))
def test_a_slower_night_gives_a_greater_ratio(
    tonight: list[float], past: list[list[float]], slowdown: float
) -> None:
    before = compare_to_past(tonight, past)
    after = compare_to_past([slowdown * value for value in tonight], past)
    assert after.ratio == pytest.approx(slowdown * before.ratio)
    assert after.interval.low >= before.interval.low * (1 - 1e-9)


def test_what_cannot_be_known_is_said() -> None:
    night = [40.0, 40.5, 39.8]
    assert compare_to_past(night, []).method == "too-few"
    assert compare_to_past(night[:2], [night, night]).p_value == 1.0
    assert compare_to_past(night, [night]).method == "sessions-only"
    known = compare_to_past(night, [night], spread=NightSpread(0.01, 10))
    assert known.method == "hierarchical"
    assert known.interval.relative_width(1) > compare_to_past(
        night, [night]
    ).interval.relative_width(1)
