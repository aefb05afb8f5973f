from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics import (
    Interval,
    corrected_interval,
    drift_factors,
    session_interval,
)
from device_runner.statistics.drift import sentinel_weights

TIMES = st.floats(min_value=1e-2, max_value=1e4)
ROUNDS = st.integers(3, 12)


def a_measurement(
    random: np.random.Generator, rounds: int, *, drift_log: np.ndarray, noise: float = 0.015
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """When ours and the sentinel ran, and what they took: 40 ms and 10 ms without drift."""
    first = np.arange(rounds) % 2 == 0
    at, sentinel_at = np.arange(rounds) * 10.0 + 5 * ~first, np.arange(rounds) * 10.0 + 5 * first
    ours = 40.0 * np.exp(drift_log + random.normal(0, noise, rounds))
    theirs = 10.0 * np.exp(drift_log + random.normal(0, noise, rounds))
    return at, ours, sentinel_at, theirs


def an_interval(
    ours: np.ndarray, at: np.ndarray, sentinel_at: np.ndarray | list[float], theirs: np.ndarray
) -> Interval:
    """As if the model were known to react as the sentinel, whose reference is 10 ms."""
    return corrected_interval(
        ours, drift_factors(at, sentinel_at, theirs, 10.0), sentinel_weights(at, sentinel_at)
    )


@given(ROUNDS, st.integers(0, 1000))
def test_whatever_slows_a_round_cancels(rounds: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    drift = random.normal(0, 0.5, rounds)
    at, ours, sentinel_at, theirs = a_measurement(random, rounds, drift_log=drift, noise=0.0)
    factors = drift_factors(at, sentinel_at, theirs, 10.0)
    assert factors == pytest.approx(np.exp(drift))
    assert ours / factors == pytest.approx(np.full(rounds, 40.0))


@given(st.lists(TIMES, min_size=1, max_size=9), TIMES, st.integers(-8, 8))
def test_factors_have_no_unit(sentinel_ms: list[float], reference_ms: float, power: int) -> None:
    at = np.arange(len(sentinel_ms))
    unit = 2.0**power
    plain = drift_factors(at, at, sentinel_ms, reference_ms)
    scaled = drift_factors(at * unit, at * unit, np.array(sentinel_ms) * unit, reference_ms * unit)
    assert scaled == pytest.approx(plain, rel=1e-9)


@given(st.lists(TIMES, min_size=2, max_size=9), st.randoms())
def test_the_order_of_the_sentinels_sessions_does_not_matter(
    sentinel_ms: list[float], random: Random
) -> None:
    at = np.arange(len(sentinel_ms))
    order = list(range(len(sentinel_ms)))
    random.shuffle(order)
    shuffled = drift_factors(at + 0.3, at[order], np.array(sentinel_ms)[order], 10.0)
    assert (shuffled == drift_factors(at + 0.3, at, sentinel_ms, 10.0)).all()


def test_rounds_overrule_nearness() -> None:
    # Ours at the end of round 0, the sentinel at its start and at the start of round 1.
    arguments = ([9.0, 19.0], [0.0, 10.0], [10.0, 20.0], 10.0)
    assert list(drift_factors(*arguments)) == pytest.approx([2.0, 2.0])
    by_round = drift_factors(*arguments, rounds=[0, 1], sentinel_rounds=[0, 1])
    assert list(by_round) == pytest.approx([1.0, 2.0])


def test_a_round_without_sentinel_takes_the_nearest() -> None:
    factors = drift_factors(
        [0.0, 10.0, 21.0], [1.0, 22.0], [10.0, 20.0], 10.0, rounds=[0, 1, 2], sentinel_rounds=[0, 2]
    )
    assert list(factors) == pytest.approx([1.0, 1.0, 2.0])


DRIFTS = {
    "none": lambda rounds: np.zeros(rounds),
    "slow": lambda rounds: np.linspace(0, 0.1, rounds),
    "throttled": lambda rounds: 0.25 * (np.arange(rounds) >= rounds // 2),
}


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("rounds", [3, 5, 9])
def test_corrected_interval_covers_the_truth(drift: str, rounds: int) -> None:
    random = np.random.default_rng(rounds)
    held = []
    for _ in range(400):
        at, ours, sentinel_at, theirs = a_measurement(
            random, rounds, drift_log=DRIFTS[drift](rounds)
        )
        held.append(40.0 in an_interval(ours, at, sentinel_at, theirs))
    assert np.mean(held) >= 0.93


def test_a_shared_sentinel_session_is_paid_for() -> None:
    random = np.random.default_rng(5)
    at = np.arange(6) * 10.0
    held, too_sure = [], []
    for _ in range(400):
        ours = 40.0 * np.exp(random.normal(0, 0.015, 6))
        theirs = 10.0 * np.exp(random.normal(0, 0.015, 2))
        held.append(40.0 in an_interval(ours, at, [10.0, 40.0], theirs))
        factors = drift_factors(at, [10.0, 40.0], theirs, 10.0)
        too_sure.append(40.0 in session_interval(ours / factors))
    assert np.mean(held) >= 0.93
    assert np.mean(too_sure) < 0.9


def test_correction_has_less_error_than_none_under_throttling() -> None:
    random = np.random.default_rng(2)
    corrected, raw = [], []
    for _ in range(200):
        at, ours, sentinel_at, theirs = a_measurement(
            random, 7, drift_log=0.25 * (random.random(7) < 0.6)
        )
        factors = drift_factors(at, sentinel_at, theirs, 10.0)
        corrected.append(np.log(np.median(ours / factors) / 40.0))
        raw.append(np.log(np.median(ours) / 40.0))
    assert np.mean(np.square(corrected)) < 0.1 * np.mean(np.square(raw))


@pytest.mark.parametrize(
    "arguments",
    [
        ([], [0.0], [1.0], 1.0),
        ([0.0], [], [], 1.0),
        ([0.0], [0.0, 1.0], [1.0], 1.0),
        ([0.0], [0.0], [0.0], 1.0),
        ([0.0], [0.0], [1.0], 0.0),
        ([0.0], [0.0], [1.0], float("nan")),
    ],
)
def test_what_is_no_latency_is_refused(arguments: tuple) -> None:
    with pytest.raises(ValueError):
        drift_factors(*arguments)


def test_rounds_for_one_side_only_are_refused() -> None:
    with pytest.raises(ValueError, match="belong together"):
        drift_factors([0.0], [0.0], [1.0], 1.0, rounds=[0])
    with pytest.raises(ValueError, match="one round a session"):
        drift_factors([0.0], [0.0], [1.0], 1.0, rounds=[0, 1], sentinel_rounds=[0])
