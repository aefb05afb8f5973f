from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics import (
    Interval,
    bootstrap_interval,
    median_of_medians,
    percentile,
)
from device_runner.warmup import AGREEING_ITERATIONS, is_settled, may_stop

TIMES = st.floats(min_value=1e-3, max_value=1e6)
ROWS = st.lists(TIMES, min_size=1, max_size=30)


@given(ROWS)
def test_interval_holds_the_median_and_stays_within_the_data(values: list[float]) -> None:
    interval = bootstrap_interval(values, resamples=200)
    assert min(values) <= interval.low <= np.median(values) <= interval.high <= max(values)


@given(ROWS, st.integers(0, 2**32))
def test_interval_is_the_same_for_the_same_seed(values: list[float], seed: int) -> None:
    first = bootstrap_interval(values, seed=seed, resamples=100)
    assert first == bootstrap_interval(values, seed=seed, resamples=100)


@given(ROWS, st.integers(-8, 8))
def test_interval_scales_with_the_unit(values: list[float], power: int) -> None:
    # Powers of two, so that scaling is exact.
    plain = bootstrap_interval(values, resamples=100)
    scaled = bootstrap_interval([value * 2.0**power for value in values], resamples=100)
    assert scaled.low == pytest.approx(plain.low * 2.0**power, rel=1e-9)
    assert scaled.high == pytest.approx(plain.high * 2.0**power, rel=1e-9)


@pytest.mark.parametrize("count", [1, 2])
def test_few_sessions_fall_back_to_the_range(count: int) -> None:
    values = [3.0, 1.0][:count]
    assert bootstrap_interval(values) == Interval(min(values), max(values))


def test_wider_confidence_is_a_wider_interval() -> None:
    values = list(np.random.default_rng(1).normal(100, 5, 25))
    narrow = bootstrap_interval(values, confidence=0.8)
    wide = bootstrap_interval(values, confidence=0.99)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


def test_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(7).lognormal(4, 0.2, 40)
    ours = bootstrap_interval(list(values), resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), np.median, method="percentile", n_resamples=20_000, rng=3
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.1 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.1 * width)


@given(st.lists(ROWS, min_size=1, max_size=8), st.randoms())
def test_median_of_medians_ignores_order(sessions: list[list[float]], random: object) -> None:
    shuffled = [sorted(session) for session in reversed(sessions)]
    assert median_of_medians(shuffled) == median_of_medians(sessions)


def test_long_session_weighs_no_more_than_a_short_one() -> None:
    assert median_of_medians([[1.0] * 1000, [2.0], [3.0]]) == 2.0


def test_one_disturbed_session_in_five_moves_nothing() -> None:
    assert median_of_medians([[10.0]] * 4 + [[900.0]]) == 10.0


@given(ROWS, st.floats(0, 100))
def test_percentile_agrees_with_numpy(values: list[float], percent: float) -> None:
    assert percentile(values, percent) == np.percentile(values, percent)


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, 1.0]])
def test_what_is_no_number_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError):
        percentile(values, 50)
    with pytest.raises(ValueError):
        bootstrap_interval(values)
    with pytest.raises(ValueError):
        median_of_medians([values])


def test_relative_width() -> None:
    assert Interval(9, 11).relative_width(10) == pytest.approx(0.2)
    assert Interval(1, 1).relative_width(0) == 0
    assert Interval(0, 1).relative_width(0) == math.inf


@given(TIMES, st.integers(AGREEING_ITERATIONS, 50))
def test_constant_durations_are_settled(value: float, count: int) -> None:
    assert is_settled([value] * count)


@given(st.lists(TIMES, max_size=40), st.integers(-8, 8))
def test_settling_has_no_unit(durations: list[float], power: int) -> None:
    assert is_settled([d * 2.0**power for d in durations]) == is_settled(durations)


@given(TIMES, st.floats(1.5, 100))
def test_a_jump_unsettles_and_rest_settles_again(value: float, factor: float) -> None:
    jumped = [value] * 10 + [value * factor]
    assert not is_settled(jumped)
    assert is_settled(jumped + [value * factor] * 40)


@given(TIMES, st.floats(0.5, 0.85))
def test_a_steep_slope_never_settles(value: float, factor: float) -> None:
    slope = [value * factor**step for step in range(30)]
    assert not any(is_settled(slope[:count]) for count in range(AGREEING_ITERATIONS + 2, 31))


@given(st.lists(TIMES, max_size=40), st.integers(0, 20), st.integers(0, 40))
def test_warm_up_keeps_its_bounds(durations: list[float], least: int, most: int) -> None:
    stop = may_stop(durations, least, most)
    if len(durations) >= most:
        assert stop
    elif len(durations) < least:
        assert not stop
    else:
        assert stop == is_settled(durations)
