"""What nights say together: spread, shifts, and since when."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightly.judging.changes import last_change
from nightly.judging.least import least_size
from nightly.judging.shift import Shift, largest_shift, level, shift
from nightly.judging.spread import (
    UNLIKE_POOL_DOF,
    Spread,
    moderated,
    own_spread,
    pool,
    unsteadiness,
)
from nightly.records import Point

numbers = st.floats(-10, 10, allow_subnormal=False)
rows = st.lists(numbers, min_size=3, max_size=40)


def points(values, sessions=7, first=1):
    return [Point(night, float(value), 0.0, sessions) for night, value in enumerate(values, first)]


def test_spread_of_plain_noise_is_its_standard_deviation():
    values = np.random.default_rng(0).normal(5, 0.01, 4000)
    assert own_spread(list(values)).sd == pytest.approx(0.01, rel=0.06)


def test_spread_sees_neither_creep_nor_step_nor_a_few_wild_nights():
    values = np.random.default_rng(1).normal(0, 0.01, 400)
    quiet = own_spread(list(values)).sd
    values += 0.003 * np.arange(400)
    values[200:] += 1
    values[50] += 3
    assert own_spread(list(values)).sd == pytest.approx(quiet, rel=0.15)


def test_spread_of_two_nights_is_not_known():
    assert own_spread([1.0, 2.0]) is None


@given(rows, st.floats(0.1, 10), numbers)
def test_spread_scales_and_does_not_move(values, factor, offset):
    before, after = own_spread(values), own_spread([factor * v + offset for v in values])
    assert after.sd == pytest.approx(factor * before.sd, rel=1e-6, abs=1e-6)


def test_the_assumption_fades_as_nights_come():
    shown = Spread(0.001, 5.0)
    first, later = pool([], 0.02), pool([shown] * 10, 0.02)
    assert first.sd == 0.02
    assert later.sd == pytest.approx(0.001)
    assert later.dof == 50
    unlike = [Spread(sd, 20.0) for sd in (0.001, 0.002, 0.004, 0.008) * 2]
    assert pool(unlike, 0.02).dof == UNLIKE_POOL_DOF


@given(st.floats(0.001, 1), st.floats(0.5, 30), st.floats(0.001, 1), st.floats(0.5, 30))
def test_a_moderated_spread_lies_between_both_and_knows_more(own_sd, own_dof, pool_sd, pool_dof):
    found = moderated(Spread(own_sd, own_dof), Spread(pool_sd, pool_dof))
    assert min(own_sd, pool_sd) * 0.999 <= found.sd <= max(own_sd, pool_sd) * 1.001
    assert found.dof == pytest.approx(own_dof + pool_dof)


def test_more_sessions_take_away_only_the_luck_within_a_night():
    spread = Spread(0.01, 10, within=0.008, sessions=7)
    assert spread.variance(7) == pytest.approx(0.01**2)
    assert spread.variance(7_000_000) == pytest.approx(0.01**2 - 0.008**2, rel=1e-3)


def test_a_rough_night_shows_in_models_and_in_sessions():
    calm = list(np.random.default_rng(2).normal(0, 1, 20))
    wild = [5 * value + 30 for value in calm]
    assert unsteadiness(calm, [1.0] * 20) == 1.0
    assert unsteadiness([*calm, 60.0], [1.0] * 21) == 1.0
    # Half of the models changed, and their sessions agree as ever: no rough night.
    assert unsteadiness(wild, [1.1] * 20) == 1.0
    assert unsteadiness(wild, [4.0] * 20) == pytest.approx(5, rel=0.5)
    assert unsteadiness([100.0, -100.0], [4.0, 4.0]) == 1.0


@given(rows, numbers)
def test_the_level_moves_with_the_values(values, offset):
    assert level([v + offset for v in values])[0] == pytest.approx(
        level(values)[0] + offset, abs=1e-6
    )


def test_a_wild_night_does_not_move_the_level():
    assert level([1.0] * 9 + [1000.0])[0] == 1.0


def test_shifts_of_nothing_are_claimed_as_often_as_they_say():
    rng = np.random.default_rng(3)
    claims = 0
    for _ in range(2000):
        values = rng.normal(0, 1, 11)
        found = shift(points(values[:10]), points(values[10:], first=11), Spread(1.0, 1000.0))
        claims += found.p < 0.05
    assert 0.03 < claims / 2000 < 0.07


@given(st.floats(0.01, 5))
def test_a_larger_shift_is_surer(size):
    spread = Spread(0.5, 12)
    small = shift(points([0.0] * 5), points([size], first=6), spread)
    large = shift(points([0.0] * 5), points([size + 1], first=6), spread)
    assert large.p < small.p
    assert small.interval()[0] < small.size < small.interval()[1]


def test_several_nights_find_what_one_does_not():
    before, spread = points([0.0] * 14 + [0.02] * 4), Spread(0.01, 30)
    found = largest_shift(
        before, [False] * 18, Point(99, 0.02, 0, 7), spread, choose=lambda v: v[:14]
    )
    assert found.nights == 4
    alone = shift(points([0.0] * 14), points([0.02], first=99), spread)
    assert found.p < alone.p


def test_blamed_nights_are_no_reference():
    before = points([0.0] * 3 + [1.0] * 20)
    blamed = [False] * 3 + [True] * 20
    found = largest_shift(
        before, blamed, Point(99, 1.0, 0, 7), Spread(0.01, 30), choose=lambda v: v[-14:]
    )
    assert found.reference == 0.0


def test_nothing_before_is_nothing_to_compare_with():
    choose = {"choose": lambda values: values}
    assert largest_shift([], [], Point(1, 1.0), Spread(1, 1), **choose) is None
    assert largest_shift(points([1]), [True], Point(2, 1.0), Spread(1, 1), **choose) is None


@pytest.mark.parametrize("at", [3, 11, 19])
def test_a_step_is_dated(at):
    values = np.random.default_rng(at).normal(0, 0.005, 20)
    values[at:] += 0.05
    change = last_change(list(values), 0.005)
    assert change.at == at
    assert change.slope is None
    assert change.size == pytest.approx(0.05, abs=0.012)
    assert change.low <= at <= change.high


def test_a_creep_is_told_from_a_step():
    values = np.random.default_rng(5).normal(0, 0.004, 40)
    values[20:] += 0.003 * np.arange(1, 21)
    change = last_change(list(values), 0.004)
    assert change.slope == pytest.approx(0.003, rel=0.3)
    assert 15 <= change.at <= 24
    assert change.size == pytest.approx(0.06, rel=0.25)


@given(st.integers(5, 30), st.floats(0.1, 10), st.floats(-5, 5))
def test_a_date_has_no_unit(at, factor, offset):
    values = np.random.default_rng(at).normal(0, 0.01, 36)
    values[at:] += 0.2
    moved = last_change([factor * v + offset for v in values], factor * 0.01)
    assert moved.at == last_change(list(values), 0.01).at == at


def test_a_confidence_interval_by_students_t():
    found = shift(points([0.0] * 4), points([1.0], first=5), Spread(1.0, 9))
    error = math.sqrt(1 + math.pi / 3 / 4)
    assert found.interval()[1] - found.size == pytest.approx(2.2622 * error, rel=1e-4)


@given(st.floats(1e-4, 0.1), st.floats(-0.1, 0.5), st.floats(0.0, 0.1))
def test_the_least_change_is_found_in_nineteen_nights_of_twenty(error, needed, floor):
    """Of nights whose noise is known: beyond what is needed, and the floor, in 0.95."""
    known = Shift(1, 0.0, 0.0, error, math.inf, 0.5)
    least = least_size(known, needed, floor)
    normal = statistics.NormalDist()
    assert normal.cdf((least - max(floor, needed)) / error) == pytest.approx(0.95)
    # Where the noise itself is an estimate, less is found.
    assert least_size(replace(known, dof=5.0), needed, floor) > least
