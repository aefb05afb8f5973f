"""`models.artifact_readme`: the folder explains itself; what it is does not change."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.artifact import Artifact, TensorSpec, load_artifact
from models.artifact_readme import README_NAME, readme_of
from models.contract import TensorContract
from models.errors import ExportError
from models.measured import Measured
from models.origin import PUBLISHED_SHA256, WeightsOrigin, licence_sentence, origin_of


@pytest.fixture
def measured(small_artifact: Artifact) -> Measured:
    return Measured(
        artifact_sha256=small_artifact.manifest.sha256, run="pixel8", trial=7,
        device="Pixel 8 (Tensor G3), serial 37X", when="2026-11-26 23:39 UTC", threads=4,
        latency_ms=38.21, latency_low_ms=37.9, latency_high_ms=38.6, sessions=9, first_run_ms=71.0,
        load_ms=12.5, peak_memory_mb=133.0, psnr_y_db=30.47, bicubic_psnr_y_db=28.43, pictures=12,
        flags=("screen_off: the screen was off; switch it on.",),
    )  # fmt: skip


def test_every_export_has_one_and_old_artifacts_need_none(
    small_artifact: Artifact, tmp_path: Path
) -> None:
    text = (small_artifact.folder / README_NAME).read_text("utf-8")
    contract = TensorContract.of(small_artifact.manifest)
    assert f"1 x 3 x {contract.lr_height} x {contract.lr_width}" in text
    assert small_artifact.manifest.weights_sha256 in text
    assert "Nothing is known here" in text
    old = Path(shutil.copytree(small_artifact.folder, tmp_path / "old"))
    (old / README_NAME).unlink()
    assert load_artifact(old).manifest == small_artifact.manifest


def test_the_contract_is_the_manifests(small_artifact: Artifact) -> None:
    text = readme_of(small_artifact.manifest)
    for said in ("float32", "R, G, B", "0 to 1", "clamp", "ties to even", "multiples of 4"):
        assert said in text
    manifest = small_artifact.manifest
    assert f"ExecuTorch {manifest.executorch_version}" in text
    assert f"differ by {manifest.check_tolerance:g} at most" in text


def test_pixels_are_described_as_they_are(pixel_artifact: Artifact) -> None:
    contract = TensorContract.of(pixel_artifact.manifest)
    assert (contract.shape(1), contract.shape(2)) == ((1, 16, 16, 3), (1, 32, 32, 3))
    text = readme_of(pixel_artifact.manifest)
    for said in ("1 x 16 x 16 x 3", "1 x 32 x 32 x 3", "NHWC", "uint8", "0 to 255", "by 1 level"):
        assert said in text, said
    assert "float32" not in text
    shape = (1, 3, 16, 16)
    planes = pixel_artifact.manifest.inputs[0].model_copy(update={"shape": shape})
    with pytest.raises(ExportError, match="not of 1 x H x W x 3"):
        TensorContract.of(pixel_artifact.manifest.model_copy(update={"inputs": (planes,)}))


def test_what_was_measured_stands_there_with_its_flags(
    small_artifact: Artifact, measured: Measured
) -> None:
    text = readme_of(small_artifact.manifest, measured)
    for said in (
        "run `pixel8`, trial 7", "Pixel 8 (Tensor G3), serial 37X", "2026-11-26 23:39 UTC",
        "38.2 ms (37.9 to 38.6, 9 launches)", "71.0 ms", "133 MB", "30.47 dB, +2.04 dB against",
        "mean of 12 pictures", "the screen was off; switch it on",
    ):  # fmt: skip
        assert said in text, said


def test_a_stand_in_is_named_and_what_is_not_known_is_no_zero(
    small_artifact: Artifact, measured: Measured
) -> None:
    bare = Measured(
        artifact_sha256=measured.artifact_sha256, run="r", trial=0, device="host",
        stand_in_note="Host numbers.",
    )  # fmt: skip
    text = readme_of(small_artifact.manifest, bare)
    assert "**Host numbers.**" in text
    assert "| threads | – |" in text
    assert "| – ms |" not in text
    assert "| – dB |" not in text


def test_no_other_file_has_these_numbers(small_artifact: Artifact, measured: Measured) -> None:
    other = replace(measured, artifact_sha256="ab" * 32)
    text = readme_of(small_artifact.manifest, other)
    assert "38.2" not in text
    assert "Nothing is known here" in text


def test_other_tensors_are_refused_and_the_readme_says_so(small_artifact: Artifact) -> None:
    spec = small_artifact.manifest.inputs[0].model_copy(update={"dtype": "float16"})
    manifest = small_artifact.manifest.model_copy(update={"inputs": (spec,)})
    with pytest.raises(ExportError, match="takes float16 and gives float32: only networks that"):
        TensorContract.of(manifest)
    text = readme_of(manifest)
    assert "takes float16" in text
    assert "R, G, B" not in text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"inputs": (TensorSpec(shape=(3, 16, 16), dtype="float32"),)}, r"not of 1 x 3 x H x W"),
        ({"outputs": (TensorSpec(shape=(1, 3, 8, 8), dtype="float32"),)}, "not 2 times its input"),
        ({"outputs": (TensorSpec(shape=(1, 32, 32, 3), dtype="uint8"),)}, "gives uint8: only"),
        ({"config": {}}, "names no scale and no window_size"),
    ],
)
def test_a_manifest_that_does_not_fit_is_a_sentence(
    small_artifact: Artifact, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ExportError, match=sentence):
        TensorContract.of(small_artifact.manifest.model_copy(update=fields))


def test_a_foreign_name_is_shown_and_not_obeyed(small_artifact: Artifact) -> None:
    manifest = small_artifact.manifest.model_copy(
        update={"weights_source": "a\x1b[31m<script>.pth\n# Heading"}
    )
    text = readme_of(manifest)
    assert "\x1b" not in text
    assert "`a [31m<script>.pth # Heading`" in text.replace("?", " ")
    assert "\n# Heading" not in text


def test_each_origin_says_what_is_known_of_the_licence() -> None:
    sentences = {origin: licence_sentence(origin) for origin in (*WeightsOrigin, None)}
    assert len(set(sentences.values())) == len(sentences)
    assert "no licence" in sentences[WeightsOrigin.PUBLISHED]
    assert "GPL-2+" in sentences[WeightsOrigin.SHIPPED]
    # Where something is not known, the reader is told to find out.
    unknown = {origin for origin, words in sentences.items() if "Settle it" in words}
    assert unknown == {*WeightsOrigin, None} - {WeightsOrigin.SHIPPED}


def told(artifact: Artifact, **fields: object) -> str:
    """The manifest with these fields, as its README tells it."""
    return readme_of(artifact.manifest.model_copy(update=fields))


@pytest.mark.parametrize("origin", WeightsOrigin)
def test_the_manifest_holds_the_origin_of_the_weights(
    small_artifact: Artifact, origin: WeightsOrigin
) -> None:
    assert licence_sentence(origin) in told(small_artifact, weights_origin=origin.value)


@pytest.mark.parametrize("name", [None, "", "a name of a later version"])
def test_an_origin_that_is_not_known_is_told_as_such(
    small_artifact: Artifact, name: str | None
) -> None:
    assert licence_sentence(None) in told(small_artifact, weights_origin=name)


def test_published_weights_are_known_by_what_they_are(small_artifact: Artifact) -> None:
    manifest = small_artifact.manifest.model_copy(update={"weights_sha256": PUBLISHED_SHA256})
    assert origin_of(manifest) is WeightsOrigin.PUBLISHED
