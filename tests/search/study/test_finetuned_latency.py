"""By what a finetuned candidate is timed: its graph's sessions in the search, not a later moment's.

`loaded_host.json` holds the sessions of a real first search on a shared virtual machine, of three
candidates that were finetuned while its processors were taken by something else, so that everything
ran five times as slowly, and of the recommended one measured anew under a lighter load.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_results import changed
from recorded_sessions import recorded

from device_runner.flags import Flag
from search.study.anew import MeasuredAnew, fresh_sessions, next_anew_path
from search.study.finetuned import (
    FinetunedResult,
    finetuned_in,
    finetuned_path,
    timed_after_finetuning,
)
from search.study.records import CandidateResult
from search.study.usual_speed import StudySpeeds, at_usual_speed

RECORDED = json.loads((Path(__file__).parent / "loaded_host.json").read_text())


def result(row: dict, weights: str = "slice", **changes) -> CandidateResult:
    found = recorded(
        row, flags=row["flags"], sha256=f"{weights} {row['trial']}", max_abs_error=1e-6
    )
    return changed(found, **changes)


@pytest.fixture(scope="module")
def results() -> list[CandidateResult]:
    return at_usual_speed([result(row) for row in RECORDED["search"]])


def keep(folder: Path, before: CandidateResult, after: CandidateResult) -> None:
    record = FinetunedResult(
        before=before, after=after, steps=9, photographs=3, teacher="a test", training_s=1.0
    )
    record.save(finetuned_path(folder, after.number))


@pytest.fixture
def run(tmp_path: Path, results: list[CandidateResult]) -> Path:
    before = {one.number: one for one in results}
    for row in RECORDED["finetuned"]:
        after = result(row, "finetuned", max_abs_error=2e-6, finished_at="2026-11-27T17:19:00")
        keep(tmp_path, before[after.number], after)
    for row in RECORDED["confirmed"]:
        fresh = result(row, "finetuned", finished_at="2026-11-27T17:52:00")
        MeasuredAnew(result=fresh).save(next_anew_path(tmp_path, fresh.number))
    return tmp_path


def test_a_finetuned_one_takes_as_long_as_its_graph_took_in_the_search(run, results) -> None:
    known = {one.number: one for one in results}
    found = finetuned_in(run, results)
    assert [one.after.number for one in found] == [2, 7, 13]
    assert [one.after.latency_ms for one in found] == pytest.approx([4.43, 4.65, 5.81], abs=0.01)
    for one in found:
        trial = known[one.after.number]
        assert one.latency_is_the_trials
        assert one.after.timing == trial.timing.model_copy(update={"max_abs_error": 2e-6})
        assert one.after.flags == trial.flags
        assert one.after.artifact.sha256 == f"finetuned {one.after.number}"
        assert one.after.psnr_y_db > trial.psnr_y_db


def test_a_lucky_moment_after_finetuning_makes_none_the_faster(run, results) -> None:
    """Trial 13 measured at half of what trial 2 takes stays the slowest of the three."""
    (_, _, last) = finetuned_in(run, results)
    lucky = [ms / 20 for ms in last.before.timing.beside.session_ms]
    row = next(row for row in RECORDED["finetuned"] if row["trial"] == 13)
    keep(run, last.before, result(row | {"session_ms": lucky[:5], "told_ms": 0.3}, "finetuned"))
    told = {one.after.number: one.after.latency_ms for one in finetuned_in(run, results)}
    assert max(told, key=told.get) == 13
    assert told[13] == pytest.approx(5.81, abs=0.01)


def test_its_sessions_are_fresh_ones_beside_those_of_confirm(run, results) -> None:
    own = timed_after_finetuning(run, results)
    assert [one.latency_ms for one in own] == pytest.approx([2.22, 2.77, 3.21], abs=0.01)
    fresh = [one for one in fresh_sessions(run, results) if one.number == 7]
    assert [one.finished_at[11:16] for one in fresh] == ["17:19", "17:52"]
    together = StudySpeeds(results).together(fresh)
    assert (together.sessions, together.timing.measurement_file) == (10, "")
    assert min(one.latency_ms for one in fresh) < together.latency_ms
    assert together.latency_ms < max(one.latency_ms for one in fresh)
    # The interval holds that nobody knows how it reacts to so slow a moment.
    assert together.latency_low_ms < 4.65 < together.latency_high_ms
    assert Flag.UNUSUAL_SPEED in together.flags


@pytest.mark.parametrize("seed", range(4))
def test_calm_sessions_put_those_of_a_busy_moment_right(results, seed) -> None:
    """Nine of `confirm`, as calm as the search: together they show how the graph reacts."""
    rng, busy = np.random.default_rng(seed), result(RECORDED["finetuned"][1], "finetuned")
    calm = RECORDED["confirmed"][0] | {
        "session_ms": list(4.65 * np.exp(0.03 * rng.standard_normal(9))),
        "sentinel_ms": list(4.1 * np.exp(0.02 * rng.standard_normal(9))),
        "sentinel_session": list(range(9)),
    }
    speeds = StudySpeeds(results)
    alone = speeds.told(result(calm, "finetuned"))
    together = speeds.together([busy, result(calm, "finetuned")])
    assert together.latency_ms == pytest.approx(alone.latency_ms, rel=0.05)
    assert together.latency_high_ms / together.latency_low_ms < 1.15


def test_limits_are_kept_by_what_its_graph_takes_and_its_own_pictures_are(run, results) -> None:
    (one, *_) = finetuned_in(run, results)
    before = changed(one.before, constraint_violations={"latency_ms": -0.5, "psnr_y_db": 0.1})
    after = changed(one.after, constraint_violations={"latency_ms": 20.0, "psnr_y_db": -0.2})
    keep(run, before, after)
    known = [before if result.number == one.after.number else result for result in results]
    told = finetuned_in(run, known)[0].after
    assert told.constraint_violations == {"latency_ms": -0.5, "psnr_y_db": -0.2}
    assert told.feasible


def test_what_its_outputs_were_flagged_with_stays(run, results) -> None:
    one = finetuned_in(run, results)[0]
    keep(run, one.before, changed(one.after, flags=("noisy", "unstable", "repeats_unknown")))
    told = finetuned_in(run, results)[0].after
    assert told.flags == (*one.before.flags, "unstable", "repeats_unknown")


def test_more_sessions_of_the_trial_are_more_of_the_finetuned_one(run, results) -> None:
    """A search that was resumed settles on: the record of finetuning holds what was known then."""
    old = changed(results[0], latency_ms=9.9, beside=None, sessions=1)
    keep(run, old, changed(results[0], sha256="finetuned"))
    (found,) = (one for one in finetuned_in(run, results) if one.after.number == 0)
    assert found.after.latency_ms == found.before.latency_ms == results[0].latency_ms
    # Of a run whose trial is gone, the record stands.
    (found,) = (one for one in finetuned_in(run, results[1:]) if one.after.number == 0)
    assert found.after.latency_ms == 9.9


def test_another_graph_is_timed_by_itself(run, results) -> None:
    """Another version of the exporter: more operators, and so its own latency."""
    one = finetuned_in(run, results)[0]
    row = RECORDED["finetuned"][0]
    keep(run, one.before, result(row, "finetuned", delegated_ops=999))
    found = finetuned_in(run, results)[0]
    assert not found.latency_is_the_trials
    assert found.after.latency_ms == pytest.approx(2.22, abs=0.01)
    # Those sessions chose it.
    assert [one.number for one in timed_after_finetuning(run, results)] == [7, 13]


@pytest.mark.parametrize("change", ["threads", "sentinel_sha256", "no sentinel", "profile"])
def test_sessions_of_other_conditions_do_not_go_together(results, change) -> None:
    one = results[0]
    beside = one.timing.beside
    others = {
        "threads": changed(one, beside=beside.model_copy(update={"threads": 1})),
        "sentinel_sha256": changed(one, beside=beside.model_copy(update={"sentinel_sha256": "t"})),
        "no sentinel": changed(one, beside=None),
        "profile": changed(one, profile_key="another phone"),
    }
    assert StudySpeeds(results).together([one, others[change]]) is None
    assert StudySpeeds(results).together([one, one]).sessions == 2 * one.sessions


def test_few_sessions_together_may_be_enough(results) -> None:
    few = changed(results[0], flags=("few_sessions", "throttled"))
    flags = StudySpeeds(results).together([few, few]).flags
    assert "throttled" in flags
    assert "few_sessions" not in flags
