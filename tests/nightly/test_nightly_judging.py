"""What is called a regression, and what is not, over nights in a real history."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_nights import FIRST_EVENING as FIRST
from made_up_nights import PROFILE, World, of, readings

from foundation.errors import DeviceFailure
from nightly.history import open_history
from nightly.records import Status
from nightly.sentences import common_sentences


@pytest.fixture
def world(sqlite):
    with open_history(sqlite) as history:
        yield World(history, {name: 20.0 + 5 * place for place, name in enumerate("abcdef")})


def statuses(found, metric="latency"):
    return {v.series.model: v.status for v in found.verdicts if v.metric == metric}


def test_the_first_night_has_nothing_to_compare_with(world):
    found = world.night()
    assert set(statuses(found).values()) == {Status.NEW}
    assert world.looked_again == []


def test_nights_alike_are_green(world):
    for _ in range(12):
        found = world.night()
    assert set(statuses(found).values()) == {Status.FINE}


def test_a_step_is_red_the_same_night_with_how_much_how_sure_and_since_when(world):
    world.nights(10)
    world.latency_ms["c"] *= 1.08
    found = of(world.night(), "c", "latency")
    assert found.status is Status.REGRESSION
    assert found.low < 0.08 < found.high
    assert found.p < found.needed_p
    assert found.since == 11
    assert world.looked_again[-1] == ["c"]
    assert "latency +" in found.sentence
    assert "since night 11" in found.sentence
    assert "seen twice tonight" in found.sentence


def test_what_got_slower_stays_red_until_it_is_accepted_and_keeps_its_date(world):
    world.nights(8)
    world.latency_ms["a"] *= 1.10
    world.nights(5)
    found = of(world.night(), "a", "latency")
    assert (found.status, found.since) == (Status.REGRESSION, 9)
    world.history.accept("suite", None, ["a"], FIRST)
    assert of(world.night(), "a", "latency").status is Status.FINE
    assert of(world.night(), "b", "latency").baseline_night == 1


def test_what_a_second_look_does_not_see_again_wakes_nobody(world):
    world.nights(8)
    rng = np.random.default_rng(9)
    world.extra["d"] = {"latency": readings(35 * 1.2, rng)["latency"]}
    world.second["d"] = {"latency": readings(35, rng, sessions=14)["latency"]}
    found = world.night()
    assert of(found, "d", "latency").status is Status.UNCONFIRMED
    assert Status.REGRESSION not in statuses(found).values()


def test_a_second_look_needs_no_more_than_its_own_night_has_noise(world):
    # Two of its deviations off a baseline of many nights: no baseline of a single night's doubt.
    rng = np.random.default_rng(9)
    for _ in range(20):
        world.extra["d"] = {"latency": readings(35 * np.exp(rng.normal(0, 0.02)), rng)["latency"]}
        world.night()
    world.extra["d"] = {"latency": readings(35 * 1.3, rng)["latency"]}
    world.second["d"] = {"latency": readings(35 * 1.1, rng, sessions=14)["latency"]}
    assert of(world.night(), "d", "latency").status is Status.REGRESSION


def test_a_device_that_fails_in_the_second_look_confirms_nothing(world):
    world.nights(8)
    world.latency_ms["d"] *= 1.2
    world.second_failure = DeviceFailure("device 38021FDJH00A does not answer")
    found = world.night()
    assert of(found, "d", "latency").status is Status.UNCONFIRMED
    assert any("does not answer" in note for note in found.notes)


def test_a_change_below_the_floor_wakes_nobody(world):
    world.noise = 0.0005
    world.nights(10)
    world.latency_ms["e"] *= 1.012
    assert of(world.night(), "e", "latency").status is Status.FINE


def test_what_got_faster_is_told_and_wakes_nobody(world):
    world.nights(10)
    world.latency_ms["b"] *= 0.85
    found = of(world.night(), "b", "latency")
    assert found.status is Status.IMPROVED
    assert "nightly accept" in found.sentence


def test_losing_an_improvement_is_red_though_the_baseline_is_kept(world):
    world.nights(6)
    world.latency_ms["b"] *= 0.85
    world.nights(16)
    world.latency_ms["b"] /= 0.85
    found = of(world.night(), "b", "latency")
    assert found.status is Status.REGRESSION
    assert found.compared_with == "recent"


def test_a_creep_is_found_and_called_one(world):
    world.nights(14)
    red = None
    for night in range(15, 30):
        world.latency_ms["f"] *= 1.003
        found = of(world.night(), "f", "latency")
        if found.status is Status.REGRESSION:
            red = red or night
    assert red is not None
    assert red <= 25
    assert found.creep == pytest.approx(0.003, rel=0.4)
    assert "creeping by" in found.sentence


def test_a_new_operating_system_starts_a_new_baseline_and_keeps_the_old_nights(world):
    world.nights(8)
    world.profile["os_build"] = "build 2"
    world.latency_ms = {name: ms * 1.2 for name, ms in world.latency_ms.items()}
    found = world.night()
    assert set(statuses(found).values()) == {Status.NEW}
    assert found.epoch.reason == "operating system changed from 'build 1' to 'build 2'"
    assert set(statuses(world.night()).values()) == {Status.FINE}
    world.latency_ms["a"] *= 1.1
    assert of(world.night(), "a", "latency").status is Status.REGRESSION
    # Back again: compared with the nights from then.
    world.profile.update(PROFILE)
    assert of(world.night(), "b", "latency").status is Status.REGRESSION


@pytest.mark.parametrize(
    ("metric", "worse", "better"),
    [
        ("delegation", (60.0,), (99.5,)),
        ("psnr", (31.8,), (32.4,)),
        ("memory", (140.0,) * 7, (60.0,) * 7),
        ("first_run", (200.0,) * 7, (20.0,) * 7),
    ],
)
def test_every_metric_is_watched(world, metric, worse, better):
    world.extra = {name: {"psnr": (32.0,)} for name in world.latency_ms}
    world.nights(6)
    world.extra["a"] = {"psnr": (32.0,), metric: worse}
    world.extra["b"] = {"psnr": (32.0,), metric: better}
    found = world.night()
    assert of(found, "a", metric).status is Status.REGRESSION
    assert of(found, "b", metric).status is Status.IMPROVED
    assert of(found, "c", metric).status is Status.FINE


def test_a_model_that_no_longer_runs_is_red_since_then(world):
    world.nights(3)
    world.outcomes["a"] = "crashed"
    world.nights(2)
    found = of(world.night(), "a", "runs")
    assert (found.status, found.since) == (Status.REGRESSION, 4)
    assert "does not run (crashed): it fell over; tried twice; since night 4" in found.sentence
    world.outcomes.clear()
    assert of(world.night(), "a", "runs").status is Status.IMPROVED


def test_a_model_that_never_ran_is_red_until_that_is_accepted(world):
    world.outcomes["a"] = "out_of_memory"
    assert of(world.night(), "a", "runs").status is Status.REGRESSION
    world.history.accept("suite", None, ["a"], FIRST)
    assert of(world.night(), "a", "runs").status is Status.FINE


def test_a_rough_night_is_judged_with_more_doubt_and_left_out_later(world):
    world.nights(10)
    world.noise = 0.25
    rough = world.night()
    assert rough.device_night.unsteady > 2
    assert any("an unsteady night" in note for note in rough.notes)
    assert Status.REGRESSION not in statuses(rough).values()
    world.noise = 0.005
    assert set(statuses(world.night()).values()) == {Status.FINE}


def test_half_of_the_models_changed_is_no_rough_night(world):
    world.nights(10)
    for name, factor in (("a", 1.1), ("b", 0.8), ("c", 1.3)):
        world.latency_ms[name] *= factor
    for _ in range(3):
        found = statuses(world.night())
    assert found == {
        "a": Status.REGRESSION, "b": Status.IMPROVED, "c": Status.REGRESSION,
        "d": Status.FINE, "e": Status.FINE, "f": Status.FINE,
    }  # fmt: skip


def test_what_is_told_is_tonights_own_change_where_that_suffices(world):
    world.nights(8)
    world.latency_ms["a"] *= 1.30
    world.latency_ms["b"] *= 0.70
    world.nights(5)
    found = world.night()
    assert of(found, "a", "latency").change == pytest.approx(0.30, abs=0.03)
    assert of(found, "b", "latency").change == pytest.approx(-0.30, abs=0.03)


def test_a_baseline_that_is_asked_for_holds_for_this_night_only(world):
    world.nights(5)
    world.latency_ms["a"] *= 1.1
    world.nights(4)
    world.baseline = 6
    assert of(world.night(), "a", "latency").status is Status.FINE
    world.baseline = None
    assert of(world.night(), "a", "latency").status is Status.REGRESSION


def jitter(world, share):
    """A night on which every model is off by the same share, as if by the sentinel's luck."""
    before = dict(world.latency_ms)
    world.latency_ms = {name: ms * (1 + share) for name, ms in before.items()}
    found = world.night()
    world.latency_ms = before
    return found


