"""Any image through a network of fixed input size: overlapping tiles, aligned to the window.

Attention stays inside windows that start at multiples of the window size. Tiles start there too,
so every window of a tile is a window of the untiled image, and what a tile cannot know is only
what lies beyond its edges. That error fades with the distance: neighbouring tiles overlap, and
from each the part farther from its artificial edge is taken, with a short cross-fade. The
image's own borders are not artificial. The last tile of an axis may reach beyond the image, which
is mirrored there.

Measured with the published weights on Set5, against the untiled network, mean PSNR on Y: tiles of
64 x 64, 48 x 48 and 32 x 32 with the default overlap change it by less than 0.005 dB, 24 x 24 by
0.007; without an overlap, 32 x 32 loses 0.04; padding with zeros instead of mirroring loses 0.06.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import ConfigError

PADDING: Literal["symmetric", "reflect", "edge", "constant"] = "symmetric"
DEFAULT_OVERLAP = 16
# Width of the cross-fade between two tiles, in LR pixels; never more than their overlap.
FADE = 4

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class TilePlan:
    """Where the tiles of one image lie, in LR pixels.

    Attributes:
        tops: origins of the rows of tiles, multiples of `window_size`, the first 0.
        lefts: likewise of the columns.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    window_size: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    @property
    def origins(self) -> tuple[tuple[int, int], ...]:
        """(top, left) of each tile, row by row: the order of `cut` and `merge`."""
        return tuple((top, left) for top in self.tops for left in self.lefts)

    @property
    def count(self) -> int:
        return len(self.tops) * len(self.lefts)

    @property
    def overlaps(self) -> tuple[int, int]:
        """Least number of pixels shared by neighbouring tiles, down and across; 0 for one tile."""
        return (
            min(_shared(self.tops, self.tile_height, self.window_size), default=0),
            min(_shared(self.lefts, self.tile_width, self.window_size), default=0),
        )

    def describe(self) -> dict[str, object]:
        """How the image was tiled, for records; JSON-ready, pairs are (height, width)."""
        return {
            "image": [self.height, self.width],
            "tile": [self.tile_height, self.tile_width],
            "window_size": self.window_size,
            "tops": list(self.tops),
            "lefts": list(self.lefts),
            "overlaps": list(self.overlaps),
            "fade": FADE,
            "padding": PADDING,
        }


def plan_tiles(
    height: int,
    width: int,
    tile_height: int,
    tile_width: int,
    window_size: int,
    overlap: int | None = None,
) -> TilePlan:
    """Cover an LR image of `height` x `width` with tiles of exactly the given size.

    As few tiles as the overlap allows, spread evenly, so that they may share more than that. An
    image that fits into one tile takes any tile size. Where several are needed, a tile's last
    incomplete window (its size being no multiple of the window) counts for nothing, because the
    network fills that window up with padding.

    Args:
        overlap: least number of pixels that neighbouring tiles share; by default
            `DEFAULT_OVERLAP`, less for tiles below four times that.

    Raises:
        ConfigError: a size that is not positive, or tiles so small that the overlap leaves no
            window to advance by.
    """
    for what, value in (
        ("image", height), ("image", width), ("tile", tile_height), ("tile", tile_width),
        ("window", window_size),
    ):  # fmt: skip
        if value < 1:
            raise ConfigError(f"cannot plan tiles: the {what} has a side of {value} pixels")
    if overlap is not None and overlap < 0:
        raise ConfigError(f"tiles cannot overlap by {overlap} pixels")
    return TilePlan(
        height=height,
        width=width,
        tile_height=tile_height,
        tile_width=tile_width,
        window_size=window_size,
        tops=_origins(height, tile_height, window_size, overlap),
        lefts=_origins(width, tile_width, window_size, overlap),
    )


def cut(lr: Rgb, plan: TilePlan) -> list[Rgb]:
    """The tiles of `lr`, each (tile_height, tile_width, 3), in the order of `plan.origins`."""
    _require(lr, (plan.height, plan.width), "the image to cut")
    below = max(plan.tops[-1] + plan.tile_height - plan.height, 0)
    right = max(plan.lefts[-1] + plan.tile_width - plan.width, 0)
    padded = np.pad(lr, ((0, below), (0, right), (0, 0)), mode=PADDING)
    return [
        np.ascontiguousarray(padded[top : top + plan.tile_height, left : left + plan.tile_width])
        for top, left in plan.origins
    ]


