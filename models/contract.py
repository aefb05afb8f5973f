"""What an exported network takes and gives: the terms on which an app calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from foundation.artifact import RAW_TYPES, ArtifactManifest
from foundation.wording import shown
from models.errors import ExportError


@dataclass(frozen=True)
class TensorContract:
    """One tile in, one tile out: float32 planes R, G, B of 0 to 1, or uint8 pixels of 0 to 255.

    Attributes:
        takes_pixels: 1 x height x width x 3 in uint8; else 1 x 3 x height x width in float32.
        lr_height, lr_width: the input's size in pixels; the output's is `scale` times that.
        window_size: side of the attention windows, to which tiles are aligned.
    """

    lr_height: int
    lr_width: int
    scale: int
    window_size: int
    takes_pixels: bool = False

    def shape(self, scale: int) -> tuple[int, int, int, int]:
        """That of the tensor whose sides are `scale` times the input's."""
        height, width = scale * self.lr_height, scale * self.lr_width
        return (1, height, width, 3) if self.takes_pixels else (1, 3, height, width)

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
        if given.dtype != made.dtype or given.dtype not in RAW_TYPES:
            raise ExportError(
                f"{name} takes {shown(given.dtype)} and gives {shown(made.dtype)}: only networks "
                "that do both in float32, or both in uint8, are described; export it again"
            )
        scale, window_size = manifest.config.get("scale"), manifest.config.get("window_size")
        if not isinstance(scale, int) or not isinstance(window_size, int):
            raise ExportError(f"{name}: its manifest names no scale and no window_size")
        form = "1 x H x W x 3" if manifest.takes_pixels else "1 x 3 x H x W"
        wrong = ExportError(f"{name} takes a tensor of {given.shape}, not of {form}")
        if len(given.shape) != 4:
            raise wrong
        contract = cls(*manifest.lr_size, scale, window_size, manifest.takes_pixels)
        if given.shape != contract.shape(1):
            raise wrong
        if made.shape != contract.shape(scale):
            raise ExportError(f"{name} gives a tensor of {made.shape}, not {scale} times its input")
        return contract
