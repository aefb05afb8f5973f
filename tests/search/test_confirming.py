"""`confirm`: the chosen one measured anew, told as such, and nothing chosen by it."""

from __future__ import annotations

import json
import re

import pytest
from commands import command_here

from device_runner import Measurement
from reports.cli import front_data
from reports.facts import gather
from reports.found import candidate_in, found_by_search
from reports.markdown import markdown_summary
from reports.report import report_of
from search.confirming import confirm
from search.errors import RunError
from search.occupancy import HOLDER, held
from search.study.anew import FOLDER, fresh_sessions

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def anew(ended_run):
    before = ended_run.results()
    chosen = candidate_in(ended_run, None)[1]
    found = confirm(ended_run, chosen, 4)
    return before, chosen, found


def records(run):
    return {path: path.read_bytes() for path in sorted((run.path / FOLDER).glob("*.json"))}


def test_fresh_sessions_stand_alone_and_leave_the_study_as_it_was(ended_run, anew):
    before, chosen, found = anew
    assert ended_run.results() == before
    assert (found.number, found.artifact, found.quality) == (
        chosen.number, chosen.artifact, chosen.quality,
    )  # fmt: skip
    assert (chosen.sessions, found.sessions) == (3, 4)
    raw = Measurement.load(ended_run.path / found.timing.measurement_file)
    assert raw.estimate.sessions == 4
    earlier = Measurement.load(ended_run.path / chosen.timing.measurement_file)
    assert not set(raw.session_medians_ms) & set(earlier.session_medians_ms)
    # Told for the study's one speed, by the sentinel that ran beside them.
    assert found.timing.beside.sentinel_sha256 == chosen.timing.beside.sentinel_sha256
    assert found.latency_ms == pytest.approx(chosen.latency_ms, rel=0.2)


def test_every_report_says_which_latency_is_which(ended_run, anew):
    _, chosen, found = anew
    report = report_of([gather(ended_run)])
    (profile,) = front_data(report)["profiles"]
    told = {
        "latency_ms": found.latency_ms,
        "latency_low_ms": found.latency_low_ms,
        "latency_high_ms": found.latency_high_ms,
        "sessions": 4,
    }
    fresh = {"measurements": 1, "flags": list(found.flags), "disagrees": False}
    assert profile["expected_latency"] == told | {
        "source": "fresh sessions", "fresh": told | fresh,
        "words": profile["caveats"][:len(profile["expected_latency"]["words"])],
    }  # fmt: skip
    assert profile["chosen_trial"] == chosen.number
    words = "4 sessions that took no part in the choice"
    assert any(words in caveat for caveat in profile["caveats"])
    assert words in markdown_summary(report)
    handed_out = found_by_search(ended_run.path, None).measured
    assert words in " ".join(handed_out.latency_notes)
    assert handed_out.latency_ms == chosen.latency_ms
    assert any(words in text for _, text in handed_out.rows())


def test_the_command_measures_the_recommended_one(ended_run, anew, tmp_path):
    done = command_here("confirm", str(ended_run.path), "--sessions", "9", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"fresh sessions"' in done.stdout
    assert re.search(
        rf"trial {anew[1].number}, .*: measured anew, [\d.]+ ms \([\d.]+ to [\d.]+\), 9 sessions; "
        r"by the sessions it was chosen by [\d.]+ ms \([\d.]+ to [\d.]+\), 3 sessions",
        " ".join(done.stderr.split()),
    )
    # Also of a trial that is not the recommended one the report tells it; a number of before does
    # not go because a later one pleases more.
    (told,) = json.loads(done.stdout)["profiles"][0]["measured_anew"]
    assert (told["trial"], told["measurements"]) == (anew[1].number, 2)
    assert told["sessions"] == 4 + 9
    found = fresh_sessions(ended_run.path, ended_run.results())
    assert [(one.number, one.sessions) for one in found] == [
        (anew[1].number, 4), (anew[1].number, 9),
    ]  # fmt: skip


def test_what_cannot_be_measured_anew_is_told(ended_run, anew, tmp_path):
    chosen = anew[1]
    with pytest.raises(RunError, match="no longer there"):
        confirm(ended_run, chosen.model_copy(update={"artifact": None}), 3)
    with pytest.raises(RunError, match="no such device is there"):
        confirm(ended_run, chosen, 3, device="sim:watch")
    done = command_here("confirm", str(ended_run.path), "--trial", "99", cwd=tmp_path)
    assert done.returncode == 2
    assert "no finished trial 99" in done.stderr


def test_it_waits_for_no_other_command_and_lets_none_in(ended_run, anew):
    chosen, before = anew[1], records(ended_run)
    with held(ended_run.path, print), pytest.raises(RunError, match="confirm is at work in"):
        confirm(ended_run, chosen, 3)
    assert records(ended_run) == before
    refused = []

    def beside(text):
        with pytest.raises(RunError, match="confirm is at work in") as caught:
            confirm(ended_run, chosen, 3)
        refused.append(caught)

    confirm(ended_run, chosen, 3, say=beside)
    assert refused
    assert not (ended_run.path / HOLDER).exists()


def test_a_damaged_record_is_named(ended_run, anew):
    path = next(iter(records(ended_run)))
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    try:
        done = command_here("report", str(ended_run.path), cwd=ended_run.path.parent)
    finally:
        path.write_text(whole)
    assert done.returncode == 2
    assert path.name in done.stderr
