"""What an exported network takes and gives: the terms on which an app calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from foundation.artifact import ArtifactManifest
from foundation.wording import shown
from models.errors import ExportError


@dataclass(frozen=True)
class TensorContract:
    """One tile in, one tile out: float32, 1 x 3 x height x width, planes R, G, B, values 0 to 1.

    Attributes:
        lr_height, lr_width: the input's size in pixels; the output's is `scale` times that.
        window_size: side of the attention windows, to which tiles are aligned.
    """

    lr_height: int
    lr_width: int
    scale: int
    window_size: int

    @classmethod
    def of(cls, manifest: ArtifactManifest) -> Self:
        """Read it from a manifest.

        Raises:
            ExportError: the tensors are others than these, so that nothing here describes them.
        """
        name = shown(manifest.candidate_key)
        if len(manifest.inputs) != 1 or len(manifest.outputs) != 1:
            raise ExportError(f"{name} does not take one tensor and give one")
        given, made = manifest.inputs[0], manifest.outputs[0]
        for what, tensor in (("takes", given), ("gives", made)):
            if tensor.dtype != "float32":
                raise ExportError(
                    f"{name} {what} {shown(tensor.dtype)}, and only float32 is described and "
                    "delivered so far: export the candidate with float32 tensors"
                )
        scale, window_size = manifest.config.get("scale"), manifest.config.get("window_size")
        if not isinstance(scale, int) or not isinstance(window_size, int):
            raise ExportError(f"{name}: its manifest names no scale and no window_size")
        if len(given.shape) != 4 or given.shape[:2] != (1, 3):
            raise ExportError(f"{name} takes a tensor of {given.shape}, not of 1 x 3 x H x W")
        height, width = given.shape[2:]
        if made.shape != (1, 3, scale * height, scale * width):
            raise ExportError(f"{name} gives a tensor of {made.shape}, not {scale} times its input")
        return cls(height, width, scale, window_size)
