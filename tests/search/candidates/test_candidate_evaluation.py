"""`search.candidates.evaluation`: one candidate on the real host, from artifact to result."""

import math
import shutil

import numpy as np
import pytest
from made_up_results import changed

from device_runner import HostDevice, Measurement, MeasurePlan, TimingPlan
from device_runner.devices.replay import ReplayDevice, load_table
from foundation import load_artifact, sha256_of
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.evaluation import evaluate as evaluate_eager
from models.images import make_pair
from models.weights import build_model
from search.candidates import evaluation
from search.candidates.evaluation import BOUND_MARGIN_DB, Evaluator
from search.constraints import Constraints

PLAN = MeasurePlan(sessions=1, timing=TimingPlan(max_warmup=3, min_iterations=2, min_time_s=0))


@pytest.fixture(scope="module")
def pairs(picture):
    # The first fits the artifact's 16x16 exactly, so that no seam blurs the comparison.
    return [make_pair("exact", picture(32, 32, 1), 2), make_pair("wide", picture(34, 60, 2), 2)]


@pytest.fixture
def candidate(small_artifact):
    manifest = small_artifact.manifest
    return Candidate(
        MobileSRConfig.build(**manifest.config), Deployment.build(**manifest.deployment)
    )


@pytest.fixture
def evaluator(pairs, tmp_path):
    with HostDevice() as device, device.lease():
        yield Evaluator(
            device=device, plan=PLAN, pairs=pairs, constraints=Constraints(),
            measurements=tmp_path / "measurements", best_psnr_db=20.0, overlap=None,
        )  # fmt: skip


def on_front(evaluator, candidate, places):
    """Results of candidates that were judged before."""
    return [
        changed(
            evaluator.failure(100 + number, candidate, ""), status="ok", latency_ms=ms, psnr_y_db=db
        )
        for number, (ms, db) in enumerate(places)
    ]


@pytest.fixture
def no_pictures(monkeypatch):
    """Judging pictures is an error from here on."""

    def refuse(*_, **__):
        raise AssertionError("pictures were computed")

    monkeypatch.setattr(evaluation, "upscale_images", refuse)


def test_a_good_candidate_is_timed_and_judged(
    evaluator, candidate, small_artifact, pairs, random_weights, tmp_path
):
    evaluator.constraints = Constraints(max_latency_ms=1e6, max_memory_mb=1e6, min_psnr_db=1)
    said = []
    evaluator.say = said.append
    result = evaluator.evaluate(7, candidate, small_artifact)
    assert (result.status, result.reason, result.number) == ("ok", "", 7)
    assert result.key == candidate.key
    assert result.artifact.sha256 == small_artifact.manifest.sha256
    assert result.artifact.delegates == 1
    assert result.artifact.undelegated_ops == 0
    assert result.artifact.delegated_ops == small_artifact.manifest.delegated_op_count
    assert result.latency_low_ms <= 1.0001 * result.latency_ms
    assert result.latency_ms <= 1.0001 * result.latency_high_ms
    assert result.timing.max_abs_error <= 1e-4
    assert result.feasible
    assert set(result.constraint_violations) == {"latency_ms", "memory_mb", "psnr_y_db"}
    assert "not of a phone" in result.stand_in_note
    # Raw samples are kept, and the result says where.
    stored = Measurement.load(tmp_path / result.timing.measurement_file)
    assert stored.estimate.latency_ms == result.latency_ms
    assert len(stored.sessions[0].iteration_ns) >= 2
    # The device's pictures score as eager PyTorch's do.
    model = build_model(candidate.config, random_weights(candidate.config))
    eager = evaluate_eager(model, pairs)
    assert [image.name for image in result.images] == ["exact", "wide"]
    assert result.images[0].psnr_y_db == pytest.approx(eager.images[0].model.psnr_y_db, abs=0.02)
    assert result.images[1].tiling["image"] == [17, 30]
    assert result.bicubic_psnr_y_db == pytest.approx(eager.bicubic.psnr_y_db)
    assert result.psnr_y_db == pytest.approx(np.mean([i.psnr_y_db for i in result.images]))
    assert [said[0].split()[0], said[1].split()[0], said[-1].split()[0]] == [
        "pushing", "measuring", "judging",
    ]  # fmt: skip
    assert any("session 1 of 1" in text for text in said)
    # And the next candidate is held against it.
    assert evaluator.front == [(result.latency_ms, result.psnr_y_db)]


