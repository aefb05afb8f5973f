"""Results of a study told for one speed: one that met slow spells on a shared virtual machine.

`slow_spell.json` holds the sessions of a real first search on such a machine, its speed halved for
seconds now and then: 12 candidates beside a sentinel that took 3.7 to 3.9 ms, and 7.4 to 8 in the
spells. `told_ms` is what that search said, by a reference of 7.5 ms timed once at its start.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import result_of
from recorded_sessions import recorded

from device_runner.flags import Flag
from search.front.dominance import pareto_front
from search.study.records import CandidateResult
from search.study.usual_speed import StudySpeeds, at_usual_speed

RECORDED = json.loads((Path(__file__).parent / "slow_spell.json").read_text())
# By hand: the middle of the sessions that ran outside of spells.
TRUE_MS = {0: 2.30, 1: 9.53, 2: 3.92, 3: 3.30, 5: 3.61, 6: 6.59, 7: 4.22, 8: 5.39, 9: 2.29,
           10: 3.15, 13: 5.43, 14: 6.84}  # fmt: skip


def result(row: dict, **changes) -> CandidateResult:
    return recorded(row, raw_latency_ms=1.0).model_copy(update=changes)


def front(results: list[CandidateResult]) -> list[int]:
    """Trials on it, the fastest first."""
    places = pareto_front([(one.latency_ms, one.psnr_y_db) for one in results])
    chosen = [results[place] for place in places]
    return [one.number for one in sorted(chosen, key=lambda one: one.latency_ms)]


@pytest.fixture(scope="module")
def told() -> list[CandidateResult]:
    return at_usual_speed([result(row) for row in RECORDED])


def test_a_study_that_began_in_a_slow_spell_has_the_right_latencies(told) -> None:
    assert {one.number: one.latency_ms for one in told} == pytest.approx(TRUE_MS, rel=0.05)
    for one in told:
        assert one.latency_low_ms <= TRUE_MS[one.number] * 1.02
        assert one.latency_high_ms >= TRUE_MS[one.number] * 0.98


def test_and_the_right_front(told) -> None:
    true = [one.model_copy(update={"timing": one.timing.model_copy(
        update={"latency_ms": TRUE_MS[one.number]})}) for one in told]  # fmt: skip
    as_it_was_told = [result(row) for row in RECORDED]
    assert front(told) == front(true) == [9, 10, 3, 2, 7, 13, 6, 14, 1]
    assert front(as_it_was_told) == [3, 7, 13, 6, 14, 1]


def test_who_was_measured_within_a_spell_says_so(told) -> None:
    apart = [one.number for one in told if Flag.UNUSUAL_SPEED in one.flags]
    assert apart == [5]


@given(st.permutations(RECORDED))
def test_in_whatever_order_they_are_read(told, rows) -> None:
    again = {one.number: one.latency_ms for one in at_usual_speed([result(row) for row in rows])}
    assert again == pytest.approx({one.number: one.latency_ms for one in told})


def test_telling_it_twice_changes_nothing(told) -> None:
    again = at_usual_speed(told)
    assert [one.latency_ms for one in again] == pytest.approx([one.latency_ms for one in told])
    assert [one.flags for one in again] == [one.flags for one in told]


def test_a_limit_is_held_against_the_latency_as_it_is_told_now() -> None:
    # A limit of 9 ms: the first told 11.1 ms, and takes 6.6.
    rows = [
        result(row, constraint_violations={"latency_ms": row["told_ms"] - 9.0}) for row in RECORDED
    ]
    assert [one.number for one in rows if not one.feasible] == [1, 5, 6, 8, 14]
    found = at_usual_speed(rows)
    assert [one.number for one in found if not one.feasible] == [1]
    for one in found:
        assert one.constraint_violations["latency_ms"] == pytest.approx(one.latency_ms - 9.0)


def test_profiles_threads_and_sentinels_have_speeds_of_their_own(told) -> None:
    other = [
        result(row).model_copy(update={"profile_key": "another"})
        for row in RECORDED[:3]
    ]  # fmt: skip
    speed = StudySpeeds([*(result(row) for row in RECORDED), *other])
    usual = speed.reference_ms(told[0].profile_key, "s" * 64, 2)
    assert usual == pytest.approx(3.81, abs=0.03)
    assert speed.reference_ms("another", "s" * 64, 2) != usual
    assert speed.reference_ms(told[0].profile_key, "s" * 64, 4) is None
    assert speed.reference_ms(told[0].profile_key, "t" * 64, 2) is None
    same = StudySpeeds([result(row) for row in RECORDED]).told(result(RECORDED[0]))
    assert same.latency_ms == told[0].latency_ms


def test_a_record_that_kept_too_little_stands_as_it_was_told_and_says_so() -> None:
    old = result(RECORDED[0])
    old = old.model_copy(update={"timing": old.timing.model_copy(update={"beside": None})})
    kept, *_ = at_usual_speed([old, *(result(row) for row in RECORDED[1:])])
    assert kept.latency_ms == old.latency_ms
    assert Flag.REFERENCE_KEPT in kept.flags
    uncorrected = result_of(
        3, old.candidate, status="ok", latency_ms=2.0, psnr_y_db=30.0, raw_latency_ms=2.0
    )
    (same,) = at_usual_speed([uncorrected])
    assert same == uncorrected
