from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from device_runner import HostDevice
from device_runner.devices.lease import LOCK_DIR_VARIABLE
from foundation import Artifact, ArtifactManifest, TensorSpec, load_artifact, sha256_of

pytest.register_assert_rewrite("device_contract")

SIDE = 48


@pytest.fixture(autouse=True)
def _own_leases(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # A folder for each test: leases of parallel workers and of the user's own runs do not meet.
    monkeypatch.setenv(LOCK_DIR_VARIABLE, str(tmp_path_factory.mktemp("leases")))


def _export(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """A tiny x2 upscaler with one XNNPACK delegate; returns its check input and output."""
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3, padding=1),
        torch.nn.Conv2d(64, 12, 3, padding=1),
        torch.nn.PixelShuffle(2),
    ).eval()
    image = torch.rand(1, 3, SIDE, SIDE)
    lowered = to_edge_transform_and_lower(
        torch.export.export(model, (image,)), partitioner=[XnnpackPartitioner()]
    )
    (folder / "model.pte").write_bytes(lowered.to_executorch().buffer)
    with torch.no_grad():
        return image.numpy(), model(image).numpy()


def _describe(folder: Path) -> Artifact:
    size = (folder / "model.pte").stat().st_size
    manifest = ArtifactManifest(
        candidate_key="tiny-x2",
        config={},
        deployment={"precision": "fp32"},
        sha256=sha256_of(folder / "model.pte"),
        size_bytes=size,
        inputs=(TensorSpec(shape=(1, 3, SIDE, SIDE), dtype="float32"),),
        outputs=(TensorSpec(shape=(1, 3, 2 * SIDE, 2 * SIDE), dtype="float32"),),
        parameters=8716,
        macs=0,
        weights_sha256=hashlib.sha256(b"none").hexdigest(),
        weights_source="random",
        torch_version="2.13",
        executorch_version="1.4.1",
        delegates=1,
        delegated_ops={"aten.convolution.default": 2},
        undelegated_ops={"aten.pixel_shuffle.default": 1},
        planned_memory_bytes=0,
        check_tolerance=1e-4,
        check_input_sha256=sha256_of(folder / "check_input.bin"),
        check_output_sha256=sha256_of(folder / "check_output.bin"),
        export_s=1.0,
    )
    manifest.save(folder / "manifest.json")
    return Artifact(folder, manifest)


@pytest.fixture(scope="session")
def artifact(run_folder: Path) -> Artifact:
    """Made once for all workers: read it, do not change it."""
    folder = run_folder / "tiny"
    with FileLock(run_folder / "tiny.lock"):
        if not (folder / "manifest.json").exists():
            folder.mkdir()
            given, expected = _export(folder)
            given.astype("<f4").tofile(folder / "check_input.bin")
            expected.astype("<f4").tofile(folder / "check_output.bin")
            _describe(folder)
    return load_artifact(folder)


@pytest.fixture
def altered(artifact: Artifact, tmp_path: Path) -> Callable[[str, bytes], Artifact]:
    """The artifact with one file's content replaced, and a manifest that agrees to it."""

    def alter(name: str, content: bytes) -> Artifact:
        folder = tmp_path / f"altered-{name}"
        shutil.copytree(artifact.folder, folder)
        (folder / name).write_bytes(content)
        return _describe(folder)

    return alter


@pytest.fixture
def with_tolerance(artifact: Artifact) -> Callable[[float], Artifact]:
    def change(tolerance: float) -> Artifact:
        manifest = artifact.manifest.model_copy(update={"check_tolerance": tolerance})
        return dataclasses.replace(artifact, manifest=manifest)

    return change


@pytest.fixture
def host() -> Iterator[HostDevice]:
    with HostDevice() as device:
        yield device
