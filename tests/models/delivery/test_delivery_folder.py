"""`models.delivery`: the folder is whole, is what the manifest says, and overwrites nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foundation.artifact import Artifact, load_artifact
from foundation.errors import RequestError
from foundation.files import sha256_of
from models.delivery.folder import USUAL_THREADS, Goods, deliver
from models.delivery.record import RECORD_NAME, Delivery
from models.errors import ExportError
from models.images import load_rgb, save_rgb
from models.measured import Measured

ASSETS = "android/app/src/main/assets/mobilesr"
TEST_ASSETS = "android/app/src/androidTest/assets/mobilesr"
CONTRACT = "android/app/src/main/java/mobilesr/ModelContract.kt"


@pytest.fixture
def measured(small_artifact: Artifact) -> Measured:
    return Measured(
        artifact_sha256=small_artifact.manifest.sha256, run="pixel8", trial=7, device="Pixel 8",
        threads=3, latency_ms=40.0, latency_low_ms=39.0, latency_high_ms=41.0, peak_memory_mb=133.0,
    )  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_file_is_there_once_recorded_and_whole(
    delivered: Path, small_artifact: Artifact
) -> None:
    record = Delivery.load(delivered / RECORD_NAME)
    found = {p.relative_to(delivered).as_posix() for p in delivered.rglob("*") if p.is_file()}
    assert found == {*record.files, RECORD_NAME}
    assert {sha256_of(delivered / name) for name in record.files} == set(record.files.values())
    assert record.model_sha256 == sha256_of(delivered / ASSETS / "model.pte")
    manifest = small_artifact.manifest
    assert sha256_of(delivered / TEST_ASSETS / "golden_input.bin") == manifest.check_input_sha256
    assert sha256_of(delivered / TEST_ASSETS / "golden_output.bin") == manifest.check_output_sha256
    assert load_artifact(delivered / "artifact").manifest == manifest


def test_the_kotlin_contract_is_the_manifests(delivered: Path, small_artifact: Artifact) -> None:
    text = (delivered / CONTRACT).read_text()
    constants = dict(re.findall(r"const val (\w+) = (.*)", text))
    manifest = small_artifact.manifest
    assert constants["MODEL_SHA256"] == f'"{manifest.sha256}"'
    assert constants["MODEL_BYTES"] == f"{manifest.size_bytes}L"
    assert (constants["LR_HEIGHT"], constants["LR_WIDTH"]) == ("16", "16")
    assert (constants["WINDOW"], constants["SCALE"]) == ("4", "2")
    assert float(constants["TOLERANCE"].removesuffix("f")) == manifest.check_tolerance
    assert constants["THREADS"] == str(USUAL_THREADS)


def test_pixels_are_handed_over_as_they_are(
    delivered_pixels: Path, pixel_artifact: Artifact
) -> None:
    text = (delivered_pixels / CONTRACT).read_text()
    assert "longArrayOf(1, height, width, 3)" in text
    assert f"TOLERANCE = {pixel_artifact.manifest.check_tolerance:g}f" in text
    assert "in levels (0 to 255)" in text
    kotlin = (delivered_pixels / CONTRACT).with_name("TileFormat.kt").read_text()
    assert "fromBlobUnsigned" in kotlin
    assert "255f" not in kotlin
    assert len((delivered_pixels / TEST_ASSETS / "golden_input.bin").read_bytes()) == 16 * 16 * 3
    readme = (delivered_pixels / "README.md").read_text()
    for said in (
        "1 x 16 x 16 x 3 (fixed)",
        "1 x 32 x 32 x 3",
        "uint8",
        "No 8-bit level may be off",
    ):
        assert said in readme, said
    for unsaid in ("float32", "clamp", "0.004"):
        assert unsaid not in readme.replace("nothing to clamp", ""), unsaid


def test_gradle_and_pip_ask_for_the_runtime_that_made_it(
    delivered: Path, small_artifact: Artifact
) -> None:
    version = small_artifact.manifest.executorch_version
    line = f'implementation("org.pytorch:executorch-android:{version}")'
    assert line in (delivered / "android/dependencies.gradle.kts").read_text()
    assert line in (delivered / "README.md").read_text()
    assert f"executorch=={version}\n" in (delivered / "requirements.txt").read_text()


def test_the_readme_names_every_file_and_no_blank_is_left(delivered: Path) -> None:
    text = (delivered / "README.md").read_text()
    for name in (path.name for path in (delivered / "android").rglob("*") if path.is_file()):
        assert f"{name}" in text, name
    for path in delivered.rglob("*"):
        if path.suffix in (".md", ".kt", ".kts", ".txt"):
            assert not re.search(r"\{\{|\{%|\bNone\b|\bnan\b", path.read_text()), path
    # Every row of a table has as many cells as its heading.
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        cells = {row.replace(r"\|", "").count("|") for row in table.splitlines()}
        assert len(cells) == 1, table


def test_what_was_measured_on_a_phone_sets_threads_and_times(
    small_artifact: Artifact, measured: Measured, tmp_path: Path
) -> None:
    deliver(Goods(small_artifact, measured), tmp_path / "out")
    assert "const val THREADS = 3\n" in (tmp_path / "out" / CONTRACT).read_text()
    text = (tmp_path / "out/README.md").read_text()
    assert "As it was measured on Pixel 8" in text
    assert "40.0 ms (39.0 to 41.0)" in text
    assert "133 MB when it was measured" in text
    # One tile of 16 x 16; an LR picture of 320 x 240 takes 27 x 20 of them.
    assert "| 16 x 16 | 1 | 32 x 32 | 0.0 MB | 0.04 s |" in text
    tiles = int(re.search(r"\| 320 x 240 \| (\d+) \|", text)[1])  # type: ignore[index]
    assert f"{tiles * 0.04:.2g} s |" in text


def test_a_stand_in_sets_no_threads_and_no_other_file_has_the_times(
    small_artifact: Artifact, measured: Measured, tmp_path: Path
) -> None:
    host = replace(measured, stand_in_note="Host numbers.")
    deliver(Goods(small_artifact, host), tmp_path / "host")
    assert f"THREADS = {USUAL_THREADS}\n" in (tmp_path / "host" / CONTRACT).read_text()
    assert "**Host numbers.** So these times" in (tmp_path / "host/README.md").read_text()
    other = replace(measured, artifact_sha256="ab" * 32)
    deliver(Goods(small_artifact, other), tmp_path / "other")
    text = (tmp_path / "other/README.md").read_text()
    assert "was not measured" in text
    assert "Pixel 8" not in text


def test_a_delivery_is_replaced_unless_someone_worked_in_it(
    small_artifact: Artifact, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    deliver(Goods(small_artifact), output)
    deliver(Goods(small_artifact), output)
    assert names(tmp_path) == ["out"]
    kotlin = output / "android/app/src/main/java/mobilesr/Tiling.kt"
    kotlin.write_text("// mine\n")
    with pytest.raises(RequestError, match=r"out was changed .*Tiling.kt\): choose another"):
        deliver(Goods(small_artifact), output)
    (output / "notes.txt").touch()
    with pytest.raises(RequestError, match=r"changed .*Tiling.kt and 1 more file\)"):
        deliver(Goods(small_artifact), output)
    assert kotlin.read_text() == "// mine\n"


def test_anything_else_is_left_alone(small_artifact: Artifact, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.tex").write_text("work of years")
    (tmp_path / "file").write_text("a file")
    with pytest.raises(RequestError, match="thesis exists and is no delivery"):
        deliver(Goods(small_artifact), tmp_path / "thesis")
    with pytest.raises(RequestError, match="file is a file"):
        deliver(Goods(small_artifact), tmp_path / "file")
    assert names(tmp_path) == ["file", "thesis"]


def test_tensors_that_the_kotlin_does_not_speak_are_refused(
    small_artifact: Artifact, tmp_path: Path
) -> None:
    spec = small_artifact.manifest.outputs[0].model_copy(update={"dtype": "float16"})
    manifest = small_artifact.manifest.model_copy(update={"outputs": (spec,)})
    with pytest.raises(ExportError, match="gives float16: only networks that do both in float32"):
        deliver(Goods(Artifact(small_artifact.folder, manifest)), tmp_path / "out")
    assert names(tmp_path) == []


@pytest.mark.parametrize("field", ["candidate_key", "executorch_version", "torch_version"])
def test_a_manifest_cannot_write_code(small_artifact: Artifact, tmp_path: Path, field: str) -> None:
    manifest = small_artifact.manifest.model_copy(update={field: '1") + evil() // */'})
    with pytest.raises(ExportError, match="is no name or version"):
        deliver(Goods(Artifact(small_artifact.folder, manifest)), tmp_path / "out")
    assert names(tmp_path) == []


def check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "check.py", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip


def test_the_desktop_check_knows_right_from_wrong(small_artifact: Artifact, tmp_path: Path) -> None:
    deliver(Goods(small_artifact), tmp_path / "out")
    done = check(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    # The runtime itself, which knows the processor or not, may write there; no library of Python's.
    assert [line for line in done.stderr.splitlines() if not line.startswith("[")] == []
    assert done.stdout.startswith("right: off by ")
    golden = tmp_path / "out/artifact/check_output.bin"
    numbers = np.fromfile(golden, "<f4")
    numbers[100] = np.nan
    numbers.tofile(golden)
    done = check(tmp_path / "out")
    assert done.returncode == 1
    assert done.stdout.startswith("WRONG: off by nan")
    assert check(tmp_path / "out", "--help").returncode == 2


def test_the_desktop_check_compares_levels(pixel_artifact: Artifact, tmp_path: Path) -> None:
    deliver(Goods(pixel_artifact), tmp_path / "out")
    done = check(tmp_path / "out")
    assert done.returncode == 0, done.stderr
    golden = tmp_path / "out/artifact/check_output.bin"
    levels = np.fromfile(golden, np.uint8)
    lowest = int(levels.argmin())
    # From 0 up to 255 is one step only for bytes that wrap round.
    by, levels[lowest] = 255 - int(levels[lowest]), 255
    levels.tofile(golden)
    done = check(tmp_path / "out")
    assert done.returncode == 1
    off = re.match(r"WRONG: off by (\d+), at most", done.stdout)
    assert off
    assert abs(int(off[1]) - by) <= 1
    assert by > 100


@pytest.mark.parametrize("name", ["small_artifact", "pixel_artifact"])
def test_the_desktop_check_upscales_as_the_host_does(
    request: pytest.FixtureRequest, tmp_path: Path, picture, name: str
) -> None:
    artifact: Artifact = request.getfixturevalue(name)
    from functools import partial

    from device_runner import HostDevice, infer
    from models.inference import upscale_images

    deliver(Goods(artifact), tmp_path / "out")
    photo = picture(23, 37, 1)
    save_rgb(tmp_path / "photo.png", photo)
    done = check(tmp_path / "out", "../photo.png", "../large.png")
    assert done.returncode == 0, done.stderr
    assert "74 x 46 pixels" in done.stdout
    with HostDevice() as host, host.lease():
        run = partial(infer, host, artifact, threads=1, timeout_s=120)
        (expected,) = upscale_images(run, artifact, [photo])
    np.testing.assert_array_equal(load_rgb(tmp_path / "large.png"), expected)
    missing = check(tmp_path / "out", "nowhere.png", "../large.png")
    assert missing.returncode == 2
    assert "nowhere.png cannot be read" in missing.stderr
