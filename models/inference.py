"""Whole images through an artifact: tiles out, uint8 tiles back, merged. Knows no device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from foundation.artifact import Artifact
from models.errors import ConfigError
from models.images import Rgb, to_input
from models.tiling import TilePlan, cut, merge, plan_tiles

# One launch: inputs (1, 3, h, w) as float32 in [0, 1] -> outputs (3, scale*h, scale*w) as uint8; of
# an artifact that takes pixels (1, h, w, 3) -> (scale*h, scale*w, 3), both uint8.
Run = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]


def plan_for(artifact: Artifact, height: int, width: int, overlap: int | None = None) -> TilePlan:
    """The tiling of an LR image of (height, width) for this artifact's input size.

    An overlap that the tile has no room for is narrowed to what it has.
    """
    tile_height, tile_width = artifact.manifest.lr_size
    window = int(str(artifact.manifest.config["window_size"]))
    try:
        return plan_tiles(height, width, tile_height, tile_width, window, overlap)
    except ConfigError:
        if overlap is None:
            raise
        return plan_tiles(height, width, tile_height, tile_width, window, None)


def given_to(artifact: Artifact, tile: Rgb) -> np.ndarray:
    """A tile in the form that the artifact takes: float32 planes, or its pixels as they are."""
    if artifact.manifest.takes_pixels:
        return np.ascontiguousarray(tile[np.newaxis])
    return to_input(tile)


def upscale_images(
    run: Run,
    artifact: Artifact,
    images: Sequence[np.ndarray],
    *,
    overlap: int | None = None,
    tiles_per_launch: int = 256,
    on_tiles: Callable[[int, int], None] = lambda done, total: None,
) -> list[np.ndarray]:
    """uint8 LR images (H, W, 3) -> uint8 (scale*H, scale*W, 3), computed by `run`.

    `run` is called with `tiles_per_launch` tiles at most; what it raises passes through.
    """
    scale = int(str(artifact.manifest.config["scale"]))
    plans = [plan_for(artifact, image.shape[0], image.shape[1], overlap) for image in images]
    tiles = [t for image, plan in zip(images, plans, strict=True) for t in cut(image, plan)]
    outputs: list[np.ndarray] = []
    for start in range(0, len(tiles), tiles_per_launch):
        inputs = [given_to(artifact, tile) for tile in tiles[start : start + tiles_per_launch]]
        for output in run(inputs):
            outputs.append(output if artifact.manifest.takes_pixels else output.transpose(1, 2, 0))
        on_tiles(len(outputs), len(tiles))
    merged, first = [], 0
    for plan in plans:
        merged.append(merge(outputs[first : first + plan.count], plan, scale))
        first += plan.count
    return merged
