from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from device_runner.statistics import paired_ratio
from device_runner.statistics.sequential import LookPlan, decide, nominal_levels

# Lan and DeMets's boundaries for five equal looks at 5 %, as their own program prints them.
PUBLISHED = (4.877, 3.357, 2.680, 2.290, 2.031)
LOOKS = st.lists(st.integers(3, 60), min_size=1, max_size=6, unique=True).map(
    lambda looks: tuple(sorted(looks))
)


def test_boundaries_agree_with_the_published_ones() -> None:
    levels = nominal_levels((1, 2, 3, 4, 5), 0.05)
    bounds = scipy.stats.norm.isf(np.array(levels) / 2)
    assert bounds == pytest.approx(PUBLISHED, abs=2e-3)


@given(LOOKS, st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=15)
def test_levels_lie_within_the_whole(looks: tuple[int, ...], alpha: float) -> None:
    levels = LookPlan(looks, alpha).levels
    assert len(levels) == len(looks)
    assert all(0 <= level <= alpha * (1 + 1e-6) for level in levels)
    # No more than the whole, and no less than all looks need together.
    assert sum(levels) >= alpha * (1 - 1e-6)


def test_a_single_look_may_use_the_whole_level() -> None:
    assert LookPlan((9,)).levels == pytest.approx((0.05,))


@given(st.integers(3, 1000))
def test_a_bound_is_the_last_look(most: int) -> None:
    looks = LookPlan.up_to(most).looks
    assert looks[-1] == most
    assert list(looks) == sorted(set(looks))


def at_every_look(plan: LookPlan, first: np.ndarray, second: np.ndarray) -> tuple[bool, int]:
    """Whether a difference is claimed, and after how many rounds one stops."""
    for look in plan.looks:
        found = decide(plan, first[:look], second[:look])
        if not found.go_on:
            return found.differs, look
    raise AssertionError("the last look ends it")


@pytest.mark.parametrize("most", [9, 20])
def test_looking_often_does_not_claim_more(most: int) -> None:
    random = np.random.default_rng(most)
    plan = LookPlan.up_to(most)
    claims, peeking = [], []
    for _ in range(400):
        first, second = np.exp(random.normal(0, 0.02, (2, most)))
        claims.append(at_every_look(plan, first, second)[0])
        peeking.append(
            any(paired_ratio(first[:n], second[:n]).differs() for n in range(3, most + 1))
        )
    assert np.mean(claims) <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5
    assert np.mean(peeking) > 0.1


def test_a_clear_difference_stops_early() -> None:
    random = np.random.default_rng(2)
    plan, stopped = LookPlan.up_to(20), []
    for _ in range(100):
        first = 1.15 * np.exp(random.normal(0, 0.01, 20))
        found, rounds = at_every_look(plan, first, np.exp(random.normal(0, 0.01, 20)))
        assert found
        stopped.append(rounds)
    assert np.median(stopped) <= 12


def test_the_interval_holds_the_truth_wherever_one_stops() -> None:
    random = np.random.default_rng(4)
    plan, held = LookPlan.up_to(12), []
    for _ in range(300):
        first, second = np.exp(random.normal(0, 0.02, (2, 12)))
        first *= 1.03
        for look in plan.looks:
            found = decide(plan, first[:look], second[:look])
            if not found.go_on:
                held.append(1.03 in found.comparison.interval)
                break
    assert np.mean(held) >= 0.93


def test_between_looks_nothing_is_decided() -> None:
    with pytest.raises(ValueError, match="no look is planned at 4"):
        decide(LookPlan((7, 9)), [1.0] * 4, [1.0] * 4)


@pytest.mark.parametrize("looks", [(), (2, 5), (5, 5), (7, 5)])
def test_looks_without_sense_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="look"):
        LookPlan(looks)
