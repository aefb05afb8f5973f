"""Restarts of a device: read, kept, and what is made of them."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import numpy as np
import pytest
from made_up_nights import DEVICE, FIRST_EVENING, SUITE, World, of
from test_nightly_night import Evening, Rack

from nightly.history import open_history
from nightly.outputs.record import night_record
from nightly.records import Status

MODELS = [f"model {place}" for place in range(12)]


@pytest.fixture
def world(sqlite):
    with open_history(sqlite) as history:
        latency_ms = {name: 20.0 + 3 * place for place, name in enumerate(MODELS)}
        yield World(history, latency_ms, booted_at=FIRST_EVENING)


@pytest.fixture
def rack(tmp_path):
    return Rack(tmp_path)


def restart(world, *, moved, size=0.04):
    """Another level for the models that moved, as memory is laid out anew."""
    assert world.booted_at is not None
    world.booted_at += timedelta(days=30)
    for place, name in enumerate(moved):
        world.latency_ms[name] *= float(np.exp(size * (1 if place % 2 else -1)))


def latency_statuses(found):
    return {v.status for v in found.verdicts if v.metric == "latency"}


def test_a_restart_that_moves_all_models_is_told_as_a_new_level_and_later_nights_are_green(world):
    world.nights(14)
    restart(world, moved=MODELS)
    told = " ".join(world.night().notes)
    assert (
        f"a new level of {DEVICE} since tonight: nearly all models moved, as it restarted" in told
    )
    for _ in range(4):
        found = world.night()
        assert Status.REGRESSION not in latency_statuses(found)
        assert not found.notes


def test_a_step_after_a_new_level_is_found(world):
    world.nights(14)
    restart(world, moved=MODELS)
    world.nights(6)
    world.latency_ms["model 2"] *= 1.08
    assert of(world.night(), "model 2", "latency").status is Status.REGRESSION


def test_what_moves_alone_with_a_restart_is_red_and_the_restart_is_suspected(world):
    world.nights(14)
    restart(world, moved=[])
    world.latency_ms["model 2"] *= 1.08
    found = world.night()
    assert of(found, "model 2", "latency").status is Status.REGRESSION
    assert "1 looks worse may be the restart's doing" in " ".join(found.notes)
    assert not world.night().notes


def test_without_a_restart_all_models_may_move_and_are_red(world):
    world.nights(14)
    for place, name in enumerate(MODELS):
        world.latency_ms[name] *= 1.06 if place % 2 else 0.94
    found = world.night()
    assert Status.REGRESSION in latency_statuses(found)
    assert "new level" not in " ".join(found.notes)


def test_a_device_that_does_not_tell_is_not_taken_for_one_that_stayed_up(world):
    world.booted_at = None
    world.nights(14)
    for place, name in enumerate(MODELS):
        world.latency_ms[name] *= 1.06 if place % 2 else 0.94
    assert "it does not tell whether it did" in " ".join(world.night().notes)


def test_a_night_keeps_when_the_device_was_started(rack):
    told = []
    for rack.up_s in (3600.0, None):
        result = rack.night()
        told.append(night_record(result)["devices"][0]["booted_at"])
    with rack.history() as history:
        boots = history.boots("rack", "sim:one", "default")
    (moment,) = boots.values()
    assert list(boots) == [1]
    assert told == [moment.isoformat(timespec="seconds"), None]
    assert abs(Evening().date - timedelta(hours=1) - moment) < timedelta(minutes=1)


def test_an_older_history_is_opened_and_knows_of_no_restart(sqlite):
    with open_history(sqlite) as history:
        World(history, {"a": 20.0}, booted_at=FIRST_EVENING).night()
    file = sqlite.removeprefix("sqlite:///")
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE nightly_device_night DROP COLUMN booted_at")
    connection.close()
    with open_history(sqlite) as history:
        assert history.boots(SUITE, DEVICE, "default") == {}
        assert len(history.nights(SUITE)) == 1
