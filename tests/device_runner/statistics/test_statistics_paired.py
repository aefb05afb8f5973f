from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics import paired_ratio

TIMES = st.floats(min_value=1e-2, max_value=1e4)
PAIRS = st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=14)


def split(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(pairs)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize("rounds", range(6, 20))
def test_p_value_and_estimate_agree_with_scipy(rounds: int) -> None:
    random = np.random.default_rng(rounds)
    first, second = random.lognormal(3.02, 0.03, rounds), random.lognormal(3, 0.03, rounds)
    ours = paired_ratio(first, second)
    difference = np.log(first / second)
    theirs = scipy.stats.wilcoxon(difference, method="exact")
    assert ours.p_value == pytest.approx(theirs.pvalue)
    walsh = [(a + b) / 2 for i, a in enumerate(difference) for b in difference[i:]]
    assert ours.ratio == pytest.approx(math.exp(np.median(walsh)))


@pytest.mark.parametrize("rounds", [3, 4, 5])
def test_few_rounds_agree_with_scipys_t(rounds: int) -> None:
    random = np.random.default_rng(rounds)
    first, second = random.lognormal(3.02, 0.03, rounds), random.lognormal(3, 0.03, rounds)
    theirs = scipy.stats.ttest_rel(np.log(first), np.log(second))
    low, high = theirs.confidence_interval(0.9)
    ours = paired_ratio(first, second, confidence=0.9)
    assert ours.method == "t"
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert (ours.interval.low, ours.interval.high) == pytest.approx((math.exp(low), math.exp(high)))


@given(PAIRS, st.integers(-8, 8), st.randoms())
def test_neither_unit_nor_order_of_rounds_matters(
    pairs: list[tuple[float, float]], power: int, random: Random
) -> None:
    plain = paired_ratio(*split(pairs))
    shuffled = [(a * 2.0**power, b * 2.0**power) for a, b in pairs]
    random.shuffle(shuffled)
    other = paired_ratio(*split(shuffled))
    assert other.ratio == pytest.approx(plain.ratio, rel=1e-6)
    assert other.interval.low == pytest.approx(plain.interval.low, rel=1e-6)
    assert other.interval.high == pytest.approx(plain.interval.high, rel=1e-6)


@given(PAIRS)
def test_swapping_turns_the_ratio_over(pairs: list[tuple[float, float]]) -> None:
    first, second = split(pairs)
    one, other = paired_ratio(first, second), paired_ratio(second, first)
    assert one.ratio == pytest.approx(1 / other.ratio, rel=1e-6)
    assert one.p_value == pytest.approx(other.p_value)


@given(
    st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=14), st.sampled_from([0.8, 0.9, 0.95, 0.99])
)
def test_p_value_and_interval_tell_the_same(differences: list[float], confidence: float) -> None:
    first = np.exp(np.array(differences))
    found = paired_ratio(first, np.ones(first.size), confidence=confidence)
    assert found.differs(1 - confidence) == (1.0 not in found.interval)


@given(st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=12), st.floats(0, 0.1))
def test_a_slower_first_gives_a_greater_ratio(differences: list[float], slowdown: float) -> None:
    first, ones = np.exp(np.array(differences)), np.ones(len(differences))
    before, after = paired_ratio(first, ones), paired_ratio(first * math.exp(slowdown), ones)
    assert after.ratio == pytest.approx(before.ratio * math.exp(slowdown))
    assert after.interval.low >= before.interval.low


NOISES = {
    "normal": lambda random, shape: random.normal(0, 0.02, shape),
    "outliers": lambda random, shape: (
        random.normal(0, 0.02, shape)
        + (random.random(shape) < 0.1) * random.uniform(0.05, 0.3, shape)
    ),
    "heavy": lambda random, shape: 0.01 * random.standard_t(2, shape),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("rounds", [3, 5, 6, 9])
def test_the_same_artifact_twice_is_rarely_two(noise: str, rounds: int) -> None:
    random = np.random.default_rng(rounds)
    draw = NOISES[noise]
    heat = random.normal(0, 0.2, (1500, rounds))
    first = np.exp(heat + draw(random, heat.shape))
    second = np.exp(heat + draw(random, heat.shape))
    found = [paired_ratio(a, b) for a, b in zip(first, second, strict=True)]
    # 5 % and three standard errors of 1500 draws: Student's t spends its 5 % exactly.
    assert np.mean([c.differs() for c in found]) <= 0.05 + 3 * (0.05 * 0.95 / 1500) ** 0.5
    assert np.mean([1.0 in c.interval for c in found]) >= 0.933


def test_a_slowdown_is_found_through_heat_and_outliers() -> None:
    random = np.random.default_rng(1)
    noise = NOISES["outliers"](random, (2, 300, 12)) / 2
    heat = random.normal(0, 0.2, (300, 12))
    first, second = 1.05 * np.exp(heat + noise[0]), np.exp(heat + noise[1])
    found = [paired_ratio(a, b).slower() for a, b in zip(first, second, strict=True)]
    unpaired = scipy.stats.ttest_ind(np.log(first), np.log(second), axis=1).pvalue < 0.05
    assert np.mean(found) > 0.8
    assert np.mean(unpaired) < 0.2


@pytest.mark.parametrize("rounds", [1, 2])
def test_too_few_rounds_claim_nothing(rounds: int) -> None:
    found = paired_ratio([2.0] * rounds, [1.0] * rounds)
    assert (found.method, found.p_value, found.differs()) == ("too-few", 1.0, False)
    assert found.interval.high == math.inf


@pytest.mark.parametrize("rounds", [3, 8])
def test_equal_sessions_do_not_differ(rounds: int) -> None:
    found = paired_ratio([2.0] * rounds, [2.0] * rounds)
    assert found.ratio == 1.0
    assert not found.differs()


def test_unlike_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="same rounds"):
        paired_ratio([1.0, 2.0, 3.0], [1.0, 2.0])
