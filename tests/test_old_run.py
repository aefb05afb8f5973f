"""A run directory of an earlier version is read, reported and continued.

`tests/old_run` was left by the version whose results were flat records (`candidate-result/2`):
three candidates on a simulated phone, one of them sharpened by more sessions, one duplicate. Its
study is kept as SQL text; its artifacts and pictures are left out, which a run may lose.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from reports.found import found_by_search
from search.study.run_directory import RunDirectory

OLD = Path(__file__).parent / "old_run"
# One export, and one of the sentinel: slow where other work takes the cores.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def old_run(tmp_path: Path) -> RunDirectory:
    folder = tmp_path / "run"
    shutil.copytree(OLD, folder)
    (folder / "photos").rename(tmp_path / "photos")
    spec = folder / "run.toml"
    spec.write_text(spec.read_text().replace('"/old/', f'"{tmp_path}/'))
    with sqlite3.connect(folder / "study.db") as study:
        study.executescript((folder / "study.sql").read_text())
    study.close()
    return RunDirectory.open(folder)


def tune(*arguments: str, cwd: Path, code: int = 0) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "mobilesr_tune", *arguments, "--json"],
        cwd=cwd, capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_it_is_read(old_run: RunDirectory) -> None:
    results = old_run.results()
    assert [result.number for result in results] == [0, 1, 3]
    assert [result.config.key for result in results] == [
        "n4_h2_r1_w4_x2_p1", "n8_h2_r2_w4_x2_p1", "n8_h2_r1_w4_x2_p1",
    ]  # fmt: skip
    assert [result.sessions for result in results] == [3, 3, 5]
    # Told anew from its measurements; by a reference of its start it said 0.3172, 0.3532, 0.3524.
    assert [round(result.latency_ms or 0.0, 4) for result in results] == [0.3208, 0.3567, 0.3612]
    assert not any("reference_kept" in result.flags for result in results)
    assert [round(result.psnr_y_db or 0.0, 3) for result in results] == [23.903, 23.976, 23.974]
    assert [len(result.images) for result in results] == [2, 2, 2]
    assert all(result.feasible for result in results)


def test_without_its_measurements_it_stands_as_it_was_told_and_says_so(
    old_run: RunDirectory,
) -> None:
    shutil.rmtree(old_run.measurements)
    results = old_run.results()
    assert [round(result.latency_ms or 0.0, 4) for result in results] == [0.3172, 0.3532, 0.3524]
    assert all("reference_kept" in result.flags for result in results)


def test_it_is_reported(old_run: RunDirectory) -> None:
    (profile,) = tune("report", "run", cwd=old_run.path.parent)["profiles"]  # type: ignore[misc]
    assert profile["chosen_trial"] is None
    assert "worse than bicubic upscaling" in profile["rule"]
    rows = {row["trial"]: row for row in profile["front"]}
    assert rows[1]["delegated_share"] == 1.0
    assert rows[1]["measurement_file"] == "measurements/trial-00001.json"
    page = (old_run.report_folder / "index.html").read_text()
    # It kept no pictures here: they are recomputed from its weights.
    assert "these were recomputed on this computer" in page


def test_what_it_measured_travels_with_a_file(old_run: RunDirectory) -> None:
    found = found_by_search(old_run.path, 0)
    assert found.measured is not None
    assert found.measured.threads == 1
    assert found.measured.when.startswith("2026-11-26 ")
    assert any(flag.startswith("simulated: ") for flag in found.measured.flags)
    # Nobody recorded then where the weights came from.
    assert found.origin is None


def test_it_is_continued(old_run: RunDirectory) -> None:
    before = {result.number: result for result in old_run.results()}
    # 30 steps of training are worse than bicubic upscaling: the answer is no.
    said = tune(
        "search", "--config", "run/run.toml", "--trials", "4", cwd=old_run.path.parent, code=1
    )
    assert said["profiles"][0]["chosen_trial"] is None  # type: ignore[index]
    after = {result.number: result for result in old_run.results()}
    new = [after[number] for number in after.keys() - before.keys()]
    assert [result.config.key for result in new] == ["n4_h2_r2_w4_x2_p1"]
    # Nothing is measured twice, but for what more sessions make sharper.
    assert all(after[number].quality == before[number].quality for number in before)
    assert all(after[number].sessions >= before[number].sessions for number in before)