def merge(tiles: Sequence[Rgb], plan: TilePlan, scale: int) -> Rgb:
    """Put the network's outputs for `cut`'s tiles together: (scale * H, scale * W, 3).

    Raises:
        ConfigError: tiles of the wrong number or size.
    """
    if len(tiles) != plan.count:
        raise ConfigError(f"{len(tiles)} output tiles for a plan of {plan.count}")
    for tile in tiles:
        _require(tile, (scale * plan.tile_height, scale * plan.tile_width), "an output tile")
    down = _shares(plan.tops, plan.tile_height, plan.height, plan.window_size, scale)
    across = _shares(plan.lefts, plan.tile_width, plan.width, plan.window_size, scale)
    merged = np.zeros((scale * plan.height, scale * plan.width, 3), np.float32)
    places = [(row, column) for row in down for column in across]
    for tile, ((top, rows), (left, columns)) in zip(tiles, places, strict=True):
        part = tile[: len(rows), : len(columns)]
        share = np.outer(rows, columns).astype(np.float32)[:, :, np.newaxis]
        merged[top : top + len(rows), left : left + len(columns)] += share * part
    return np.rint(merged).astype(np.uint8)


def _whole(tile: int, window: int) -> int:
    """The part of a tile that complete windows cover."""
    return tile - tile % window


def _shared(origins: tuple[int, ...], tile: int, window: int) -> list[int]:
    """How many pixels each tile of an axis has in common with the next."""
    return [before + _whole(tile, window) - after for before, after in pairwise(origins)]


def _origins(length: int, tile: int, window: int, overlap: int | None) -> tuple[int, ...]:
    if length <= tile:
        return (0,)
    whole = _whole(tile, window)
    if whole == 0:
        raise ConfigError(
            f"an image side of {length} pixels needs several tiles, but a tile of {tile} pixels "
            f"holds no window of {window}: enlarge --lr-size"
        )
    room = whole - window
    if overlap is None:
        overlap = min(DEFAULT_OVERLAP, whole // 4, room)
    if overlap > room:
        raise ConfigError(
            f"tiles of {tile} pixels with windows of {window} can overlap by {room} at most, not "
            f"by {overlap}: enlarge --lr-size or lower the overlap"
        )
    # In windows from here on.
    step = (whole - overlap) // window
    last = -(-(length - tile) // window)
    gaps = -(-last // step)
    return tuple(k * last // gaps * window for k in range(gaps + 1))


def _shares(
    origins: tuple[int, ...], tile: int, length: int, window: int, scale: int
) -> list[tuple[int, NDArray[np.float64]]]:
    """For each tile of an axis: its first output pixel, and its share of each from there on.

    The shares of all tiles sum to 1 at every pixel of the image.
    """
    centres = (np.arange(scale * length) + 0.5) / scale
    # Rises from 0 to 1 where one tile hands over to the next.
    shared = _shared(origins, tile, window)
    # Without any overlap the cross-fade is a hard edge.
    fade = max(min([FADE, *shared]), 1e-9)
    rises = [np.ones_like(centres)]
    for after, common in zip(origins[1:], shared, strict=True):
        rises.append(np.clip((centres - after - common / 2) / fade + 0.5, 0.0, 1.0))
    rises.append(np.zeros_like(centres))
    shares = []
    for origin, rise, next_rise in zip(origins, rises[:-1], rises[1:], strict=True):
        first, end = scale * origin, scale * min(origin + tile, length)
        shares.append((first, (rise - next_rise)[first:end]))
    return shares


def _require(image: NDArray[Any], size: tuple[int, int], what: str) -> None:
    if image.shape != (*size, 3) or image.dtype != np.uint8:
        raise ConfigError(
            f"{what} is {image.dtype} {image.shape}, the plan wants uint8 {(*size, 3)}"
        )
