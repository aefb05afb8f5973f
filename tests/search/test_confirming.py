"""`confirm`: the chosen one measured anew, told as such, and nothing chosen by it."""

from __future__ import annotations

import pytest
from commands import command_here

from device_runner import Measurement
from models.images import save_rgb
from models.training.photographs import photographs_of
from models.training.plan import TrainingPlan
from models.training.supernet import SupernetTrainer
from models.weights import save_weights
from reports.cli import front_data
from reports.facts import gather
from reports.found import candidate_in, found_by_search
from reports.markdown import markdown_summary
from reports.report import report_of
from search.confirming import confirm
from search.errors import RunError
from search.life import SearchEvents, run_search
from search.request import SearchRequest
from search.space import SearchSpace
from search.study.anew import anew_path

pytestmark = pytest.mark.timeout(900)
SPACE = SearchSpace(n_feats=(4, 8), depths=(1,), ratios=(1,), window_sizes=(4,), n_heads=2, scale=2)
PLAN = TrainingPlan(steps=6, batch_size=1, crop=8, learning_rate=1e-7)


@pytest.fixture(scope="module")
def run(tmp_path_factory, smooth_picture):
    """Two candidates on a simulated phone; untrained, which is better than bicubic here."""
    folder = tmp_path_factory.mktemp("confirming")
    images = [smooth_picture(112, 120, number) for number in range(2)]
    for number, image in enumerate(images):
        save_rgb(folder / f"photos/{number}.png", image)
    untrained = SupernetTrainer(SPACE, photographs_of(images), PLAN).weights()
    save_weights(untrained, folder / "untrained.pt")
    request = SearchRequest(
        space=SPACE, device="sim:pixel", lr_size=(16, 16), hr=folder / "photos",
        train=folder / "photos", weights=folder / "untrained.pt", trials=2, sessions=3,
        settle_sessions=0, run_dir=folder / "run",
    )  # fmt: skip
    return run_search(request, ("search",), SearchEvents()).run


@pytest.fixture(scope="module")
def anew(run):
    before = run.results()
    chosen = candidate_in(run, None)[1]
    found = confirm(run, chosen, 4)
    return before, chosen, found


def test_fresh_sessions_stand_alone_and_leave_the_study_as_it_was(run, anew):
    before, chosen, found = anew
    assert run.results() == before
    assert (found.number, found.artifact, found.quality) == (
        chosen.number, chosen.artifact, chosen.quality,
    )  # fmt: skip
    assert (chosen.sessions, found.sessions) == (3, 4)
    raw = Measurement.load(run.path / found.timing.measurement_file)
    assert raw.estimate.sessions == 4
    earlier = Measurement.load(run.path / chosen.timing.measurement_file)
    assert not set(raw.session_medians_ms) & set(earlier.session_medians_ms)
    # Told for the study's one speed, by the sentinel that ran beside them.
    assert found.timing.beside.sentinel_sha256 == chosen.timing.beside.sentinel_sha256
    assert found.latency_ms == pytest.approx(chosen.latency_ms, rel=0.2)


def test_every_report_says_which_latency_is_which(run, anew):
    _, chosen, found = anew
    report = report_of([gather(run)])
    (profile,) = front_data(report)["profiles"]
    told = {
        "latency_ms": found.latency_ms,
        "latency_low_ms": found.latency_low_ms,
        "latency_high_ms": found.latency_high_ms,
        "sessions": 4,
    }
    fresh = {"measurements": 1, "flags": list(found.flags), "disagrees": False}
    (words,) = (caveat for caveat in profile["caveats"] if "took no part" in caveat)
    assert profile["expected_latency"] == told | {
        "source": "fresh sessions", "words": words, "fresh": told | fresh,
    }  # fmt: skip
    assert profile["chosen_trial"] == chosen.number
    words = "4 sessions that took no part in the choice"
    assert any(words in caveat for caveat in profile["caveats"])
    assert words in markdown_summary(report)
    handed_out = found_by_search(run.path, None).measured
    assert words in handed_out.latency_note
    assert handed_out.latency_ms == chosen.latency_ms
    assert any(words in text for _, text in handed_out.rows())


def test_the_command_measures_the_recommended_one(run, anew, tmp_path):
    done = command_here("confirm", str(run.path), "--sessions", "9", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"fresh sessions"' in done.stdout
    assert f"trial {anew[1].number}" in done.stderr


def test_what_cannot_be_measured_anew_is_told(run, anew, tmp_path):
    chosen = anew[1]
    with pytest.raises(RunError, match="no longer there"):
        confirm(run, chosen.model_copy(update={"artifact": None}), 3)
    with pytest.raises(RunError, match="no such device is there"):
        confirm(run, chosen, 3, device="sim:watch")
    done = command_here("confirm", str(run.path), "--trial", "99", cwd=tmp_path)
    assert done.returncode == 2
    assert "no finished trial 99" in done.stderr


def test_a_damaged_record_is_named(run, anew):
    path = anew_path(run.path, anew[1].number)
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    try:
        done = command_here("report", str(run.path), cwd=run.path.parent)
    finally:
        path.write_text(whole)
    assert done.returncode == 2
    assert path.name in done.stderr
