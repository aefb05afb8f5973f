"""`finetune`: cut out, trained, exported, measured on the same device, told beside the slice."""

import re
import shutil
from dataclasses import replace

import pytest
from commands import command_here
from made_up_results import changed, result_of

from foundation.artifact import load_artifact
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.export_command import export_command
from models.origin import WeightsOrigin
from models.training.plan import TrainingPlan
from models.weights import load_weights, save_weights
from reports.facts import gather
from reports.finetuned_view import WIDTH, draw_finetuned, finetuned_rows
from reports.found import chosen_trials, found_by_search
from reports.markdown import markdown_summary
from reports.report import report_of
from search.errors import RunError
from search.finetuning import FinetuneEvents, FinetuneRequest, finetune_run, trials_of_keys
from search.life import SearchEvents, run_search
from search.occupancy import HOLDER, Occupancy, held
from search.study.finetuned import FinetunedResult, finetuned_in, finetuned_path
from search.study.records import ImageQuality
from search.study.run_directory import RunDirectory

pytestmark = pytest.mark.timeout(900)
# At this rate the outputs stay what they are, and the weights do not.
PLAN = TrainingPlan(steps=6, batch_size=1, crop=8, learning_rate=1e-7)


@pytest.fixture(scope="module")
def finetuned(ended_run):
    numbers = [result.number for result in ended_run.results() if result.status == "ok"]
    steps = []
    events = FinetuneEvents(training=lambda p: steps.append(p.step))
    return finetune_run(ended_run, FinetuneRequest(numbers, PLAN), events), steps


def test_each_gets_weights_of_its_own_and_a_result_beside_the_slice(ended_run, finetuned):
    found, steps = finetuned
    assert len(found) == 2
    assert steps == [1, 2, 3, 4, 5, 6] * 2
    for one in found:
        assert one.before.quality.origin == WeightsOrigin.CHECKPOINT
        assert one.after.status == "ok"
        assert one.after.quality.origin == WeightsOrigin.FINETUNED
        assert one.after.config == one.before.config
        assert one.after.profile_key == one.before.profile_key
        assert one.after.artifact.weights_sha256 != one.before.artifact.weights_sha256
        assert (ended_run.path / one.after.timing.measurement_file).is_file()
        weights = load_weights(finetuned_path(ended_run.path, one.after.number, ".pt"))
        assert weights.origin == WeightsOrigin.FINETUNED
        assert weights.config == one.after.config
    assert finetuned_in(ended_run.path, ended_run.results()) == found


def test_the_search_itself_is_unchanged(ended_run, finetuned):
    origins = {r.quality.origin for r in RunDirectory.open(ended_run.path).results() if r.quality}
    assert origins == {WeightsOrigin.CHECKPOINT}


def test_the_report_tells_both_and_recommends_a_finetuned_one(ended_run, finetuned):
    report = report_of([gather(ended_run)])
    (section,) = report.sections
    assert len(finetuned_rows(section)) == 2
    plot = str(draw_finetuned(section))
    assert plot.count("<circle") == 4
    # Scaled to the page, three points would fill a screen.
    assert f'width="{WIDTH}"' in plot
    assert section.choice.result.quality.origin == WeightsOrigin.FINETUNED
    assert "### Finetuned" in markdown_summary(report)


def test_export_gives_the_finetuned_artifact_and_says_so(ended_run, finetuned):
    for one in finetuned[0]:
        found = found_by_search(ended_run.path, one.after.number)
        assert found.artifact.manifest.sha256 == one.after.artifact.sha256
        assert found.weights == finetuned_path(ended_run.path, one.after.number, ".pt")
        assert f"Trial {one.after.number} was finetuned: this has its finetuned" in found.note
    recommended = report_of([gather(ended_run)]).sections[0].choice.result
    assert (
        found_by_search(ended_run.path, None).artifact.manifest.sha256
        == recommended.artifact.sha256
    )


