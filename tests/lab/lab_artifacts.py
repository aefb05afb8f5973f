"""Artifacts for the script that stands in for a runner: of any size, made in milliseconds."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from foundation import Artifact, ArtifactManifest, TensorSpec, sha256_of

SHAPE = (1, 3, 256, 256)
BYTES = 4 * 3 * 256 * 256


def script_artifact(folder: Path, *, size: int = 3 << 20, deed: str = "nothing") -> Artifact:
    """An artifact whose answer is its input; before that its runner does a deed, "crash at load".

    Deeds: crash, die (as by the system's hand), hang, starve (an allocation fails), fill (the
    disk). Stages: load, run, output (after the first one), timing.
    """
    folder.mkdir(parents=True)
    noise = random.Random(size).randbytes(size)
    (folder / "model.pte").write_bytes(deed.ljust(32).encode() + noise)
    for name in ("check_input.bin", "check_output.bin"):
        (folder / name).write_bytes(random.Random(1).randbytes(BYTES))
    spec = TensorSpec(shape=SHAPE, dtype="float32")
    check = sha256_of(folder / "check_input.bin")
    manifest = ArtifactManifest(
        candidate_key="script-x1", config={}, deployment={},
        sha256=sha256_of(folder / "model.pte"),
        size_bytes=(folder / "model.pte").stat().st_size,
        inputs=(spec,), outputs=(spec,), parameters=1, macs=1,
        weights_sha256=hashlib.sha256(b"none").hexdigest(), weights_source="random",
        torch_version="none", executorch_version="none", delegates=0, delegated_ops={},
        undelegated_ops={}, planned_memory_bytes=0, check_tolerance=0.0,
        check_input_sha256=check, check_output_sha256=check, export_s=0.0,
    )  # fmt: skip
    manifest.save(folder / "manifest.json")
    return Artifact(folder, manifest)
