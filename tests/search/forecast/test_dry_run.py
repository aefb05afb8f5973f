"""`search --dry-run`: what would be done, how long that takes and how that is known; no trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_results import changed, result_of

from foundation.wording import duration
from models.deployment import Candidate
from search.errors import RunError
from search.forecast.dry_run import dry_run, dry_run_lines, dry_run_record
from search.forecast.rates import ProfileRates, remember, remembered
from search.request import SearchRequest
from search.study.run_directory import RunDirectory
from search.study.study import open_study, record

KNOWN = ProfileRates(
    measured_at="2026-11-01 10:00 UTC", preparation_s=7, export_s=0.25, session_overhead_s=1.5,
    gmacs_a_second=1e6,
)  # fmt: skip


def request(tmp_path: Path, **changes) -> SearchRequest:
    fields = {"device": "host", "run_dir": tmp_path / "run", "threads": 1, **changes}
    return SearchRequest.resolve(fields)


def test_a_first_search_is_told_and_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = dry_run(request(tmp_path))
    told = "\n".join(dry_run_lines(found))
    for words in (
        "nothing is written", "(new)", "Device: host", "nothing: the weights are those of",
        "12 of 112 configs, at 64x64", "each in 5 sessions", "1 thread", "on 12 pictures",
        "at most 40 sessions", "at most 167", "an estimate", "by rule",
    ):  # fmt: skip
        assert words in told
    assert list(tmp_path.iterdir()) == []
    assert remembered().profiles == {}


def test_training_is_told_with_its_steps(tmp_path):
    found = dry_run(request(tmp_path, train_steps=200))
    assert any("a supernet, 200 steps on" in line for line in dry_run_lines(found))
    assert found.plan.seconds.training == pytest.approx(200 * 0.31)
    assert any("a training step 0.31 s (by rule" in line for line in dry_run_lines(found))


def test_what_this_computer_remembers_is_better_than_a_rule(tmp_path):
    key = dry_run(request(tmp_path)).plan.work.lanes[0].profile_key
    remember(key, KNOWN)
    told = dry_run_record(dry_run(request(tmp_path)))
    rates = told["profiles"][0]["rates"]
    assert rates["session"]["seconds"] == pytest.approx(2.0)
    assert "2026-11-01" in rates["session"]["source"]
    assert rates["preparation"]["seconds"] == 7
    # Nothing was trained then.
    assert "by rule" in rates["step"]["source"]


def test_what_the_run_itself_took_is_best_and_what_it_holds_is_not_done_again(tmp_path):
    asked = request(tmp_path)
    first = dry_run(asked)
    run = RunDirectory.create(asked.run_dir, asked, {})
    study = open_study(run, asked)
    deployment = asked.deployment(lowering=asked.lowering, strip_kb=asked.strip_kb)
    configs = [asked.space.smallest(), asked.space.largest()]
    for number, config in enumerate(configs):
        result = result_of(
            number, Candidate(config, deployment), status="ok", latency_ms=1.0, psnr_y_db=30.0,
            sessions=5,
        )  # fmt: skip
        record(study.ask(), changed(result, device_s=23.0))
    found = dry_run(asked)
    (lane,) = found.plan.work.lanes
    assert (lane.known, lane.candidates) == (2, 10)
    told = "\n".join(dry_run_lines(found))
    assert "10 more of 112 configs, at 64x64; 2 are known" in told
    assert "(continued)" in told
    assert found.plan.rates[lane.profile_key].session.seconds == pytest.approx(23 / 10.5)
    assert "as in this run" in told
    assert found.plan.seconds.total != first.plan.seconds.total


def test_a_run_of_another_search_is_refused_as_the_search_would(tmp_path):
    asked = request(tmp_path)
    RunDirectory.create(asked.run_dir, asked, {})
    with pytest.raises(RunError, match="belongs to a search with"):
        dry_run(request(tmp_path, seed=3))


def test_the_record_is_json_and_adds_up(tmp_path):
    told = json.loads(json.dumps(dry_run_record(dry_run(request(tmp_path)))))
    parts = told["estimate_s"]
    assert parts.pop("total") == pytest.approx(sum(parts.values()))
    assert told["schema"] == "search-plan/1"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (140, "2 min 20 s"), (3600, "1 h"), (7265, "2 h 1 min")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words
