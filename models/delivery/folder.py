"""Puts a delivery together: artifact, app sources, golden tensors, desktop check, README."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.artifact import (
    CHECK_INPUT_NAME,
    CHECK_OUTPUT_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    Artifact,
    ArtifactManifest,
)
from foundation.files import write_text
from foundation.folders import publish_folder
from foundation.wording import MISSING, shown
from models.artifact_readme import README_NAME, markdown_environment, write_artifact_readme
from models.contract import TensorContract
from models.delivery.record import RECORD_NAME, Delivery, files_of, require_replaceable
from models.errors import ConfigError, ExportError
from models.measured import Measured
from models.origin import licence_sentence, origin_of
from models.tiling import DEFAULT_OVERLAP, FADE, plan_tiles

TEMPLATES = Path(__file__).with_name("templates")
# Where Gradle looks for an app's sources and assets.
MAIN, TEST = "android/app/src/main", "android/app/src/androidTest"
# The one source that depends on what the network takes, by `Deployment.io`.
TILE_FORMAT = "kotlin/TileFormat.{io}.kt"
# Rendered or copied -> where it lies.
SOURCES = {
    "README.md.j2": "README.md",
    "dependencies.gradle.kts.j2": "android/dependencies.gradle.kts",
    "kotlin/ModelContract.kt.j2": f"{MAIN}/java/mobilesr/ModelContract.kt",
    "kotlin/Tiling.kt": f"{MAIN}/java/mobilesr/Tiling.kt",
    TILE_FORMAT: f"{MAIN}/java/mobilesr/TileFormat.kt",
    "kotlin/SuperResolution.kt": f"{MAIN}/java/mobilesr/SuperResolution.kt",
    "kotlin/GoldenTest.kt": f"{TEST}/java/mobilesr/GoldenTest.kt",
    "check.py": "check.py",
    "requirements.txt.j2": "requirements.txt",
}
ASSETS = {
    MODEL_NAME: f"{MAIN}/assets/mobilesr/model.pte",
    CHECK_INPUT_NAME: f"{TEST}/assets/mobilesr/golden_input.bin",
    CHECK_OUTPUT_NAME: f"{TEST}/assets/mobilesr/golden_output.bin",
}
# Width and height in pixels: a thumbnail, VGA, half of full HD.
EXAMPLES = ((320, 240), (640, 480), (960, 540))
# Of a phone of which nothing is known: more threads than it has fast cores slow it down.
USUAL_THREADS = 4
# What may stand in source code as it is.
_HARMLESS = re.compile(r"[A-Za-z0-9._+-]{1,200}")


@dataclass(frozen=True)
class Goods:
    """What is delivered: an artifact, and what is known of it beside its manifest."""

    artifact: Artifact
    measured: Measured | None = None

    @property
    def own_measured(self) -> Measured | None:
        """What was measured of this very file."""
        found = self.measured
        return found if found and found.artifact_sha256 == self.artifact.manifest.sha256 else None


def deliver(
    goods: Goods, output: Path, check: Callable[[Path], None] = lambda folder: None
) -> Delivery:
    """Write the whole folder, or nothing.

    `check` is called with the finished folder before it is put in its place; what it raises
    passes through.

    Raises:
        ExportError: the app's sources cannot call what the artifact takes or gives.
        RequestError: something else stands at `output`, or it cannot be written.
    """
    require_replaceable(output)
    values = _values(goods)

    def make(store: Path) -> Path:
        folder = store / "delivery"
        _copy_artifact(goods, folder / "artifact")
        for name, target in ASSETS.items():
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(goods.artifact.folder / name, folder / target)
        for name, target in SOURCES.items():
            write_text(folder / target, _rendered(name.format(io=values["io"]), values))
        manifest = goods.artifact.manifest
        Delivery(
            candidate_key=manifest.candidate_key,
            model_sha256=manifest.sha256,
            executorch_version=manifest.executorch_version,
            files=files_of(folder),
        ).save(folder / RECORD_NAME)
        check(folder)
        return folder

    publish_folder(make, output)
    return Delivery.load(output / RECORD_NAME)


def _copy_artifact(goods: Goods, folder: Path) -> None:
    """The files of the artifact, and no others that may lie there."""
    folder.mkdir(parents=True)
    for name in (MANIFEST_NAME, *ASSETS):
        shutil.copyfile(goods.artifact.folder / name, folder / name)
    readme = goods.artifact.folder / README_NAME
    if readme.is_file():
        shutil.copyfile(readme, folder / README_NAME)
    else:
        copy = Artifact(folder, goods.artifact.manifest)
        write_artifact_readme(copy, goods.own_measured)


def _rendered(name: str, values: dict[str, Any]) -> str:
    if not name.endswith(".j2"):
        return (TEMPLATES / name).read_text("utf-8")
    return markdown_environment(TEMPLATES).get_template(name).render(values)


def _values(goods: Goods) -> dict[str, Any]:
    """What the templates are filled with. Raises `ExportError` as `deliver` does."""
    manifest, measured = goods.artifact.manifest, goods.own_measured
    contract = TensorContract.of(manifest)
    _require_harmless(manifest)
    threads, words = _threads(measured)
    tile = contract.lr_height * contract.lr_width
    io, bytes_a_number = ("uint8", 1) if contract.takes_pixels else ("float", 4)
    # Of a band of output rows: three float32 sums and one pixel.
    bytes_a_column = 16 * contract.scale**2 * contract.lr_height
    return {
        "manifest": manifest, "contract": contract, "measured": measured,
        "licence": licence_sentence(origin_of(manifest)), "overlap": DEFAULT_OVERLAP, "fade": FADE,
        "tolerance": f"{manifest.check_tolerance:g}", "threads": threads, "threads_words": words,
        "io": io,
        "tile_mb": f"{bytes_a_number * 3 * tile * (1 + contract.scale**2) / 1e6:.1f}",
        "row_kb": f"{bytes_a_column / 1e3:.0f}", "heap_mb": f"{640 * bytes_a_column / 1e6:.0f}",
        "sizes": _sizes(contract, measured),
    }  # fmt: skip


def _sizes(contract: TensorContract, measured: Measured | None) -> list[dict[str, object]]:
    """Pictures as examples: how many tiles each takes, and what that comes to."""
    found: list[dict[str, object]] = []
    latency_ms = measured.latency_ms if measured else None
    for width, height in ((contract.lr_width, contract.lr_height), *EXAMPLES):
        try:
            tiles = plan_tiles(
                height, width, contract.lr_height, contract.lr_width, contract.window_size
            ).count
        except ConfigError:  # a tile without a whole window takes no larger picture
            continue
        result_mb = 4 * contract.scale**2 * width * height / 1e6
        found.append(
            {
                "width": width, "height": height, "tiles": tiles, "result_mb": f"{result_mb:.1f}",
                "seconds": MISSING if latency_ms is None else f"{tiles * latency_ms / 1e3:.2g} s",
            }
        )  # fmt: skip
    return found


def _threads(measured: Measured | None) -> tuple[int, str]:
    """How many the app computes with unless it says otherwise, and why."""
    if measured is None or measured.threads is None or measured.stand_in_note:
        return USUAL_THREADS, "A usual number of fast cores: nothing was measured on a phone."
    return measured.threads, f"As it was measured on {shown(measured.device, 80)}."


def _require_harmless(manifest: ArtifactManifest) -> None:
    """Raise `ExportError` for a manifest whose names would not stay names in source code."""
    for value in (
        manifest.candidate_key, manifest.sha256, manifest.executorch_version,
        manifest.torch_version,
    ):  # fmt: skip
        if not _HARMLESS.fullmatch(value):
            raise ExportError(
                f"{shown(value)!r} in the artifact's manifest is no name or version: export the "
                "candidate again"
            )
