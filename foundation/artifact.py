"""The artifact: a `.pte` file, its manifest, and the tensors that prove a device right.

This is all that passes between `models` (which exports) and `device_runner` (which measures).
A folder holds::

    model.pte            the ExecuTorch program
    manifest.json        ArtifactManifest
    check_input.bin      one input, raw little-endian numbers of the type the manifest names
    check_output.bin     what eager PyTorch answers to it, likewise

A program takes and gives either planes, (1, 3, H, W) in float32 of 0 to 1, or pixels, (1, H, W, 3)
in uint8 of 0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import RequestError
from foundation.files import sha256_of
from foundation.records import VersionedRecord

MODEL_NAME = "model.pte"
MANIFEST_NAME = "manifest.json"
CHECK_INPUT_NAME = "check_input.bin"
CHECK_OUTPUT_NAME = "check_output.bin"
# Types of tensors that a runner can feed and fetch, as numpy writes them.
RAW_TYPES = {"float32": "<f4", "uint8": "|u1"}


class TensorSpec(BaseModel):
    """Name-less description of one input or output tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[Annotated[int, Field(ge=1, le=2**31)], ...] = Field(max_length=16)
    dtype: str = Field(max_length=40)


class ArtifactManifest(VersionedRecord):
    """Everything that is known of a `.pte` without running it.

    Attributes:
        weights_origin: a name of `models.origin.WeightsOrigin`; None where it is not known.
        calibration: of static int8, the crops its grids were found on: how many, their side in LR
            pixels, the SHA-256 of their pixels. None where nothing had to be calibrated.
    """

    kind: ClassVar[str] = "artifact"
    version: ClassVar[int] = 3
    also_reads: ClassVar[tuple[int, ...]] = (1, 2)

    candidate_key: str
    config: dict[str, object]
    deployment: dict[str, object]
    sha256: str
    size_bytes: int
    inputs: tuple[TensorSpec, ...] = Field(min_length=1, max_length=100)
    outputs: tuple[TensorSpec, ...] = Field(min_length=1, max_length=100)
    parameters: int
    macs: int
    weights_sha256: str
    weights_source: str
    weights_origin: str | None = Field(default=None, max_length=100)
    torch_version: str
    executorch_version: str
    delegates: int
    delegated_ops: dict[str, int]
    undelegated_ops: dict[str, int]
    planned_memory_bytes: int
    check_tolerance: float
    check_input_sha256: str
    check_output_sha256: str
    calibration: dict[str, int | str] | None = Field(default=None, max_length=20)
    export_s: float

    @property
    def takes_pixels(self) -> bool:
        """Whether pictures go in and come out as uint8 pixels, not as float32 planes."""
        return self.inputs[0].dtype == "uint8"

    @property
    def lr_size(self) -> tuple[int, int]:
        """Height and width of the picture that goes in."""
        shape = self.inputs[0].shape
        return (shape[1], shape[2]) if self.takes_pixels else (shape[-2], shape[-1])

    @property
    def delegated_op_count(self) -> int:
        """Operators that XNNPACK runs."""
        return sum(self.delegated_ops.values())

    @property
    def undelegated_op_count(self) -> int:
        """Operators left to ExecuTorch's portable kernels."""
        return sum(self.undelegated_ops.values())

    @property
    def delegated_share(self) -> float | None:
        """Share of the operators that XNNPACK runs, 0 to 1; None without operators."""
        return delegated_share(self.delegated_op_count, self.undelegated_op_count)


def delegated_share(delegated_ops: int, undelegated_ops: int) -> float | None:
    """Share of a graph's operators that the backend runs, 0 to 1; None without operators."""
    operators = delegated_ops + undelegated_ops
    return delegated_ops / operators if operators else None


@dataclass(frozen=True)
class Artifact:
    """An exported candidate in its folder."""

    folder: Path
    manifest: ArtifactManifest

    @property
    def model_path(self) -> Path:
        return self.folder / MODEL_NAME

    @property
    def check_input_path(self) -> Path:
        return self.folder / CHECK_INPUT_NAME

    @property
    def check_output_path(self) -> Path:
        return self.folder / CHECK_OUTPUT_NAME


def load_artifact(path: Path) -> Artifact:
    """Open an artifact by its folder or by the `.pte` inside it, and verify its checksums.

    Raises:
        RequestError: no artifact there, or a file that is not the one its manifest describes.
    """
    folder = path.parent if path.suffix == ".pte" else path
    if not path.exists():
        raise RequestError(f"no artifact at {path}: make one with 'mobilesr-tune export'")
    if not (folder / MANIFEST_NAME).is_file():
        raise RequestError(
            f"{folder} holds no {MANIFEST_NAME}, so nothing says what the .pte is: export it "
            "with 'mobilesr-tune export'"
        )
    manifest = ArtifactManifest.load(folder / MANIFEST_NAME)
    for name, wanted in (
        (MODEL_NAME, manifest.sha256),
        (CHECK_INPUT_NAME, manifest.check_input_sha256),
        (CHECK_OUTPUT_NAME, manifest.check_output_sha256),
    ):
        if not (folder / name).is_file():
            raise RequestError(f"{folder} lacks {name}: export the candidate again")
        if sha256_of(folder / name) != wanted:
            raise RequestError(
                f"{folder / name} is not the file its manifest describes (sha256 differs): "
                "export the candidate again"
            )
    return Artifact(folder, manifest)
