"""Levels of a device: what is usual, what tells a level from changes of models, what follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up_nights import CONDITION, DEVICE

from device_runner.devices.simulated.foreign import Nights, device_restarts, night_noise
from nightly.history.reading import Trail
from nightly.judging.cases import Rules
from nightly.judging.judge import DeviceJudge
from nightly.judging.moves import Moves, quantile, usual
from nightly.judging.relevel import new_levels
from nightly.metrics import LATENCY, METRICS
from nightly.records import OK, Observation, Point, SeriesKey, Status

NOISE = 0.0065


def rows_of(table):
    return {
        f"model {at}": [Point(night, float(value), 0.003, 15) for night, value in enumerate(row, 1)]
        for at, row in enumerate(table)
    }


def restarted_at(night, nights):
    began = datetime(2026, 3, 1, 2, tzinfo=UTC)
    return {one: began + timedelta(days=one >= night) for one in range(1, nights + 1)}


@given(
    arrays(float, (7, 3), elements=st.floats(-9, 9) | st.just(float("nan"))),
    st.sampled_from([0.2, 0.35, 0.5, 0.8]),
)
def test_a_quantile_is_that_of_the_numbers_in_a_column(table, share):
    for column, found in zip(table.T, quantile(table, share), strict=True):
        numbers = column[np.isfinite(column)]
        expected = np.quantile(numbers, share) if numbers.size else np.nan
        assert found == pytest.approx(expected, nan_ok=True)


def test_a_move_is_the_mean_of_nights_that_were_measured_less_that_of_those_before():
    table = np.array([[1.0, np.nan, 3.0, 10.0, 20.0], [np.nan, np.nan, 5.0, 6.0, 6.0]])
    found = Moves(table).at(np.array([2, 3]), before=2, after=2, low=0, high=5)
    assert found[0] == pytest.approx([6.5 - 1.0, 15.0 - 3.0])
    assert found[1] == pytest.approx([np.nan, 6.0 - 5.0], nan_ok=True)


@pytest.mark.parametrize("levels", [[], [4, 9, 15, 22]])
def test_what_is_usual_is_learnt_beside_levels_that_nobody_saw(levels):
    rng = np.random.default_rng(1)
    table = rng.normal(0, 0.01, (30, 28))
    for night in levels:
        table[:, night:] += rng.normal(0, 0.05, (30, 1))
    found = usual(Moves(table), [])
    assert found.scatter[1, 1] == pytest.approx(0.01 * 2**0.5, rel=0.15)
    assert found.models == pytest.approx(np.ones(30), rel=0.6)


def test_a_wilder_model_is_known_as_one():
    table = np.random.default_rng(2).normal(0, 0.01, (20, 40))
    table[3] *= 4
    models = usual(Moves(table), []).models
    assert models[3] > 2 * np.delete(models, 3).max()


def changed(kind, rng, models):
    """What a night changes for good, (models,)."""
    first = np.arange(models)
    slower = rng.uniform(0.03, 0.1, models)
    return {
        "a restart": rng.normal(0, 0.028, models),
        "three in ten slower": slower * (first < 0.3 * models),
        "half slower": slower * (first < 0.5 * models),
        "all slower": slower,
    }[kind]


def levels_told(kind, *, told, models=20, tables=20):
    """In how many of the tables the night is told as a new level."""
    found = 0
    for seed in range(tables):
        rng = np.random.default_rng([seed, models])
        table = rng.normal(0, NOISE, (models, 20))
        table[:, 17:] += changed(kind, rng, models)[:, None]
        found += 18 in new_levels(rows_of(table), restarted_at(18, 20) if told else None)
    return found


@pytest.mark.parametrize("told", [True, False])
def test_that_all_models_moved_is_a_level_and_that_some_got_slower_is_none(told):
    assert levels_told("a restart", told=told) >= 19
    assert levels_told("three in ten slower", told=told) <= 1
    assert levels_told("half slower", told=told) <= 4


def test_all_models_slower_is_a_level_only_where_a_restart_is_known():
    assert levels_told("all slower", told=False) == 0
    assert levels_told("all slower", told=True) >= 18


# Nights of which levels were not seen, for what they hide of each other was taken for noise.
@pytest.mark.parametrize(
    ("key", "nights", "levels"),
    [
        ([1193945240, 50, 4, 6], 12, [7, 9]),
        ([1193945240, 50, 11, 7], 18, [9, 12, 15]),
        ([1193945240, 50, 11, 9], 8, [3, 4]),
    ],
)
def test_levels_beside_each_other_are_told_apart(key, nights, levels):
    rng = np.random.default_rng(key)
    restarts = device_restarts(rng, 60)
    table = night_noise(Nights.REBOOTS, rng, 20, 60, 0.02, restarts=restarts)[:, :nights]
    assert (np.flatnonzero(restarts[:nights]) + 1).tolist() == levels
    table += np.random.default_rng(1).normal(0, 0.0039, table.shape)
    assert list(new_levels(rows_of(table))) == levels


def test_a_fifth_of_many_models_slower_for_weeks_is_no_level():
    """Of 25 models on a calm device that does not tell its uptime, five by 3 % for forty nights."""
    found = 0
    for seed in range(12):
        rng = np.random.default_rng([4135549742, seed])
        table = night_noise(Nights.INDEPENDENT, rng, 25, 60, 0.005)
        table += rng.normal(0, 0.0039, table.shape)
        table[:5, 20:] += np.log1p(0.03)
        found += any(new_levels(rows_of(table[:, :nights])) for nights in range(24, 61, 6))
    assert found <= 1


def status_of(table, night, blamed):
    """What is said of the first model on the table's last night, red on these nights before."""
    trails, looks = {}, {}
    for model, row in enumerate(np.exp(table) * 20):
        name = f"model {model}"
        trail = trails[name] = Trail()
        for number, value in enumerate(row[:-1], 1):
            trail.outcomes[number], trail.epochs[number] = OK, 1
            trail.points[LATENCY.name].append(Point(number, float(value), 0.06, 15))
        sessions = tuple(row[-1] * np.exp(np.linspace(-0.01, 0.01, 15)))
        key = SeriesKey(name, DEVICE, CONDITION)
        looks[name] = Observation(key, 0, OK, readings={LATENCY.name: sessions})
    trails["model 0"].blamed[LATENCY.name] |= set(blamed)
    floors = {metric.name: metric.floor for metric in METRICS}
    rules = Rules(alpha=0.05, tests=3 * len(table), floors=floors, baseline_nights=14)
    judge = DeviceJudge(DEVICE, CONDITION, night, trails, looks, epoch=1, rules=rules)
    (found,) = [
        verdict
        for verdict in judge.verdicts({})
        if verdict.metric == LATENCY.name and verdict.series.model == "model 0"
    ]
    return found.status


