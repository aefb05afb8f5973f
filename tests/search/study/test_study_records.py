"""`search.study.records`: parts that are there or not, and old records that are still read."""

from __future__ import annotations

from typing import Any

import pytest
from made_up_results import result_of

from foundation import RequestError
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from search.study.records import CandidateResult, PictureQuality

CANDIDATE = Candidate(
    MobileSRConfig(n_feats=8, n_heads=2, ratios=(1, 2), window_size=4, scale=2),
    Deployment(lr_height=16, lr_width=24),
)
# As version 2 wrote it: flat, config and deployment as plain tables.
FLAT: dict[str, Any] = {
    "schema": "candidate-result/2",
    "number": 3,
    "key": CANDIDATE.key,
    "config": CANDIDATE.config.model_dump(mode="json"),
    "deployment": CANDIDATE.deployment.model_dump(mode="json"),
    "status": "ok",
    "reason": "",
    "device_serial": "38021FDJH00A",
    "profile_key": "phone-pixel-8-0a1b2c3d",
    "stand_in_note": "",
    "artifact_sha256": "ab" * 32,
    "weights_sha256": "cd" * 32,
    "parameters": 2635,
    "macs": 870_400,
    "size_bytes": 39_040,
    "delegates": 1,
    "delegated_ops": 92,
    "undelegated_ops": 4,
    "latency_ms": 3.5,
    "latency_low_ms": 3.25,
    "latency_high_ms": 3.75,
    "raw_latency_ms": 3.625,
    "sessions": 5,
    "first_run_ms": 6.5,
    "load_ms": 1.0,
    "peak_memory_mb": 18.0,
    "max_abs_error": 1e-7,
    "psnr_y_db": 29.5,
    "psnr_rgb_db": 27.5,
    "ssim_y": 0.88,
    "bicubic_psnr_y_db": 28.5,
    "images": [
        {"name": "a", "psnr_y_db": 29.5, "psnr_rgb_db": 27.5, "ssim_y": 0.88,
         "bicubic_psnr_y_db": 28.5, "tiling": {"image": [24, 28]}},
    ],
    "constraint_violations": {"latency_ms": -0.5},
    "flags": ["noisy"],
    "measurement_file": "measurements/trial-00003.json",
    "export_s": 6.5,
    "device_s": 20.5,
    "finished_at": "2026-11-26T20:23:06+00:00",
}  # fmt: skip
NEVER_EXPORTED = {
    "status": "failed", "reason": "cannot lower it", "artifact_sha256": "", "weights_sha256": "",
    "parameters": 0, "macs": 0, "size_bytes": 0, "delegates": 0, "delegated_ops": 0,
    "undelegated_ops": 0, "latency_ms": None, "latency_low_ms": None, "latency_high_ms": None,
    "raw_latency_ms": None, "sessions": 0, "first_run_ms": None, "load_ms": None,
    "peak_memory_mb": None, "max_abs_error": None, "psnr_y_db": None, "psnr_rgb_db": None,
    "ssim_y": None, "bicubic_psnr_y_db": None, "images": [], "constraint_violations": {},
    "flags": [], "measurement_file": "", "export_s": 0.0,
}  # fmt: skip


def read(record: dict[str, Any]) -> CandidateResult:
    return CandidateResult.from_dict(record, where="trial 3")


def test_a_flat_record_is_read_into_parts() -> None:
    found = read(FLAT)
    assert found.candidate == CANDIDATE
    assert found.key == FLAT["key"]
    assert found.artifact is not None
    assert found.timing is not None
    assert found.quality is not None
    parts = (found.artifact, found.timing, found.quality, found)
    for name, value in FLAT.items():
        if name in ("schema", "key", "config", "deployment", "images", "flags"):
            continue
        holders = [part for part in parts if name.removeprefix("artifact_") in part.__dict__]
        assert [getattr(part, name.removeprefix("artifact_")) for part in holders] == [value], name
    assert found.images[0].tiling == {"image": [24, 28]}
    assert found.artifact.delegated_share == 92 / 96
    assert found.gain_db == 1.0
    assert read(found.to_dict()) == found


def test_a_record_of_version_1_does_not_know_what_was_not_kept() -> None:
    first = {k: v for k, v in FLAT.items() if k not in ("raw_latency_ms", "sessions")}
    found = read(first | {"schema": "candidate-result/1"})
    assert found.timing is not None
    assert (found.timing.raw_latency_ms, found.timing.sessions) == (None, None)
    assert found.latency_ms == 3.5
    assert found.sessions == 0


def test_a_record_of_version_3_lacks_the_sessions_themselves() -> None:
    now = read(FLAT).to_dict()
    assert now["schema"] == "candidate-result/5"
    before = now | {"schema": "candidate-result/3"}
    before["timing"] = {k: v for k, v in now["timing"].items() if k != "session_ms"}
    found = read(before)
    assert found.timing is not None
    assert found.timing.session_ms == ()
    assert found == read(now)


def test_what_never_came_to_be_is_no_part() -> None:
    found = read(FLAT | NEVER_EXPORTED)
    assert (found.artifact, found.timing, found.quality) == (None, None, None)
    assert (found.latency_ms, found.psnr_y_db, found.peak_memory_mb) == (None, None, None)
    assert found.images == ()
    assert found.reason == "cannot lower it"
    assert read(found.to_dict()) == found


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ({"config": {}, "deployment": {}}, "deployment.lr_height"),
        ({"config": {"n_feats": "many"}}, "config.n_feats"),
        ({"latency_ms": "fast"}, "timing.latency_ms"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_damaged_record_of_before_is_a_sentence(damage: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=f"trial 3 is damaged: {sentence}"):
        read(FLAT | damage)


def test_a_newer_record_is_refused() -> None:
    with pytest.raises(RequestError, match="holds 'candidate-result/6', this version"):
        read(FLAT | {"schema": "candidate-result/6"})


def test_a_reader_above_finds_the_samples() -> None:
    timed = result_of(0, CANDIDATE, status="ok", latency_ms=1.0, measurement_file="m/0.json")
    assert timed.timing is not None
    moved = timed.seen_from_above("profiles/phone-a")
    assert moved.timing is not None
    assert moved.timing.measurement_file == "profiles/phone-a/m/0.json"
    failed = result_of(1, CANDIDATE, status="failed")
    assert failed.seen_from_above("profiles/phone-a") == failed


def test_without_bicubic_there_is_no_gain() -> None:
    assert PictureQuality(psnr_y_db=30.0).gain_db is None
    assert PictureQuality(psnr_y_db=30.0, bicubic_psnr_y_db=31.0).gain_db == -1.0
