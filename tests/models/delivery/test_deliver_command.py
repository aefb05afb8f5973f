"""The command `deliver`, of an artifact; of runs see tests/reports/test_report_found.py."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foundation.artifact import Artifact
from foundation.files import sha256_of
from models.delivery.record import RECORD_NAME, Delivery
from models.origin import WeightsOrigin, licence_sentence

RunCommand = Callable[[list[str]], tuple[int, str, str]]


@pytest.mark.parametrize("name", ["small_artifact", "pixel_artifact"])
def test_an_artifact_is_delivered_and_the_next_steps_are_told(
    run_command: RunCommand, request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    artifact: Artifact = request.getfixturevalue(name)
    output = tmp_path / "out"
    code, out, _ = run_command(["deliver", str(artifact.folder), "-o", str(output)])
    assert code == 0
    assert "answers on this computer as it did when it was exported" in out
    assert "Nothing is known here of its speed" in out
    assert f"mobilesr-tune bench {output / 'artifact'}" in out
    assert (output / "README.md").is_file()


def test_a_bare_artifact_says_where_its_weights_come_from(
    run_command: RunCommand, small_artifact: Artifact, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small_artifact.folder, tmp_path / "artifact"))
    small_artifact.manifest.model_copy(update={"weights_origin": "finetuned"}).save(
        folder / "manifest.json"
    )
    assert run_command(["deliver", str(folder), "-o", str(tmp_path / "out")])[0] == 0
    assert licence_sentence(WeightsOrigin.FINETUNED) in (tmp_path / "out/README.md").read_text()


def test_json_names_the_files(
    run_command: RunCommand, small_artifact: Artifact, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    code, out, _ = run_command(["deliver", str(small_artifact.folder), "-o", str(output), "--json"])
    assert code == 0
    said = json.loads(out)
    assert (said["schema"], said["path"], said["measured"]) == ("delivery/1", str(output), False)
    assert said["files"] == Delivery.load(output / RECORD_NAME).files


def test_a_model_that_answers_otherwise_is_not_delivered(
    run_command: RunCommand, small_artifact: Artifact, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small_artifact.folder, tmp_path / "artifact"))
    golden = np.fromfile(folder / "check_output.bin", "<f4")
    golden[7] += 0.5
    golden.tofile(folder / "check_output.bin")
    update = {"check_output_sha256": sha256_of(folder / "check_output.bin")}
    small_artifact.manifest.model_copy(update=update).save(folder / "manifest.json")
    code, out, err = run_command(["deliver", str(folder), "-o", str(tmp_path / "out")])
    assert (code, out) == (2, "")
    assert "fails its own golden check on this computer (WRONG: off by 0.5, at most" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_another_dtype_is_a_sentence(
    run_command: RunCommand, small_artifact: Artifact, tmp_path: Path, dtype: str
) -> None:
    folder = Path(shutil.copytree(small_artifact.folder, tmp_path / "artifact"))
    spec = small_artifact.manifest.inputs[0].model_copy(update={"dtype": dtype})
    small_artifact.manifest.model_copy(update={"inputs": (spec,)}).save(folder / "manifest.json")
    code, _, err = run_command(["deliver", str(folder), "-o", str(tmp_path / "out")])
    assert code == 2
    assert f"takes {dtype} and gives float32: only networks that do both in float32" in err
    assert err.count("\n") == 1