def restarts_of(*nights, step_at=None):
    """20 models over 30 nights, with levels from these nights on, and a step of the first model."""
    rng = np.random.default_rng(5)
    table = rng.normal(0, NOISE, (20, 30))
    for night in nights:
        table[:, night - 1 :] += rng.normal(0, 0.04, (20, 1))
    if step_at is not None:
        table[0, step_at - 1 :] += 0.08
    return table


@pytest.mark.parametrize("first_red", [12, 13, 14])
def test_what_turned_red_before_its_level_was_seen_is_put_down_to_the_device(first_red):
    assert status_of(restarts_of(12), 30, range(first_red, 30)) is Status.FINE
    assert status_of(restarts_of(12, 22), 30, range(first_red, 30)) is Status.FINE


def test_what_got_slower_before_a_new_level_is_red_on_it_too():
    assert status_of(restarts_of(22, step_at=17), 30, range(17, 30)) is Status.REGRESSION
    assert status_of(restarts_of(12, 22, step_at=17), 30, range(18, 30)) is Status.REGRESSION
    assert status_of(restarts_of(12, 17, step_at=8), 30, range(9, 30)) is Status.REGRESSION


def test_a_slower_model_stays_red_on_unlucky_nights_and_not_for_long_when_it_is_gone():
    """3 % under 2 % of noise, by a judge that has to learn the noise."""
    lasting, gone = [], []
    for seed in range(60):
        rng = np.random.default_rng([71, seed])
        table = rng.normal(0, 0.02, (8, 36 + 6))
        table[0, 20:36] += np.log1p(0.03)
        lasting.append(status_of(table[:, :36], 36, range(25, 36)) is Status.REGRESSION)
        gone.append(status_of(table, 42, range(25, 42)) is Status.REGRESSION)
    assert np.mean(lasting) > 0.9
    assert np.mean(gone) < 0.3
