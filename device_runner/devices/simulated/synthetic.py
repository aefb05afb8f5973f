"""Artifacts for simulated phones alone: a few bytes on disk, no program, no torch."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from device_runner.devices.simulated.speed import GIVEN_MS, REACTION
from foundation import Artifact, ArtifactManifest, TensorSpec

# What stands in for the version of the program inside: there is none.
SYNTHETIC = "synthetic"
_SIDE = 2
_OPERATORS = 60


def is_synthetic(manifest: ArtifactManifest) -> bool:
    """Whether there is no program, and only the check input has an answer."""
    return manifest.executorch_version == SYNTHETIC


def synthetic_artifact(
    folder: Path,
    name: str,
    latency_ms: float,
    *,
    revision: str = "",
    memory_mb: float = 100.0,
    operators: int = _OPERATORS,
    reaction: float = 1.0,
) -> Artifact:
    """An artifact that takes `latency_ms` on one thread of a simulated phone's fastest core.

    `folder` is shared by any number of them. `revision` tells builds of one candidate apart: same
    `candidate_key`, another sha256. `reaction` is the power of the phone's slowdown by which it
    slows down: 1 as the phone does, 0 not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensor = TensorSpec(shape=(1, 3, _SIDE, _SIDE), dtype="float32")
    content = struct.pack("<12f", *(index / 12 for index in range(12)))
    manifest = ArtifactManifest(
        candidate_key=name,
        config={},
        deployment={GIVEN_MS: latency_ms, REACTION: reaction},
        sha256=hashlib.sha256(
            f"{name}/{revision}/{latency_ms!r}/{reaction!r}".encode()
        ).hexdigest(),
        size_bytes=1,
        inputs=(tensor,),
        outputs=(tensor,),
        parameters=0,
        macs=0,
        weights_sha256=hashlib.sha256(b"").hexdigest(),
        weights_source="synthetic",
        torch_version=SYNTHETIC,
        executorch_version=SYNTHETIC,
        delegates=1,
        delegated_ops={"simulated": operators},
        undelegated_ops={},
        planned_memory_bytes=round(memory_mb * 2**20),
        check_tolerance=1e-6,
        check_input_sha256=hashlib.sha256(content).hexdigest(),
        check_output_sha256=hashlib.sha256(content).hexdigest(),
        export_s=0.0,
    )
    artifact = Artifact(folder, manifest)
    for path in (artifact.check_input_path, artifact.check_output_path):
        if not path.is_file():
            path.write_bytes(content)
    return artifact
