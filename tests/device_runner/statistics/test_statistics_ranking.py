from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics.ranking import kendall_tau

ROWS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=5, max_size=30).filter(
    lambda rows: len({x for x, _ in rows}) > 1 and len({y for _, y in rows}) > 1
)


@given(ROWS, st.integers(-6, 6))
def test_agreement_is_scipys_and_has_no_unit(rows: list[tuple[int, int]], power: int) -> None:
    x, y = np.array(rows, dtype=float).T
    tau = kendall_tau(x * 2.0**power, y)
    assert tau.value == pytest.approx(scipy.stats.kendalltau(x, y).statistic)
    assert -1 <= tau.interval.low <= tau.value <= tau.interval.high <= 1
    assert kendall_tau(y, x).value == pytest.approx(tau.value)
    assert kendall_tau(x, -y).value == pytest.approx(-tau.value)


def test_interval_covers_the_truth() -> None:
    random = np.random.default_rng(0)
    rho, held = 0.6, []
    truth = 2 / np.pi * np.arcsin(rho)
    for _ in range(500):
        x, z = random.normal(size=(2, 20))
        held.append(truth in kendall_tau(x, rho * x + (1 - rho**2) ** 0.5 * z).interval)
    assert 0.92 <= np.mean(held) <= 0.99


def test_perfect_agreement_is_not_certain() -> None:
    found = kendall_tau(range(12), range(12))
    assert (found.value, found.interval.high) == pytest.approx((1.0, 1.0))
    assert 0.8 < found.interval.low < 1


def test_four_items_say_little() -> None:
    interval = kendall_tau([1, 2, 3, 4], [1, 2, 4, 3]).interval
    assert (interval.low, interval.high) == (-1, 1)


@pytest.mark.parametrize("rows", [([1.0], [1.0]), ([1, 2], [1, 2, 3]), ([1, 1, 1], [1, 2, 3])])
def test_what_has_no_order_is_refused(rows: tuple) -> None:
    with pytest.raises(ValueError):
        kendall_tau(*rows)