def test_luck_that_all_models_share_does_not_hide_what_one_of_them_did(world):
    rng = np.random.default_rng(3)
    for share in rng.normal(0, 0.006, 22):
        jitter(world, share)
    world.latency_ms["c"] *= 1.03
    found = statuses(jitter(world, -0.006))
    assert found.pop("c") is Status.REGRESSION
    assert set(found.values()) == {Status.FINE}


def test_models_that_get_worse_together_are_red_and_told_as_such(world):
    world.nights(12)
    world.latency_ms = {name: ms * 1.04 for name, ms in world.latency_ms.items()}
    found = world.night()
    assert set(statuses(found).values()) == {Status.REGRESSION}
    assert any("together" in said for said in common_sentences(found.verdicts))


def test_a_creep_that_all_models_share_is_found(world):
    world.nights(14)
    red = set()
    for _ in range(14):
        world.latency_ms = {name: ms * 1.003 for name, ms in world.latency_ms.items()}
        found = statuses(world.night())
        red |= {name for name, status in found.items() if status is Status.REGRESSION}
    assert red == set(world.latency_ms)


def test_nights_that_were_changed_before_it_was_red_are_no_reference(world):
    world.nights(5)
    world.latency_ms["b"] *= 1.03
    nights = []
    while not nights or nights[-1].status is not Status.REGRESSION:
        nights.append(of(world.night(), "b", "latency"))
        assert len(nights) < 8
    found = [of(world.night(), "b", "latency") for _ in range(6)]
    assert {verdict.status for verdict in found} == {Status.REGRESSION}
    # Told as large as it is, though some nights of the baseline had it already.
    assert found[-1].reference == pytest.approx(25.0, rel=0.004)
    assert found[-1].low < 0.03 < found[-1].high