def test_what_is_handed_out_says_what_was_timed_and_when(ended_run, finetuned, tmp_path):
    """The latency of the page, of the trial's file; the PSNR of its own."""
    one = finetuned[0][0]
    found = found_by_search(ended_run.path, one.after.number)
    measured = found.measured
    assert measured.artifact_sha256 == one.after.artifact.sha256
    assert measured.timed_sha256 == one.before.artifact.sha256
    (section,) = report_of([gather(ended_run)]).sections
    (row,) = (row for row in finetuned_rows(section) if row[0] == str(one.after.number))
    assert row[2] == f"{measured.latency_ms:.2f} ({measured.latency_low_ms:.2f}–" + (
        f"{measured.latency_high_ms:.2f})"
    )
    assert measured.psnr_y_db == one.after.psnr_y_db
    notes = " ".join(measured.latency_notes)
    assert "the latency is that of its trial" in notes
    assert "3 sessions that took no part in the choice" in notes
    text = (found.put_into(tmp_path).folder / "README.md").read_text("utf-8")
    assert f"before finetuning (SHA-256 {one.before.artifact.sha256[:16]}…)" in text
    assert "; pictures 20" in text
    # Every note whole: cells of foreign text are cut.
    for note in measured.latency_notes:
        assert note.split("(")[0] in text
        assert len(note) < 500


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"constraint_violations": {"psnr_y_db": 1.0}}, "it breaks a limit"),
        ({"status": "failed", "reason": "crashed", "quality": None}, "crashed"),
        ({"bicubic_psnr_y_db": 99.0}, "no better than bicubic"),
    ],
)
def test_what_is_not_recommended_finetuned_is_exported_as_the_slice(
    ended_run, finetuned, tmp_path, changes, why
):
    copy = tmp_path / "run"
    shutil.copytree(ended_run.path, copy)
    for one in finetuned[0]:
        spoilt = one.model_copy(update={"after": changed(one.after, **changes)})
        spoilt.save(finetuned_path(copy, one.after.number))
    (section,) = report_of([gather(RunDirectory.open(copy))]).sections
    for trial in (section.choice.result.number, None):
        found = found_by_search(copy, trial)
        assert found.artifact.manifest.sha256 == section.choice.result.artifact.sha256
        assert found.weights == copy / "weights" / "supernet.pt"
        assert why in found.note
        assert "slice" in found.note


def test_the_command_says_whose_weights_it_exports(ended_run, finetuned, tmp_path, capsys):
    number = finetuned[0][0].after.number
    export = export_command(found_by_search)
    export(tmp_path / "best", run=ended_run.path, trial=number)
    assert "was finetuned: this has its finetuned weights" in capsys.readouterr().err
    exported = load_artifact(tmp_path / "best")
    assert exported.manifest.sha256 == finetuned[0][0].after.artifact.sha256


def test_the_same_request_trains_nothing_again(ended_run, finetuned):
    numbers = [one.after.number for one in finetuned[0]]
    steps = []
    events = FinetuneEvents(training=lambda p: steps.append(p.step))
    again = finetune_run(ended_run, FinetuneRequest(numbers, PLAN), events)
    assert steps == []
    assert [a.after.artifact.sha256 for a in again] == [
        one.after.artifact.sha256 for one in finetuned[0]
    ]


def test_weights_of_before_a_plan_said_more_of_draws_are_read_back(ended_run, finetuned):
    numbers = [one.after.number for one in finetuned[0]]
    path = finetuned_path(ended_run.path, numbers[0], ".pt")
    kept = load_weights(path)
    before = {n: v for n, v in kept.training.items() if n not in ("students", "config_pool")}
    save_weights(replace(kept, training=before), path)
    steps = []
    events = FinetuneEvents(training=lambda p: steps.append(p.step))
    finetune_run(ended_run, FinetuneRequest(numbers, PLAN), events)
    save_weights(kept, path)
    assert steps == []


def test_trials_are_found_by_key_and_by_standing(ended_run):
    (first, second) = [r for r in ended_run.results() if r.status == "ok"]
    assert trials_of_keys(ended_run, [second.config.key, first.config.key]) == [
        second.number, first.number
    ]  # fmt: skip
    with pytest.raises(RunError, match="no measured and judged candidate of n4_h2_r1_w8_x2_p1"):
        trials_of_keys(ended_run, ["n4_h2_r1_w8_x2_p1"])
    assert len(chosen_trials(ended_run, 1)) == 1
    assert set(chosen_trials(ended_run, 9)) <= {first.number, second.number}


def test_unknown_trials_and_other_devices_are_refused(ended_run):
    with pytest.raises(RunError, match=r"trial 99 .* was not measured and judged"):
        finetune_run(ended_run, FinetuneRequest([99], PLAN), FinetuneEvents())
    numbers = [result.number for result in ended_run.results()][:1]
    other = FinetuneRequest(numbers, PLAN, device="host")
    with pytest.raises(RunError, match="no such device is there"):
        finetune_run(ended_run, other, FinetuneEvents())


