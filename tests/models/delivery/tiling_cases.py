"""Pictures, tiles and a network that any language can compute: what all tilings are tried with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foundation.artifact import Artifact, ArtifactManifest, TensorSpec
from models.errors import ConfigError
from models.inference import plan_for, upscale_images

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class TilingCase:
    """A picture's size, the network's tile, window and scale."""

    height: int
    width: int
    tile_height: int
    tile_width: int
    window_size: int
    scale: int

    @property
    def artifact(self) -> Artifact:
        """One that says so, without a model."""
        spec = TensorSpec(shape=(1, 3, self.tile_height, self.tile_width), dtype="float32")
        config = {"window_size": self.window_size, "scale": self.scale}
        manifest = ArtifactManifest.model_construct(inputs=(spec,), config=config)
        return Artifact(Path("nowhere"), manifest)

    @property
    def possible(self) -> bool:
        """Whether such tiles can cover the picture at all."""
        try:
            plan_for(self.artifact, self.height, self.width)
        except ConfigError:
            return False
        return True

    def picture(self, seed: int = 0) -> Pixels:
        """Noise: every level counts."""
        size = (self.height, self.width, 3)
        return np.random.default_rng(seed).integers(0, 256, size, np.uint8)

    def network(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        """(1, 3, h, w) -> (1, 3, scale*h, scale*w): nearest, darker, and a pattern of the tile.

        The pattern makes neighbouring tiles disagree, so that it counts how they are blended.
        """
        large = tile.repeat(self.scale, axis=2).repeat(self.scale, axis=3)
        channel, y, x = np.indices(large.shape[1:])
        pattern = ((5 * channel + 7 * y + 13 * x) % 64 - 4).astype(np.float32) / np.float32(128)
        return large * np.float32(0.75) + pattern[np.newaxis]

    def upscaled(self, picture: Pixels) -> Pixels:
        """What `models.inference` makes of it."""

        def run(inputs: Sequence[NDArray[np.float32]]) -> list[Pixels]:
            # As the runners do it.
            outputs = [np.clip(self.network(tile)[0], 0.0, 1.0) for tile in inputs]
            return [np.rint(one * np.float32(255)).astype(np.uint8) for one in outputs]

        (result,) = upscale_images(run, self.artifact, [picture])
        return result


CASES = [
    TilingCase(16, 16, 16, 16, 8, 4),  # one tile exactly
    TilingCase(1, 1, 16, 16, 4, 2),  # a pixel, mirrored many times
    TilingCase(5, 7, 16, 24, 8, 4),  # smaller than a tile
    TilingCase(37, 53, 16, 24, 4, 2),  # many tiles, odd sides
    TilingCase(65, 64, 64, 64, 8, 3),  # a row too many
    TilingCase(40, 100, 64, 16, 16, 2),  # no overlap at all: a hard edge
    TilingCase(50, 51, 20, 21, 8, 2),  # tiles that are no multiple of the window
    TilingCase(23, 90, 24, 40, 8, 4),
    TilingCase(130, 3, 64, 64, 8, 4),
    TilingCase(13, 7, 13, 7, 8, 3),  # the width holds no whole window
]
