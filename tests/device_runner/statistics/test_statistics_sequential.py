from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from device_runner.statistics import Interval, paired_ratio, session_interval
from device_runner.statistics.sequential import (
    SequentialPlan,
    Spending,
    Verdict,
    decide_difference,
    decide_width,
    nominal_levels,
)

# Lan and DeMets's boundaries for five equal looks at 5 %, as their own program prints them.
PUBLISHED = {
    Spending.POCOCK: (2.438, 2.427, 2.410, 2.397, 2.386),
    Spending.OBRIEN_FLEMING: (4.877, 3.357, 2.680, 2.290, 2.031),
}
LOOKS = st.lists(st.integers(3, 60), min_size=1, max_size=6, unique=True).map(
    lambda looks: tuple(sorted(looks))
)


@pytest.mark.parametrize("spending", Spending)
def test_boundaries_agree_with_the_published_ones(spending: Spending) -> None:
    levels = nominal_levels((1, 2, 3, 4, 5), 0.05, spending)
    bounds = scipy.stats.norm.isf(np.array(levels) / 2)
    assert bounds == pytest.approx(PUBLISHED[spending], abs=2e-3)


@given(LOOKS, st.sampled_from(list(Spending)), st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=15)
def test_levels_lie_within_the_whole(
    looks: tuple[int, ...], spending: Spending, alpha: float
) -> None:
    levels = SequentialPlan(looks, alpha, spending).levels
    assert len(levels) == len(looks)
    assert all(0 <= level <= alpha * (1 + 1e-6) for level in levels)
    # No more than the whole, and no less than all looks need together.
    assert sum(levels) >= alpha * (1 - 1e-6)


def test_a_single_look_may_use_the_whole_level() -> None:
    assert SequentialPlan((9,)).levels == pytest.approx((0.05,))


@pytest.mark.parametrize("spending", Spending)
def test_looking_often_does_not_claim_more(spending: Spending) -> None:
    random = np.random.default_rng(1)
    plan = SequentialPlan(spending=spending)
    claims, peeking = [], []
    for _ in range(400):
        first, second = np.exp(random.normal(0, 0.02, (2, 12)))
        claims.append(
            any(
                decide_difference(plan, first[:n], second[:n]).verdict is Verdict.ENOUGH
                for n in (*plan.looks, 4)
            )
        )
        peeking.append(any(paired_ratio(first[:n], second[:n]).differs() for n in plan.looks))
    assert np.mean(claims) <= 0.05 + 2 * (0.05 * 0.95 / 400) ** 0.5
    assert np.mean(peeking) > 0.1


def test_a_clear_difference_stops_early() -> None:
    random = np.random.default_rng(2)
    plan, stopped = SequentialPlan(), []
    for _ in range(100):
        first = 1.15 * np.exp(random.normal(0, 0.01, 12))
        second = np.exp(random.normal(0, 0.01, 12))
        stopped.append(
            next(
                n
                for n in plan.looks
                if decide_difference(plan, first[:n], second[:n]).verdict is not Verdict.CONTINUE
            )
        )
    assert np.median(stopped) <= 5


def test_equal_within_a_margin_is_enough() -> None:
    random = np.random.default_rng(3)
    first, second = np.exp(random.normal(0, 0.002, (2, 7)))
    plan = SequentialPlan(looks=(7, 12))
    assert decide_difference(plan, first, second, margin=0.03).verdict is Verdict.ENOUGH
    assert decide_difference(plan, first, second).verdict is Verdict.CONTINUE


def interval_of(sessions: np.ndarray, confidence: float) -> Interval:
    return session_interval(sessions, confidence=confidence)


def test_interval_holds_the_truth_wherever_one_stops() -> None:
    random = np.random.default_rng(4)
    plan, held, spent = SequentialPlan(), [], []
    for _ in range(200):
        sessions = 40.0 * np.exp(random.normal(0, 0.015, 12))
        for n in plan.looks:
            found = decide_width(plan, n, partial(interval_of, sessions[:n]), 0.04)
            if found.verdict is not Verdict.CONTINUE:
                break
        assert found.interval is not None
        held.append(40.0 in found.interval)
        spent.append(n)
    assert np.mean(held) >= 0.95
    assert min(spent) < max(spent)


def test_between_looks_one_goes_on() -> None:
    found = decide_width(SequentialPlan(), 4, lambda confidence: pytest.fail("looked"), 0.5)
    assert (found.verdict, found.interval, found.next_look) == (Verdict.CONTINUE, None, 5)


def test_the_budget_ends_it() -> None:
    wide = [30.0, 40.0, 50.0] * 4
    found = decide_width(SequentialPlan(), 12, lambda c: session_interval(wide, confidence=c), 0.01)
    assert found.verdict is Verdict.BUDGET_SPENT
    assert found.interval is not None
    assert found.next_look is None


@pytest.mark.parametrize("looks", [(), (2, 5), (5, 5), (7, 5)])
def test_looks_without_sense_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="look"):
        SequentialPlan(looks)
