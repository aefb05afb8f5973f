from __future__ import annotations

import math
from random import Random

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
    session_interval,
)
from device_runner.statistics.intervals import median_variance_ratio

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
        session_interval(values)
    with pytest.raises(ValueError):
        median_of_medians([values])


def test_relative_width() -> None:
    assert Interval(9, 11).relative_width(10) == pytest.approx(0.2)
    assert Interval(1, 1).relative_width(0) == 0
    assert Interval(0, 1).relative_width(0) == math.inf


NOISES = {
    "normal": lambda random, shape: random.normal(0, 0.015, shape),
    # Of the latency itself, so its logarithm is skewed as well; centred on its median.
    "skewed": lambda random, shape: np.log1p(0.2 * (random.lognormal(0, 0.5, shape) - 1)),
    "outliers": lambda random, shape: (
        random.normal(0, 0.015, shape)
        + (random.random(shape) < 0.1) * random.uniform(0.05, 0.25, shape)
    ),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("sessions", [3, 5, 9])
def test_interval_covers_the_truth_with_few_sessions(noise: str, sessions: int) -> None:
    rows = 40.0 * np.exp(NOISES[noise](np.random.default_rng(sessions), (400, sessions)))
    held = [40.0 in session_interval(row) for row in rows]
    assert np.mean(held) >= 0.93


def test_bootstrap_alone_is_too_sure_with_three_sessions() -> None:
    # The reason for `session_interval`: should this fail, it is no longer needed.
    rows = 40.0 * np.exp(np.random.default_rng(3).normal(0, 0.015, (400, 3)))
    assert np.mean([40.0 in bootstrap_interval(row, resamples=400) for row in rows]) < 0.85


@given(st.lists(TIMES, min_size=3, max_size=12), st.integers(-8, 8), st.randoms())
def test_session_interval_has_no_unit_and_no_order(
    values: list[float], power: int, random: Random
) -> None:
    shuffled = [value * 2.0**power for value in values]
    random.shuffle(shuffled)
    plain, scaled = session_interval(values), session_interval(shuffled)
    assert plain.low <= np.median(values) * (1 + 1e-12)
    assert plain.high >= np.median(values) * (1 - 1e-12)
    assert scaled.low == pytest.approx(plain.low * 2.0**power, rel=1e-6)
    assert scaled.high == pytest.approx(plain.high * 2.0**power, rel=1e-6)


@given(st.lists(TIMES, min_size=3, max_size=12))
def test_session_interval_holds_the_bootstrap_and_grows_with_confidence(
    values: list[float],
) -> None:
    wide, narrow = session_interval(values, confidence=0.99), session_interval(values)
    plain = bootstrap_interval(np.log(sorted(values)))
    assert narrow.low <= np.exp(plain.low) * (1 + 1e-9)
    assert narrow.high >= np.exp(plain.high) * (1 - 1e-9)
    assert wide.low <= narrow.low <= narrow.high <= wide.high


@pytest.mark.parametrize("values", [[3.0], [3.0, 1.0]])
def test_too_few_sessions_give_their_range(values: list[float]) -> None:
    interval = session_interval(values)
    assert (interval.low, interval.high) == pytest.approx((min(values), max(values)))


def test_a_latency_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        session_interval([1.0, 0.0, 2.0])


@pytest.mark.parametrize("count", range(1, 13))
def test_variance_of_the_median_agrees_with_drawing(count: int) -> None:
    drawn = np.random.default_rng(count).normal(size=(30_000, count))
    assert median_variance_ratio(count) == pytest.approx(
        count * np.var(np.median(drawn, axis=1)), rel=0.05
    )