@pytest.mark.parametrize(
    ("constraints", "sentence"),
    [
        (Constraints(max_latency_ms=1e-6), "slower than 1e-06 ms by "),
        (Constraints(max_memory_mb=1e-6), "over 1e-06 MB by "),
    ],
)
def test_a_broken_constraint_stops_it_before_pictures(
    evaluator, candidate, small_artifact, no_pictures, constraints, sentence
):
    evaluator.constraints = constraints
    result = evaluator.evaluate(0, candidate, small_artifact)
    assert result.status == "stopped"
    assert result.reason.startswith(sentence)
    assert result.latency_ms > 0
    assert result.psnr_y_db is None
    assert not result.feasible
    assert evaluator.front == []


def test_a_memory_that_nobody_tells_keeps_no_limit(
    candidate, small_artifact, pairs, no_pictures, tmp_path
):
    table = tmp_path / "table.csv"
    table.write_text(f"candidate_key,latency_ms\n{candidate.key},3.5\n")
    with ReplayDevice(load_table(table)) as device, device.lease():
        result = Evaluator(
            device=device, plan=PLAN, pairs=pairs, constraints=Constraints(max_memory_mb=50),
            measurements=tmp_path / "measurements", best_psnr_db=20.0, overlap=None,
        ).evaluate(0, candidate, small_artifact)  # fmt: skip
    assert result.peak_memory_mb is None
    assert result.status == "stopped"
    assert result.reason == (
        "its peak memory is not told there, so nobody knows whether it keeps to 50 MB"
    )


def test_what_is_out_of_reach_of_the_front_is_stopped(
    evaluator, candidate, small_artifact, no_pictures
):
    evaluator.remember(on_front(evaluator, candidate, [(1e-6, 20.0 + BOUND_MARGIN_DB)]))
    evaluator.best_psnr_db = 20.0
    result = evaluator.evaluate(0, candidate, small_artifact)
    assert result.status == "stopped"
    assert result.reason == (
        "out of reach of the front: a candidate of 0.00000100 ms already has 20.10 dB, and the "
        "supernet's best is 20.00 dB"
    )


@pytest.mark.parametrize("front", [[(1e-6, 20.09)], [(1e6, 99.0)], []])
def test_what_may_still_reach_the_front_is_judged(evaluator, candidate, small_artifact, front):
    """Not yet as good as the best can be; or good, but slower."""
    evaluator.remember(on_front(evaluator, candidate, front))
    evaluator.best_psnr_db = 20.0
    assert evaluator.evaluate(0, candidate, small_artifact).status == "ok"


def test_too_low_a_psnr_is_infeasible_but_known(evaluator, candidate, small_artifact):
    evaluator.constraints = Constraints(min_psnr_db=90)
    result = evaluator.evaluate(0, candidate, small_artifact)
    assert result.status == "ok"
    assert result.constraint_violations == {"psnr_y_db": 90 - result.psnr_y_db}
    assert not result.feasible
    assert evaluator.front == []


def test_a_wrong_answer_fails_the_candidate_and_nothing_is_timed(
    evaluator, candidate, small_artifact, tmp_path, no_pictures
):
    folder = shutil.copytree(small_artifact.folder, tmp_path / "wrong")
    expected = np.fromfile(folder / "check_output.bin", "<f4")
    expected[5] += 0.25
    expected.tofile(folder / "check_output.bin")
    update = {"check_output_sha256": sha256_of(folder / "check_output.bin")}
    small_artifact.manifest.model_copy(update=update).save(folder / "manifest.json")
    result = evaluator.evaluate(0, candidate, load_artifact(folder))
    assert result.status == "failed"
    assert (
        "differs from eager PyTorch by 0.25, allowed is 0.0001; nothing was timed" in result.reason
    )
    assert result.latency_ms is None
    assert not (tmp_path / "measurements").exists()


def test_a_crash_fails_the_candidate_with_its_reason(
    evaluator, candidate, small_artifact, tmp_path
):
    folder = shutil.copytree(small_artifact.folder, tmp_path / "broken")
    (folder / "model.pte").write_bytes(b"\0" * 4096)
    update = {"sha256": sha256_of(folder / "model.pte")}
    small_artifact.manifest.model_copy(update=update).save(folder / "manifest.json")
    result = evaluator.evaluate(0, candidate, load_artifact(folder))
    assert result.status == "failed"
    assert "on device host" in result.reason


