"""Nights that resemble their neighbours, and levels of a device."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.devices.simulated.foreign import Nights, night_noise
from nightly.judging.relevel import LEAST_MODELS, new_levels, restarted
from nightly.judging.shift import shift
from nightly.judging.spread import MOST_MEMORY, Spread, memory_of, own_spread, tail_of
from nightly.records import Point


def points(values, first=1):
    return [Point(night, float(value), 0.0, 15) for night, value in enumerate(values, first)]


def rows_of(table):
    return {f"model {at}": points(row) for at, row in enumerate(table)}


@pytest.mark.parametrize("count", [14, 24, 60])
@pytest.mark.parametrize(("kind", "memory"), [(Nights.INDEPENDENT, 0.0), (Nights.NEIGHBOURS, 0.6)])
def test_what_neighbours_share_is_learnt_from_all_models(kind, memory, count):
    rng = np.random.default_rng(1)
    found = [memory_of(list(night_noise(kind, rng, 20, count, 0.02))) for _ in range(20)]
    assert np.mean(found) == pytest.approx(memory, abs=0.05)


def test_a_week_of_many_models_shows_that_nights_are_alike():
    rng = np.random.default_rng(7)
    found = [memory_of(list(night_noise(Nights.NEIGHBOURS, rng, 25, 8, 0.02))) for _ in range(20)]
    assert np.mean(found) == pytest.approx(0.6, abs=0.15)


@pytest.mark.parametrize("nights", [7, 14, 30])
def test_of_independent_nights_no_memory_is_told(nights):
    rng = np.random.default_rng(nights)
    found = [memory_of(rng.normal(0, 0.02, (20, nights)).tolist()) for _ in range(120)]
    # Two standard errors are passed by luck in one case of forty.
    assert sum(memory > 0 for memory in found) <= 3


def test_models_that_changed_are_not_taken_for_nights_alike():
    table = np.random.default_rng(1).normal(0, 0.005, (6, 16))
    table[1, 8:] += 0.03
    table[4, 6:] += 0.03
    assert memory_of(list(table)) < 0.3


def test_the_spread_is_that_of_nights_far_apart():
    table = night_noise(Nights.NEIGHBOURS, np.random.default_rng(2), 40, 60, 0.02)
    found = np.mean([own_spread(list(row)).sd for row in table])
    neighbours = np.median(np.abs(np.diff(table, axis=1))) / 0.6745 / 2**0.5
    assert found == pytest.approx(0.02, rel=0.15)
    assert neighbours < 0.014


@given(st.lists(st.lists(st.floats(-1, 1), max_size=30), max_size=6))
def test_memory_is_a_share_whatever_the_nights(rows):
    assert 0.0 <= memory_of(rows) <= MOST_MEMORY
    assert tail_of(rows) >= 3.0


def test_wild_nights_make_heavy_tails():
    rng = np.random.default_rng(3)
    assert tail_of(list(rng.normal(0, 0.01, (20, 40)))) > 10
    assert tail_of(list(0.01 * rng.standard_t(3, (20, 40)))) <= 6


@pytest.mark.parametrize("stepped", [False, True])
@pytest.mark.parametrize("kind", [Nights.INDEPENDENT, Nights.NEIGHBOURS])
def test_short_rows_of_normal_nights_have_no_heavy_tails(kind, stepped):
    rng = np.random.default_rng(3)
    tables = night_noise(kind, rng, 40 * 20, 18, 0.02).reshape(40, 20, 18)
    if stepped:
        tables[:, ::5, 15:] += 0.05
    found = [tail_of(list(table)) for table in tables]
    assert np.mean(np.isinf(found)) >= 0.85


def test_models_whose_noises_are_unlike_have_no_heavy_tails():
    rng = np.random.default_rng(3)
    tables = rng.normal(0, 1, (40, 20, 30)) * np.exp(rng.normal(0, 0.4, (40, 20, 1)))
    found = [tail_of(list(table)) for table in tables]
    assert np.mean(np.isinf(found)) >= 0.7
    assert min(found) >= 6.0


def test_three_weeks_of_wild_nights_are_seen_as_such():
    rng = np.random.default_rng(3)
    tables = night_noise(Nights.TAILS, rng, 40 * 20, 20, 0.02).reshape(40, 20, 20)
    assert np.mean([tail_of(list(table)) <= 6.0 for table in tables]) >= 0.8


def test_a_wild_night_makes_no_window_of_it():
    reference, spread = points(np.zeros(14)), Spread(0.01, 100.0)
    wild = shift(reference, points([0.15, 0.0, 0.0, 0.0], first=15), spread)
    assert wild.size == pytest.approx(0.15 / 4)
    assert wild.p > 0.01
    assert shift(reference, points([0.03] * 4, first=15), spread).p < 1e-4


@pytest.mark.parametrize("nights", [8, 12, 40])
def test_what_nights_apart_have_in_common_is_no_less_spread(nights):
    def usual(kind, memory):
        table = night_noise(kind, np.random.default_rng(3), 1000, nights, 0.02)
        return np.mean([own_spread(list(row), memory).sd ** 2 for row in table]) ** 0.5

    strangers = usual(Nights.INDEPENDENT, 0.0)
    assert usual(Nights.NEIGHBOURS, 0.6) == pytest.approx(strangers, rel=0.06)
    assert usual(Nights.NEIGHBOURS, 0.0) < 0.98 * strangers


def test_several_nights_that_are_alike_are_worth_less():
    reference, recent = points([0.0] * 10), points([0.03] * 3, first=11)
    strangers = shift(reference, recent, Spread(0.01, 30))
    alike = shift(reference, recent, Spread(0.01, 30, memory=0.6))
    assert alike.error > 1.3 * strangers.error
    assert alike.p > strangers.p


def test_shifts_of_nothing_are_claimed_as_often_as_they_say_among_nights_alike():
    rng = np.random.default_rng(4)
    table = night_noise(Nights.NEIGHBOURS, rng, 2000, 17, 1.0)
    spread = Spread(1.0, 1000.0, memory=0.6)
    claims = [shift(points(row[:14]), points(row[14:], 15), spread).p < 0.05 for row in table]
    assert 0.03 < np.mean(claims) < 0.07


def test_a_restart_is_a_new_level():
    rng = np.random.default_rng(6)
    table = rng.normal(0, 0.005, (20, 30))
    table[:, 17:] += rng.normal(0, 0.03, (20, 1))
    assert list(new_levels(rows_of(table))) == [18]


@pytest.mark.parametrize("kind", [k for k in Nights if k is not Nights.REBOOTS])
def test_nights_without_a_restart_keep_their_level(kind):
    found = [
        new_levels(rows_of(night_noise(kind, np.random.default_rng(seed), 20, 40, 0.02)))
        for seed in range(3)
    ]
    # Of 120 nights; a new level that is none costs a baseline, not a false alarm.
    assert sum(map(len, found)) <= 2


def test_levels_that_follow_each_other_closely_and_early_are_found():
    found, restarts = [], [4, 8, 11, 16, 19, 24, 29, 33, 38]
    for seed in range(12):
        rng = np.random.default_rng([seed, 61])
        table = rng.normal(0, 0.006, (20, 40))
        for night in restarts:
            table[:, night - 1 :] = rng.normal(0, 0.02, (20, 1)) + rng.normal(
                0, 0.006, (20, 41 - night)
            )
        found.append(set(new_levels(rows_of(table))))
    # What they hide of each other is no noise.
    assert np.mean([len(one & set(restarts)) for one in found]) > 0.8 * len(restarts)
    assert np.mean([len(one - set(restarts)) for one in found]) < 0.5


def test_how_far_models_moved_is_told_with_a_new_level():
    rng = np.random.default_rng(62)
    table = rng.normal(0, 0.004, (40, 30))
    table[:, 17:] += rng.normal(0, 0.03, (40, 1))
    assert new_levels(rows_of(table)) == {18: pytest.approx(0.03, rel=0.35)}


def test_who_was_not_measured_says_nothing_of_a_level():
    rng = np.random.default_rng(63)
    table = rng.normal(0, 0.004, (20, 30))
    table[:, 17:] += rng.normal(0, 0.03, (20, 1))
    rows = rows_of(table)
    for model in list(rows)[:10]:
        rows[model] = [point for point in rows[model] if not 13 <= point.night <= 17]
    assert list(new_levels(rows)) == [18]


def test_a_third_of_the_models_or_all_of_them_one_way_is_no_new_level():
    rng = np.random.default_rng(7)
    some, together = rng.normal(0, 0.005, (2, 12, 20))
    some[:4, 10:] += rng.normal(0, 0.1, (4, 1))
    together[:, 10:] += rng.uniform(0.03, 0.1, (12, 1))
    assert not new_levels(rows_of(some))
    assert not new_levels(rows_of(together))


NIGHT = timedelta(days=1)


def boots_of(nights, *restarts):
    """When the device was started, for each night; it restarts before each of `restarts`."""
    evening = datetime(2026, 3, 1, 2, tzinfo=UTC)
    return {
        night: evening + NIGHT * max((r for r in restarts if r <= night), default=0)
        for night in range(1, nights + 1)
    }


@given(
    st.dictionaries(st.integers(1, 9), st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1))),
    st.integers(1, 9), st.integers(1, 9), st.integers(-540, 540),
)  # fmt: skip
def test_a_restart_is_known_or_not_and_small_steps_of_a_clock_are_none(found, a, b, seconds):
    said = restarted(found, a, b)
    assert (said is None) == (a not in found or b not in found)
    assert said == restarted(found, b, a)
    if a in found and a != b:
        moved = found | {b: found[a] + timedelta(seconds=seconds)}
        assert restarted(moved, a, b) is False


def levels_after_a_restart(models, seed, told, size=0.005, noise=0.0035):
    """Where a new level is seen among 30 nights, of which the eighteenth has one."""
    rng = np.random.default_rng([seed, models])
    table = rng.normal(0, noise, (models, 30))
    table[:, 17:] += rng.normal(0, size * 2**0.5, (models, 1))
    return list(new_levels(rows_of(table), told))


def test_a_known_restart_shows_levels_that_are_hardly_larger_than_the_noise():
    told = boots_of(30, 18)
    found = [levels_after_a_restart(20, seed, told) == [18] for seed in range(40)]
    without = [levels_after_a_restart(20, seed, None) == [18] for seed in range(40)]
    assert np.mean(found) > 0.85
    assert np.mean(without) < np.mean(found)


def test_who_was_up_all_the_time_has_no_new_level():
    assert levels_after_a_restart(20, 1, boots_of(30), size=0.03) == []
    assert levels_after_a_restart(20, 1, None, size=0.03) == [18]


@pytest.mark.parametrize("kind", [Nights.INDEPENDENT, Nights.NEIGHBOURS])
def test_a_restart_that_changes_nothing_is_rarely_a_new_level(kind):
    told = boots_of(40, 20, 30)
    found = [
        new_levels(rows_of(night_noise(kind, np.random.default_rng(seed), 20, 40, 0.02)), told)
        for seed in range(60)
    ]
    assert sum(map(len, found)) <= 10  # of 120 restarts


def test_one_model_that_moves_with_a_restart_is_no_new_level():
    rng = np.random.default_rng(9)
    table = rng.normal(0, 0.005, (10, 30))
    table[3, 17:] += 0.05
    assert not new_levels(rows_of(table), boots_of(30, 18))


def test_few_models_know_of_no_restart():
    rng = np.random.default_rng(8)
    table = rng.normal(0, 0.005, (LEAST_MODELS - 1, 20))
    table[:, 10:] += rng.normal(0, 0.1, (LEAST_MODELS - 1, 1))
    assert not new_levels(rows_of(table))
