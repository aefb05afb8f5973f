"""A recorded table as a device: its sessions come back, and nothing else does."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from device_runner import (
    Measurement,
    MeasurementFailed,
    MeasurePlan,
    TimingPlan,
    measure,
    measure_together,
    open_device,
)
from device_runner.devices.replay import ReplayDevice, load_table
from device_runner.devices.simulated import PRESETS, SimulatedDevice, synthetic_artifact
from device_runner.measuring.estimates import estimate_of, flags_of
from foundation import Artifact, RequestError

PLAN = MeasurePlan(sessions=4, threads=4, timing=TimingPlan(min_iterations=10, min_time_s=0.2))


@pytest.fixture
def known(tmp_path: Path) -> list[Artifact]:
    return [synthetic_artifact(tmp_path / "a", name, ms) for name, ms in (("x", 40.0), ("y", 60.0))]


@pytest.fixture
def sentinel(tmp_path: Path) -> Artifact:
    return synthetic_artifact(tmp_path / "a", "sentinel", 30.0)


@pytest.fixture
def recorded(tmp_path: Path, known: list[Artifact], sentinel: Artifact) -> list[Measurement]:
    """A run directory `tmp_path/run` with the measurements of a watch that never cools."""
    found = measure_together(SimulatedDevice(PRESETS["watch"]), known, PLAN, sentinel=sentinel)
    kept = [one for one in found if isinstance(one, Measurement)]
    for number, one in enumerate(kept):
        one.save(tmp_path / "run" / "measurements" / f"trial-{number:05d}.json")
    return kept


def test_sessions_come_back_as_they_were(
    tmp_path: Path, known: list[Artifact], recorded: list[Measurement]
) -> None:
    device = open_device(f"replay:{tmp_path / 'run'}").device
    for artifact, once in zip(known, recorded, strict=True):
        again = measure(device, artifact, PLAN)
        assert again.sessions == once.sessions
        assert again.estimate.latency_ms == pytest.approx(once.estimate.raw_latency_ms)
        assert {"simulated", "replayed", "recorded_throttled"} <= set(again.flags)
        assert "replay_repeats" not in again.flags
        assert again.device.key != once.device.key


def test_beyond_what_was_recorded_it_repeats_and_says_so(
    tmp_path: Path, known: list[Artifact], recorded: list[Measurement]
) -> None:
    device = ReplayDevice(load_table(tmp_path / "run"))
    again = measure(device, known[0], PLAN.model_copy(update={"sessions": 6}))
    assert again.sessions[4:] == again.sessions[:2]
    assert "replay_repeats" in again.flags


def test_unknown_candidate_fails_and_the_known_do_not(
    tmp_path: Path, known: list[Artifact], recorded: list[Measurement]
) -> None:
    device = ReplayDevice(load_table(tmp_path / "run"))
    stranger = synthetic_artifact(tmp_path / "a", "stranger", 10.0)
    found = measure_together(device, [*known, stranger], PLAN)
    assert isinstance(found[2], MeasurementFailed)
    assert "stranger" in str(found[2])
    assert "was not recorded" in str(found[2])
    assert "2 other candidates" in str(found[2])
    assert all(isinstance(one, Measurement) for one in found[:2])


def test_recorded_sentinel_corrects_as_it_did(
    tmp_path: Path, known: list[Artifact], sentinel: Artifact, recorded: list[Measurement]
) -> None:
    device = ReplayDevice(load_table(tmp_path / "run"))
    (found,) = measure_together(device, known[:1], PLAN, sentinel=sentinel)
    assert isinstance(found, Measurement)
    assert found.sentinel is not None
    assert recorded[0].sentinel is not None
    then = [round(median_ms, 4) for median_ms in recorded[0].sentinel.median_ms]
    now = [round(median_ms, 4) for median_ms in found.sentinel.median_ms]
    assert now == then


def test_one_measurement_file_is_a_table(
    tmp_path: Path, known: list[Artifact], recorded: list[Measurement]
) -> None:
    table = load_table(tmp_path / "run" / "measurements" / "trial-00001.json")
    assert set(table.candidates) == {"y"}
    assert table.threads == 4


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_csv_with_one_row_a_session(tmp_path: Path, known: list[Artifact]) -> None:
    rows: list[dict[str, object]] = [
        {"candidate_key": key, "latency_ms": ms, "peak_memory_mb": 80, "threads": 4}
        for key, ms in (("x", 20.0), ("y", 31.0), ("x", 22.0), ("y", 33.0), ("x", 21.0))
    ]
    device = open_device(f"replay:{write_csv(tmp_path / 'table.csv', rows)}").device
    found = measure(device, known[0], MeasurePlan(sessions=3, threads=4))
    assert [session.median_ms for session in found.sessions] == [20.0, 22.0, 21.0]
    assert found.estimate.latency_ms == 21.0
    assert found.estimate.peak_memory_mb == 80.0
    assert device.suggest_threads().threads == 4
    assert "threads_differ" not in found.flags


def test_csv_as_spreadsheets_write_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("\ufeffcandidate_key,latency_ms\r\nx,3.5\r\n".encode())
    (session,) = load_table(path).candidates["x"].sessions
    assert session.median_ms == pytest.approx(3.5)


def test_more_files_than_are_read_are_refused(
    tmp_path: Path, recorded: list[Measurement], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device_runner.devices.replay.table._MAX_FILES", 1)
    with pytest.raises(RequestError, match="2 measurements, more than 1"):
        load_table(tmp_path / "run")


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("", "lacks the columns"),
        ("candidate_key\nx\n", "lacks the columns"),
        ("candidate_key,latency_ms\n", "no rows"),
        ("candidate_key,latency_ms\nx,fast\n", "line 2: latency_ms is 'fast'"),
        ("candidate_key,latency_ms\nx,1\nx,-1\n", "line 3: latency_ms"),
        ("candidate_key,latency_ms\nx,nan\n", "latency_ms is 'nan'"),
        ("candidate_key,latency_ms\n,1\n", "no candidate_key"),
        ("candidate_key,latency_ms,threads\nx,1,0\n", "threads"),
    ],
)
def test_wrong_csv_is_refused_with_its_line(tmp_path: Path, content: str, hint: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(RequestError, match=hint) as caught:
        load_table(path)
    assert str(path) in str(caught.value)


def test_nothing_to_replay(tmp_path: Path) -> None:
    for name in (tmp_path, tmp_path / "absent", tmp_path / "absent.csv"):
        with pytest.raises(RequestError, match=r"replay|read"):
            open_device(f"replay:{name}")


def test_several_devices_are_not_mixed(
    tmp_path: Path, known: list[Artifact], recorded: list[Measurement]
) -> None:
    other = measure(SimulatedDevice(PRESETS["pixel"]), known[0], PLAN)
    other.save(tmp_path / "run" / "measurements" / "other.json")
    with pytest.raises(RequestError, match="several devices"):
        load_table(tmp_path / "run")


def test_a_column_that_lacks_is_unknown_and_not_zero(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("candidate_key,latency_ms,peak_memory_mb\nk,1.5,\nk,1.6,20\n")
    found = load_table(path).candidates["k"].sessions
    estimate = estimate_of(found[:1])
    assert (estimate.peak_memory_mb, estimate.load_ms, estimate.first_run_ms) == (None, None, None)
    assert estimate_of(found[1:]).peak_memory_mb == 20
    assert "stock_runner" not in flags_of("simulated", found, estimate, 1)