def test_a_candidate_without_an_artifact_has_a_result_too(evaluator, candidate):
    result = evaluator.failure(3, candidate, "cannot lower it")
    assert (result.status, result.reason, result.number) == ("failed", "cannot lower it", 3)
    assert result.key == candidate.key
    assert result.profile_key == evaluator.device.profile().key


def test_the_front_is_taken_up_where_the_run_left_it(evaluator, candidate):
    known = changed(
        evaluator.failure(0, candidate, "x"), status="ok", latency_ms=5.0, psnr_y_db=31.0
    )
    broken = known.model_copy(update={"number": 1, "constraint_violations": {"memory_mb": 1.0}})
    stopped = known.model_copy(update={"number": 2, "status": "stopped", "quality": None})
    evaluator.remember([known, broken, stopped])
    assert evaluator.front == [(5.0, 31.0)]
    assert evaluator.best_psnr_db == 31.0
    assert math.isfinite(evaluator.best_psnr_db)


def test_more_rounds_make_a_known_result_sharper(evaluator, candidate, small_artifact, tmp_path):
    first = evaluator.evaluate(3, candidate, small_artifact)
    (sharper,) = evaluator.sharpen([first], [small_artifact], 2)
    assert (first.sessions, sharper.sessions) == (1, 3)
    assert sharper.psnr_y_db == first.psnr_y_db
    stored = Measurement.load(tmp_path / sharper.timing.measurement_file)
    assert [slot.round for slot in stored.slots] == [0, 1, 2]
    assert stored.estimate.latency_ms == sharper.latency_ms
    assert "few_sessions" not in sharper.flags
    # What happened to the candidate is no matter of a measurement.
    lost = first.model_copy(update={"flags": (*first.flags, "device_lost")})
    (again,) = evaluator.sharpen([lost], [small_artifact], 1)
    assert "device_lost" in again.flags
    assert "few_sessions" not in again.flags


def test_without_setting_aside_the_pictures_of_all_are_judged(evaluator, candidate, small_artifact):
    evaluator.constraints = Constraints(max_latency_ms=1e-6)
    assert evaluator.evaluate(3, candidate, small_artifact).status == "stopped"
    evaluator.sets_aside = False
    found = evaluator.evaluate(4, candidate, small_artifact)
    assert found.status == "ok"
    assert found.psnr_y_db is not None
    assert found.constraint_violations["latency_ms"] > 0
    assert not found.feasible


def test_what_fails_while_sharpened_keeps_the_result_it_had(
    evaluator, candidate, small_artifact, tmp_path
):
    first = evaluator.evaluate(3, candidate, small_artifact)
    broken = tmp_path / "broken"
    shutil.copytree(small_artifact.folder, broken)
    (broken / "model.pte").write_bytes(b"nothing")
    manifest = small_artifact.manifest.model_copy(
        update={"sha256": sha256_of(broken / "model.pte"), "size_bytes": 7}
    )
    manifest.save(broken / "manifest.json")
    assert evaluator.sharpen([first], [load_artifact(broken)], 2) == [first]


def test_the_sentinel_corrects_every_candidate_of_a_study(
    evaluator, candidate, small_artifact, tmp_path
):
    evaluator.sentinel = small_artifact
    first = evaluator.evaluate(0, candidate, small_artifact)
    stored = Measurement.load(tmp_path / first.timing.measurement_file)
    # The first candidate's own sentinel is all that is known of the device.
    (its_ms,) = stored.sentinel.median_ms
    assert stored.sentinel.reference_ms == pytest.approx(its_ms)
    assert first.latency_ms == pytest.approx(first.timing.raw_latency_ms)
    second = evaluator.evaluate(1, candidate, small_artifact)
    later = Measurement.load(tmp_path / second.timing.measurement_file)
    assert later.sentinel.reference_ms == pytest.approx(its_ms)


def test_a_sentinel_that_does_not_run_leaves_a_candidate_without_correction(
    evaluator, candidate, small_artifact, tmp_path
):
    folder = shutil.copytree(small_artifact.folder, tmp_path / "broken")
    (folder / "model.pte").write_bytes(b"\0" * 4096)
    small_artifact.manifest.model_copy(
        update={"sha256": sha256_of(folder / "model.pte"), "size_bytes": 4096}
    ).save(folder / "manifest.json")
    evaluator.sentinel = load_artifact(folder)
    result = evaluator.evaluate(0, candidate, small_artifact)
    assert result.status == "ok"
    assert "sentinel_failed" in result.flags
    assert result.latency_ms == result.timing.raw_latency_ms
    assert result.timing.beside is None
