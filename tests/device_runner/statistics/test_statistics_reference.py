"""The level that a device usually had."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics.reference import usual_level

LEVELS = st.lists(st.floats(0.1, 100.0), min_size=1, max_size=30)


@given(LEVELS, st.randoms())
def test_the_order_does_not_matter(levels, random) -> None:
    shuffled = list(levels)
    random.shuffle(shuffled)
    assert usual_level(shuffled) == pytest.approx(usual_level(levels), rel=1e-12)


@given(LEVELS, st.floats(0.1, 10.0))
def test_it_is_in_the_unit_of_the_values(levels, unit) -> None:
    assert usual_level([unit * one for one in levels]) == pytest.approx(unit * usual_level(levels))


@given(LEVELS)
def test_it_lies_among_the_middle_values(levels) -> None:
    low, high = np.percentile(levels, [40, 60], method="inverted_cdf")
    found = usual_level(levels)
    assert min(low, np.median(levels)) * (1 - 1e-9) <= found
    assert found <= max(high, np.median(levels)) * (1 + 1e-9)


@given(st.integers(1, 20), st.integers(1, 9))
def test_most_decide_and_not_the_first(usual, slow) -> None:
    levels = [7.5] * slow + [3.8] * (2 * slow + usual)
    assert usual_level(levels) == pytest.approx(3.8)


@given(st.lists(st.floats(1.0, 2.0), min_size=10, max_size=200), st.floats(0.01, 100.0))
def test_one_more_value_moves_it_a_little(levels, more) -> None:
    """By no more than the share of the middle that one value has, of how far the middle reaches."""
    moved = abs(np.log(usual_level([*levels, more]) / usual_level(levels)))
    assert moved <= 10 * np.log(2.0) / len(levels) + 1e-9


def test_half_of_the_time_at_each_of_two_speeds_is_passed_by_degrees() -> None:
    found = [usual_level([1.0] * (100 - slow) + [2.0] * slow) for slow in range(101)]
    assert found[0] == found[45] == 1.0
    assert found[55] == found[100] == 2.0
    assert np.diff(np.log(found)).min() >= -1e-12
    assert np.diff(np.log(found)).max() < 0.08


@pytest.mark.parametrize("values", [[], [0.0], [1.0, -1.0], [float("nan")]])
def test_what_is_no_level_is_refused(values) -> None:
    with pytest.raises(ValueError):
        usual_level(values)