def test_a_slow_moment_after_finetuning_sets_none_aside(ended_run, finetuned, tmp_path):
    """Its pictures are judged, and the limit is kept by what its graph took in the search."""
    number = finetuned[0][0].after.number
    copy = shutil.copytree(ended_run.path, tmp_path / "run")
    spec = (copy / "run.toml").read_text()
    (copy / "run.toml").write_text(f"max_latency_ms = 0.001\n{spec}")
    run = RunDirectory.open(copy)
    (found,) = finetune_run(run, FinetuneRequest([number], PLAN), FinetuneEvents())
    assert found.after.status == "ok"
    own = FinetunedResult.load(finetuned_path(copy, number)).after
    assert own.constraint_violations["latency_ms"] > 0
    # In the search of this run nothing was limited.
    assert found.after.constraint_violations == {}


def test_a_run_in_which_another_command_writes_is_left_alone(ended_run, finetuned, tmp_path):
    numbers = [one.after.number for one in finetuned[0]]
    kept = {path: path.read_bytes() for path in (ended_run.path / "finetuned").glob("*.json")}
    with held(ended_run.path, print):
        with pytest.raises(RunError, match="confirm is at work in"):
            finetune_run(ended_run, FinetuneRequest(numbers, PLAN), FinetuneEvents())
        done = command_here("finetune", str(ended_run.path), "--steps", "1", cwd=tmp_path)
        assert done.returncode == 2
        assert f"at work in {ended_run.path} (process " in done.stderr.replace("\n", " ")
        # Who only reads goes on.
        assert command_here("report", str(ended_run.path), cwd=tmp_path).returncode == 0
        assert found_by_search(ended_run.path, None).measured is not None
    assert {path: path.read_bytes() for path in kept} == kept


def test_it_holds_the_run_while_it_trains_and_gives_it_back(ended_run, finetuned):
    numbers = [finetuned[0][0].after.number]
    refused = []

    def search_beside(text):
        with pytest.raises(RunError, match="at work in") as caught:
            run_search(ended_run.request(), ("search",), SearchEvents())
        refused.append(str(caught.value))

    finetune_run(ended_run, FinetuneRequest(numbers, PLAN), FinetuneEvents(say=search_beside))
    assert refused
    assert not (ended_run.path / HOLDER).exists()


def test_one_that_lost_its_run_writes_nothing_more(ended_run, finetuned, monkeypatch):
    """As after a night in which the computer slept and another took the run."""

    def lost(hold):
        raise RunError("taken over")

    monkeypatch.setattr(Occupancy, "require", lost)
    path = finetuned_path(ended_run.path, finetuned[0][0].after.number)
    before = path.stat().st_mtime_ns
    with pytest.raises(RunError, match="taken over"):
        finetune_run(
            ended_run, FinetuneRequest([finetuned[0][0].after.number], PLAN), FinetuneEvents()
        )
    assert path.stat().st_mtime_ns == before


CANDIDATE = Candidate(
    MobileSRConfig.from_key("n8_h2_r1_w4_x2_p1"), Deployment(lr_height=16, lr_width=16)
)


def judged(gains):
    images = tuple(
        ImageQuality(name=str(i), psnr_y_db=30 + i + gain, psnr_rgb_db=28, ssim_y=0.9,
                     bicubic_psnr_y_db=27)
        for i, gain in enumerate(gains)
    )  # fmt: skip
    mean = sum(image.psnr_y_db for image in images) / len(images)
    return result_of(1, CANDIDATE, status="ok", latency_ms=5.0, psnr_y_db=mean, images=images)


def finetuned_of(before, after):
    return FinetunedResult(
        before=before, after=after, steps=9, photographs=3, teacher="a test", training_s=1.0
    )


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ([0.2, 0.21, 0.19], r"\+0\.20 dB \(\+0\.1\d to \+0\.2\d\)$"),
        ([0.3, -0.3, 0.0], "no difference that 3 pictures can tell"),
        ([-0.2, -0.21, -0.19], "worse"),
    ],
)
def test_the_verdict_is_paired_over_pictures(gains, words):
    verdict = finetuned_of(judged([0, 0, 0]), judged(gains)).verdict
    assert re.search(words, verdict)


def test_what_cannot_be_compared_is_said():
    before = judged([0, 0, 0])
    assert "no comparison" in finetuned_of(before, judged([0, 0])).verdict
    failed = changed(before, status="failed", reason="crashed", quality=None)
    assert finetuned_of(before, failed).verdict == "not judged: crashed"
