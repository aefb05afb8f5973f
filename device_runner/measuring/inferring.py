"""Pictures through an artifact on a device."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from device_runner.device import MIB, Device
from device_runner.errors import DeviceStorageError, InputRefusedError
from device_runner.launching.checks import element_count, name_of
from device_runner.launching.launches import RunRequest
from device_runner.measuring.verifying import demand_ok
from foundation import Artifact
from foundation.artifact import RAW_TYPES
from foundation.wording import shown


def infer(
    device: Device,
    artifact: Artifact,
    inputs: Sequence[np.ndarray],
    *,
    threads: int,
    timeout_s: float,
) -> list[np.ndarray]:
    """Run images through the artifact in one launch.

    Each input is of the artifact's own type and shape, (1, 3, h, w) in float32 or (1, h, w, 3) in
    uint8; each answer is uint8 without the batch dimension, (3, H, W) or (H, W, 3), clamped and
    rounded on the device.

    Raises:
        InputRefusedError: an input of another shape or type.
        MeasurementFailed: the run did not end well; `report` holds the outcome.
        foundation.DeviceFailure: the device is in trouble.
    """
    if not inputs:
        return []
    wanted = artifact.manifest.inputs[0]
    for index, image in enumerate(inputs):
        if image.shape != wanted.shape or image.dtype.name != wanted.dtype:
            raise InputRefusedError(
                f"input {index} is {image.dtype} of shape {image.shape}, "
                f"{name_of(artifact)} takes {shown(wanted.dtype)} of shape {wanted.shape}"
            )
    shape = artifact.manifest.outputs[0].shape
    with tempfile.TemporaryDirectory(prefix="mobilesr-infer-") as name, device.lease():
        folder = Path(name)
        report = demand_ok(
            device.run(
                RunRequest(
                    artifact=artifact,
                    inputs=_write_inputs(folder, inputs),
                    output_dir=folder / "out",
                    output_dtype="uint8",
                    threads=threads,
                    timeout_s=timeout_s,
                )
            )
        )
        return [_read_output(path, shape) for path in report.outputs]


def _write_inputs(folder: Path, inputs: Sequence[np.ndarray]) -> tuple[Path, ...]:
    paths = tuple(folder / f"in-{index}.bin" for index in range(len(inputs)))
    try:
        for path, image in zip(paths, inputs, strict=True):
            image.astype(RAW_TYPES[image.dtype.name], copy=False).tofile(path)
    except OSError as error:
        size_mb = sum(image.nbytes for image in inputs) / MIB
        raise DeviceStorageError(
            f"{len(inputs)} images of together {size_mb:.0f} MB do not fit into {folder.parent}: "
            "free some space, or set TMPDIR"
        ) from error
    return paths


def _read_output(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    values = np.fromfile(path, np.uint8)
    if values.size != element_count(shape):
        raise DeviceStorageError(f"{path} holds {values.size} bytes, not {element_count(shape)}")
    return values.reshape(shape[1:] if len(shape) == 4 and shape[0] == 1 else shape)
