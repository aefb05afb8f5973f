"""How likely a series is at a worse level: found, kept until it is gone, and not made of luck."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.devices.simulated.foreign import Nights, night_noise
from nightly.judging.belief import beliefs
from nightly.judging.cases import Rules
from nightly.judging.spread import Spread
from nightly.records import Point

FLOOR, CHANCE = math.log1p(0.02), 0.003
ROUGH = Spread(0.02, 60.0)


def points(values, first=1):
    return [Point(night, float(value), 0.0, 15) for night, value in enumerate(values, first)]


def odds(table, spread=ROUGH, floor=FLOOR):
    """(series,): after all nights."""
    found = beliefs([points(row) for row in table], [spread] * len(table), floor, CHANCE)
    return np.array([one.log_odds for one in found])


def nights(seed, series, before, after, size, sd=0.02):
    """So many nights at the baseline, and so many that are slower."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, sd, (series, before + after)) + np.log1p(size) * (
        np.arange(before + after) >= before
    )


@pytest.mark.parametrize(
    ("size", "after", "least"), [(0.05, 4, 0.6), (0.05, 8, 0.93), (0.03, 16, 0.7), (0.2, 1, 0.99)]
)
def test_a_step_is_found(size, after, least):
    assert np.mean(odds(nights(1, 300, 20, after, size)) > 0) > least


def test_of_nothing_hardly_a_night_looks_worse():
    table = nights(2, 400, 40, 0, 0.0)
    assert np.mean([odds(table[:, :night]) > 0 for night in (10, 20, 30, 40)]) < 0.003


def test_it_stays_worse_while_it_is_and_not_for_long_after():
    lasting, gone = nights(3, 300, 20, 15, 0.05), np.random.default_rng(4).normal(0, 0.02, (300, 3))
    assert np.mean(odds(lasting) > -1) > 0.98
    assert np.mean(odds(np.hstack([lasting, gone])) > -1) < 0.15


def test_a_step_among_the_first_nights_is_no_part_of_the_baseline():
    quiet = Spread(0.006, 60.0)
    table = nights(5, 200, 4, 10, 0.03, sd=0.006)
    assert np.mean(odds(table, quiet) > 0) > 0.97
    (found,) = beliefs([points(table[0])], [quiet], FLOOR, CHANCE)
    assert found.baseline == pytest.approx(float(table[0, :4].mean()), abs=0.006)


def test_a_change_within_the_floor_is_none_however_sure():
    quiet = Spread(0.002, 60.0)
    assert np.all(odds(nights(6, 50, 20, 20, 0.008, sd=0.002), quiet) < 0)


@pytest.mark.parametrize("floor", [0.0, 0.001])
def test_a_floor_that_is_lost_in_the_noise_hides_nothing(floor):
    assert np.mean(odds(nights(10, 100, 20, 4, 0.08), floor=floor) > 0) > 0.95
    assert np.mean(odds(nights(11, 100, 20, 0, 0.0), floor=floor) > 0) < 0.05


def test_a_wild_night_among_wild_ones_is_no_level():
    calm, wild = Spread(0.005, 60.0), Spread(0.005, 60.0, tail=3.0)
    row = [*np.random.default_rng(7).normal(0, 0.005, 20), 0.04]
    assert odds([row], calm)[0] > 0
    assert odds([row], wild)[0] < 0


def test_nights_that_are_alike_are_worth_less_and_deceive_no_more():
    alike = Spread(0.02, 60.0, memory=0.6)
    row = [*np.zeros(20), 0.05, 0.05, 0.05]
    assert odds([row], alike)[0] < odds([row])[0]
    table = night_noise(Nights.NEIGHBOURS, np.random.default_rng(8), 400, 40, 0.02)
    deceived = [odds(table[:, :night], alike) > 0 for night in (20, 30, 40)]
    assert np.mean(deceived) < 0.005
    assert np.mean([odds(table[:, :night]) > 0 for night in (20, 30, 40)]) > np.mean(deceived)


def test_nights_that_lie_apart_are_strangers():
    alike = Spread(0.02, 60.0, memory=0.6)
    apart = [Point(night, 0.05, 0.0, 15) for night in (60, 100, 140, 180)]
    (far,) = beliefs([[*points(np.zeros(20)), *apart]], [alike], FLOOR, CHANCE)
    assert far.log_odds > odds([[*np.zeros(20), *[0.05] * 4]], alike)[0] + 1


@given(
    st.lists(st.lists(st.floats(-3, 3), min_size=1, max_size=12), min_size=1, max_size=4),
    st.floats(0.0, 0.9), st.floats(3.0, 100.0), st.floats(-2, 2),
)  # fmt: skip
def test_it_is_a_probability_whatever_the_nights_and_wherever_they_lie(rows, memory, dof, offset):
    spread = Spread(0.02, dof, memory=memory)
    together = beliefs([points(row) for row in rows], [spread] * len(rows), FLOOR, CHANCE)
    for one in together:
        assert one.mass.sum() == pytest.approx(1.0)
        assert np.all(one.mass >= 0)
    # Of one series alone, and of one that is all shifted, the same is believed.
    (alone,) = beliefs([points(rows[0])], [spread], FLOOR, CHANCE)
    (moved,) = beliefs([points(np.add(rows[0], offset))], [spread], FLOOR, CHANCE)
    assert moved.log_odds == pytest.approx(alone.log_odds, abs=1e-3)


def test_the_least_night_that_turns_it_red_does_and_a_lesser_does_not():
    (found,) = beliefs([points(np.random.default_rng(9).normal(0, 0.005, 20))],
                       [Spread(0.005, 60.0)], FLOOR, CHANCE)  # fmt: skip
    tonight = Point(21, 0.0, 0.0, 15)
    least = found.least_worse(tonight)
    assert 0.02 < least < 0.06
    assert found.then(Point(21, least + 0.002, 0.0, 15)).log_odds > 0
    assert found.then(Point(21, least - 0.002, 0.0, 15)).log_odds < 0
    assert found.least_worse(tonight, unsteady=3.0) > least


def test_changes_are_expected_less_often_of_more_tests_and_where_nights_are_alike() -> None:
    def chance(tests: int, memory: float) -> float:
        return Rules(alpha=0.05, tests=tests, floors={}, baseline_nights=14).chance(memory)

    assert chance(120, 0.0) == pytest.approx(2 * chance(240, 0.0))
    assert chance(120, 0.6) == pytest.approx(0.4 * chance(120, 0.0))
    # Of few tests a change is no likelier than one in fifty nights.
    assert chance(1, 0.0) == chance(2, 0.0) == pytest.approx(0.02)
