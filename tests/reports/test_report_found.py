"""`export --from RUN`: a trial or the recommended one, and the file that was measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_results import result_of

from foundation import RequestError
from foundation.artifact import Artifact, load_artifact
from foundation.errors import AnswerIsNo
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.origin import WeightsOrigin
from reports.found import found_by_search
from search.request import SearchRequest
from search.study.run_directory import RunDirectory
from search.study.study import open_study, record

REQUEST = SearchRequest()
RunCommand = Callable[[list[str]], tuple[int, str, str]]


def made_run(folder: Path, artifact: Artifact, *places: tuple[float, float]) -> RunDirectory:
    """A run whose trials have these latencies and PSNRs; the first one's artifact is there."""
    run = RunDirectory.create(folder, REQUEST, {})
    shutil.copytree(artifact.folder, run.artifacts / "first")
    study = open_study(run, REQUEST)
    for number, (latency, psnr) in enumerate(places):
        candidate = Candidate(
            MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,) * (number + 1), scale=2),
            Deployment(lr_height=16, lr_width=16),
        )
        sha256 = artifact.manifest.sha256 if number == 0 else "ef" * 32
        record(
            study.ask(),
            result_of(
                number, candidate, status="ok", latency_ms=latency, latency_low_ms=latency,
                latency_high_ms=latency, psnr_y_db=psnr, bicubic_psnr_y_db=28.0, sha256=sha256,
            ),
        )  # fmt: skip
    again = study.ask()
    record(again, run.results()[0], duplicate_of=0)
    return run


def test_a_trial_and_the_file_that_was_measured(tmp_path: Path, small_artifact: Artifact) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.0, 29.0), (9.0, 31.0))
    found = found_by_search(run.path, 0)
    assert found.candidate.config.depth == 1
    assert found.artifact is not None
    assert found.artifact.manifest == small_artifact.manifest
    # Trial 2 proposed the first one's candidate once more.
    assert found_by_search(run.path, 2) == found
    deleted = found_by_search(run.path, 1)
    assert (deleted.artifact, deleted.candidate.config.depth) == (None, 2)
    assert deleted.weights == run.weights


def test_what_was_measured_comes_with_it(tmp_path: Path, small_artifact: Artifact) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.0, 29.0))
    measured = found_by_search(run.path, 0).measured
    assert measured is not None
    assert measured.artifact_sha256 == small_artifact.manifest.sha256
    assert (measured.run, measured.trial, measured.device) == ("run", 0, "fake")
    assert (measured.latency_ms, measured.psnr_y_db) == (1.0, 29.0)
    # No measurement file and no time were recorded.
    assert (measured.threads, measured.when) == (None, "")


def test_a_run_that_was_put_away_read_only_is_exported_from(
    tmp_path: Path, small_artifact: Artifact
) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.0, 29.0))
    kept = run.artifacts / "first"
    for path in (*kept.iterdir(), kept):
        path.chmod(0o555 if path.is_dir() else 0o444)
    artifact = found_by_search(run.path, 0).put_into(tmp_path)
    assert artifact.folder.parent == tmp_path
    assert load_artifact(artifact.folder).manifest.sha256 == small_artifact.manifest.sha256
    # Root may write to anything: so by what stands there.
    assert all(
        path.stat().st_mode & 0o200 for path in (*artifact.folder.iterdir(), artifact.folder)
    )


def test_the_readme_of_the_exported_file_tells_it(tmp_path: Path, small_artifact: Artifact) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.25, 29.0))
    artifact = found_by_search(run.path, 0).put_into(tmp_path / "store")
    assert artifact.manifest == small_artifact.manifest
    text = (artifact.folder / "README.md").read_text("utf-8")
    assert "1.25 ms (1.25 to 1.25" in text
    assert "29.00 dB, +1.00 dB against bicubic" in text


def test_the_manifest_tells_the_origin_that_the_run_knows(
    tmp_path: Path, small_artifact: Artifact
) -> None:
    """Of an artifact that was exported before manifests held it."""
    run = made_run(tmp_path / "run", small_artifact, (1.25, 29.0))
    found = replace(found_by_search(run.path, 0), origin=WeightsOrigin.SHIPPED)
    artifact = found.put_into(tmp_path / "store")
    assert load_artifact(artifact.folder).manifest.weights_origin == "shipped"
    assert "A slice of the supernet that comes with" in (artifact.folder / "README.md").read_text()
    assert small_artifact.manifest.weights_origin is None


@pytest.mark.parametrize("options", [["--chosen"], ["--trial", "0"]])
def test_a_run_is_delivered_with_what_was_measured(
    run_command: RunCommand, tmp_path: Path, small_artifact: Artifact, options: list[str]
) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.25, 29.0))
    output = tmp_path / "out"
    code, out, _ = run_command(["deliver", str(run.path), *options, "-o", str(output), "--json"])
    assert code == 0
    assert json.loads(out)["measured"] is True
    assert load_artifact(output / "artifact").manifest == small_artifact.manifest
    for readme in ("README.md", "artifact/README.md"):
        assert "1.25 ms (1.25 to 1.25" in (output / readme).read_text("utf-8")


def test_the_recommended_one(tmp_path: Path, small_artifact: Artifact) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.0, 29.0), (2.0, 31.0), (9.0, 31.1))
    assert found_by_search(run.path, None).candidate.config.depth == 2


def test_where_nothing_is_recommended_the_answer_is_no(
    tmp_path: Path, small_artifact: Artifact
) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.0, 27.0))
    with pytest.raises(AnswerIsNo, match=r"nothing to recommend: .*worse than bicubic.*--trial N"):
        found_by_search(run.path, None)
    assert found_by_search(run.path, 0).candidate.config.depth == 1


def test_an_unknown_trial_names_those_there_are(tmp_path: Path, small_artifact: Artifact) -> None:
    run = made_run(tmp_path / "run", small_artifact, (1.0, 29.0), (2.0, 31.0))
    with pytest.raises(RequestError, match="no finished trial 7: there are 0, 1"):
        found_by_search(run.path, 7)


def test_of_several_device_profiles_one_must_be_named(
    tmp_path: Path, small_artifact: Artifact
) -> None:
    run = RunDirectory.create(tmp_path / "run", REQUEST, {})
    for key in ("phone-a", "phone-b"):
        part = run.create_part(key, REQUEST, {})
        made_run(part.path, small_artifact, (1.0, 29.0))
        shutil.rmtree(run.artifacts / "first")
    with pytest.raises(RequestError, match=r"each of 2 device profiles: name one, .*phone-a or "):
        found_by_search(run.path, 0)
    assert found_by_search(run.parts[0].path, 0).candidate.config.depth == 1
