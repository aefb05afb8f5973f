"""What a round, and what a night, did to all models alike."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nightly.judging.common import common
from nightly.judging.robust import hodges_lehmann
from nightly.records import Point, middle, of_both_looks
from nightly.rounds import LEAST_MODELS, Row, carried_ms, corrected_ms

ROUNDS = 15


def look(rng, *, models=20, noise=0.02, drift=None, sentinel_luck=0.0):
    """Rows of models of 10, 11, ... ms and of a sentinel of 5 ms, one session a round each."""
    drift = np.zeros(ROUNDS) if drift is None else drift
    rounds = tuple(range(ROUNDS))

    def row(ms, luck=0.0):
        return Row(rounds, tuple(ms * np.exp(drift + luck + rng.normal(0, noise, ROUNDS))))

    return [row(10.0 + model) for model in range(models)], row(5.0, sentinel_luck)


def test_drift_of_the_rounds_is_taken_out_whatever_its_shape():
    rng = np.random.default_rng(0)
    drift = np.concatenate([np.linspace(0, 0.3, 10), np.full(5, 0.6)])
    rows, sentinel = look(rng, noise=0.0, drift=drift)
    for place, found in enumerate(corrected_ms(rows, sentinel, 5.0)):
        assert found == pytest.approx([10.0 + place] * ROUNDS)


def test_sessions_scatter_less_than_divided_by_the_sentinel():
    rng = np.random.default_rng(1)
    rows, sentinel = look(rng, drift=rng.normal(0, 0.05, ROUNDS))
    ours = np.array(corrected_ms(rows, sentinel, 5.0))
    divided = np.array([row.ms for row in rows]) / np.array(sentinel.ms) * 5.0
    assert np.log(ours).std(axis=1).mean() < 0.8 * np.log(divided).std(axis=1).mean()


def test_a_wild_round_of_one_model_is_nobody_elses():
    rows, sentinel = look(np.random.default_rng(2), noise=0.0)
    rows[0] = Row(rows[0].rounds, (30.0, *rows[0].ms[1:]))
    found = corrected_ms(rows, sentinel, 5.0)
    assert found[1] == pytest.approx(rows[1].ms)
    assert found[0][0] == pytest.approx(30.0)


def test_models_that_miss_rounds_are_corrected_for_theirs():
    drift = np.linspace(0, 0.3, ROUNDS)
    rows, sentinel = look(np.random.default_rng(3), noise=0.0, drift=drift)
    rows[4] = Row(rows[4].rounds[5:], rows[4].ms[5:])
    found = corrected_ms(rows, sentinel, 5.0)
    assert found[4] == pytest.approx([14.0] * 10)


def test_few_models_or_no_sentinel_are_left_to_others():
    rows, sentinel = look(np.random.default_rng(4), models=LEAST_MODELS - 1)
    assert corrected_ms(rows, sentinel, 5.0) is None
    rows, _ = look(np.random.default_rng(4))
    assert corrected_ms(rows, Row((), ()), 5.0) is None


def nights(shifts, rng, *, models=20, noise=0.005):
    """Each model's nights, numbered from 1, of which all share a shift a night."""
    return [
        [Point(n, s + rng.normal(0, noise), 0.004, ROUNDS) for n, s in enumerate(shifts, 1)]
        for _ in range(models)
    ]


def test_the_sentinels_luck_is_taken_out_of_every_night():
    rng = np.random.default_rng(5)
    luck = rng.normal(0, 0.004, 20)
    found = common(nights(luck, rng), 20, 14)
    left = [luck[night - 1] - effect for night, effect in found.effects.items()]
    assert len(left) >= 19
    assert np.std(left) < 0.4 * np.std(luck)
    assert found.sd == pytest.approx(0.004, rel=0.6)


@pytest.mark.parametrize("shift", [0.03, -0.05])
def test_a_shift_that_no_sentinel_errs_by_stays_with_the_models(shift):
    rng = np.random.default_rng(6)
    luck = [*rng.normal(0, 0.004, 19), shift]
    found = common(nights(luck, rng), 20, 14)
    assert 20 not in found.effects
    point = found.taken_out(Point(20, shift, 0.004, ROUNDS))
    assert (point.value, point.beside) == (shift, 0.0)


def test_too_few_models_share_nothing():
    rng = np.random.default_rng(7)
    found = common(nights([0.0] * 9, rng, models=LEAST_MODELS - 1), 9, 14)
    assert (found.effects, found.sd) == ({}, 0.0)


def test_a_second_look_keeps_its_own_luck():
    rng = np.random.default_rng(8)
    found = common(nights([0.0] * 9 + [0.005], rng), 10, 14)
    both = of_both_looks(Point(10, 1.0, 0.0, 15), Point(10, 1.0, 0.0, 30, beside=0.0))
    assert both.beside == pytest.approx(1 / 3)
    assert found.taken_out(both).value == pytest.approx(1.0 - found.effects[10] / 3)


def test_what_a_night_did_to_all_models_is_in_its_second_look_as_well():
    rng = np.random.default_rng(8)
    # Far more than the sentinel's sessions err by: most of it is the night's.
    did = rng.normal(0, 0.02, 40)
    found = common(nights(did, rng), None, 14)
    second = found.taken_out(Point(10, did[9], 0.0, 30, beside=0.0))
    assert abs(second.value) < 0.2 * abs(did[9]) + 0.004
    assert found.sd == pytest.approx(0.004)


def test_the_middle_is_unmoved_by_wild_sessions_and_keeps_to_the_mean_without():
    values = tuple(np.random.default_rng(9).normal(10, 0.1, 15))
    assert middle((*values, 99.0, 99.0)) == pytest.approx(middle(values), abs=0.1)
    assert middle(values) == pytest.approx(sum(values) / 15, abs=0.03)
    assert middle((7.25,)) == 7.25
    assert math.isclose(hodges_lehmann([1.0, 2.0]), 1.5)


def few(rng, slower=1.0, noise=0.01):
    """Two models of 10 and 11 ms and a sentinel of 5 ms on a device that is so much slower."""
    rounds = tuple(range(ROUNDS))
    luck = np.exp(rng.normal(0, noise, (3, ROUNDS)))
    rows = [Row(rounds, tuple(slower * ms * luck[place])) for place, ms in enumerate((10.0, 11.0))]
    return rows, Row(rounds, tuple(slower * 5.0 * luck[2]))


def test_a_reference_of_a_slow_first_night_moves_every_later_night_alike():
    by_usual, by_slow = [], []
    for night in range(20):
        rows, sentinel = few(np.random.default_rng(night))
        by_usual.append([np.median(row) for row in carried_ms(rows, sentinel, 5.0)])
        by_slow.append([np.median(row) for row in carried_ms(rows, sentinel, 10.0)])
    ratio = np.array(by_slow) / np.array(by_usual)
    assert ratio == pytest.approx(np.full((20, 2), 2.0), rel=0.02)
    # The luck of the sentinel's middle, and no more, comes on top.
    assert np.log(by_slow).std(axis=0).max() < 0.008


def test_a_slow_night_is_carried_to_the_others_and_a_calm_one_left_alone():
    rows, sentinel = few(np.random.default_rng(1), slower=2.0)
    slow = carried_ms(rows, sentinel, 5.0)
    assert [np.median(row) for row in slow] == pytest.approx([10.0, 11.0], rel=0.02)
    rows, sentinel = few(np.random.default_rng(2))
    calm = carried_ms(rows, sentinel, 5.0)
    assert [np.median(row) for row in calm] == pytest.approx(
        [np.median(row.ms) for row in rows], rel=0.004
    )
