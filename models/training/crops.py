"""Aligned LR/HR crops, drawn where there is texture, from photographs in bounded memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bicubic import downscale
from models.errors import ImageError, ModelError
from models.training.photographs import DEFAULT_CACHE_BYTES, Photograph

# Where not all photographs fit into memory, one of those held is exchanged every so many steps.
STEPS_AN_EXCHANGE = 8
Crops = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class Placement(NamedTuple):
    """Where a crop lies, in LR pixels of a photograph, and how it is laid down.

    Attributes:
        photograph: its number in `CropSampler.photographs`.
        turns: quarter turns, counterclockwise; then it is mirrored, left to right, or not.
    """

    photograph: int
    top: int
    left: int
    turns: int
    mirror: bool


@dataclass(frozen=True)
class _Held:
    """A photograph in memory; `texture` sums gradients over the LR pixels above and left."""

    lr: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    texture: NDArray[np.float64]

    @property
    def area(self) -> int:
        return self.lr.shape[0] * self.lr.shape[1]


class CropSampler:
    """Draws the crops of a step. They depend on the seed and the step, not on earlier draws.

    Photographs are held up to `cache_bytes`. Where more are given, those held change slowly, in
    a shuffled order in which each comes as often as any other.
    """

    def __init__(
        self,
        photographs: Sequence[Photograph],
        scale: int,
        crop: int,
        texture_draws: int = 1,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
    ) -> None:
        """Raises `ImageError` without photographs."""
        if not photographs:
            raise ImageError("there is no image to train on")
        self.scale, self.crop, self.texture_draws = scale, crop, texture_draws
        self.photographs = list(photographs)
        random.Random("order of photographs").shuffle(self.photographs)
        largest = max(p.height * p.width for p in self.photographs)
        self.capacity = max(
            1, min(len(self.photographs), cache_bytes // _held_bytes(largest, scale))
        )
        self.left_out: dict[str, str] = {}
        self._held: dict[int, _Held] = {}

    def draw(self, count: int, seed: int, step: int) -> Crops:
        """(count, crop, crop, 3) and (count, scale * crop, scale * crop, 3), uint8.

        A photograph that cannot be decoded is left out from then on and noted in `left_out`.

        Raises:
            ImageError: no photograph held can be decoded.
        """
        drawn = [self._cut(placement) for placement in self.place(count, seed, step)]
        return np.stack([low for low, _ in drawn]), np.stack([high for _, high in drawn])

    def place(self, count: int, seed: int, step: int) -> list[Placement]:
        """Where the crops of a step lie. Raises as `draw`."""
        held = self._at(step)
        rng = random.Random(f"crops {seed} {step}")
        # Large photographs are drawn more often: crops, not photographs, are the samples.
        areas = [self._held[number].area for number in held]
        return [self._one(number, rng) for number in rng.choices(held, weights=areas, k=count)]

    @property
    def holds_all(self) -> bool:
        """Whether no photograph has to wait for its turn."""
        return self.capacity == len(self.photographs)

    def at_first(self) -> list[tuple[int, NDArray[np.uint8], NDArray[np.uint8]]]:
        """Number, LR and HR image of each photograph held at the first step. Raises as `draw`."""
        return [(number, self._held[number].lr, self._held[number].hr) for number in self._at(0)]

    def _one(self, number: int, rng: random.Random) -> Placement:
        photograph = self._held[number]
        height, width = photograph.lr.shape[:2]
        corners = [
            (rng.randrange(height - self.crop + 1), rng.randrange(width - self.crop + 1))
            for _ in range(self.texture_draws)
        ]
        top, left = max(corners, key=lambda corner: self._texture(photograph, *corner))
        return Placement(number, top, left, rng.randrange(4), rng.random() < 0.5)

    def _cut(self, at: Placement) -> Crops:
        photograph = self._held[at.photograph]
        squares = (
            image[at.top * k : (at.top + self.crop) * k, at.left * k : (at.left + self.crop) * k]
            for image, k in ((photograph.lr, 1), (photograph.hr, self.scale))
        )
        low, high = (np.rot90(square, at.turns) for square in squares)
        return (low[:, ::-1], high[:, ::-1]) if at.mirror else (low, high)

    def _texture(self, photograph: _Held, top: int, left: int) -> float:
        sums, bottom, right = photograph.texture, top + self.crop, left + self.crop
        inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return float(inside)

    def _at(self, step: int) -> list[int]:
        """Those held at a step; loads and drops what differs from the last step."""
        total = len(self.photographs)
        exchanged = step // STEPS_AN_EXCHANGE if self.capacity < total else 0
        wanted = [(exchanged + offset) % total for offset in range(self.capacity)]
        for number in set(self._held) - set(wanted):
            del self._held[number]
        for number in wanted:
            photograph = self.photographs[number]
            if number in self._held or photograph.name in self.left_out:
                continue
            try:
                self._held[number] = _hold(photograph.load(), self.scale)
            except ModelError as error:
                self.left_out[photograph.name] = str(error)
        held = [number for number in wanted if number in self._held]
        if not held:
            raise ImageError(
                f"none of the {len(self.left_out)} training images tried can be read; the last: "
                f"{list(self.left_out.values())[-1]}"
            )
        return held


def _held_bytes(pixels: int, scale: int) -> int:
    """Memory of a photograph: its own, its LR image's and its texture's."""
    return 3 * pixels + (3 + 8) * pixels // scale**2


def _hold(image: NDArray[np.uint8], scale: int) -> _Held:
    height, width = (side // scale * scale for side in image.shape[:2])
    hr = np.ascontiguousarray(image[:height, :width])
    return _Held(downscale(hr, scale), hr, _texture_sums(hr, scale))


def _texture_sums(hr: NDArray[np.uint8], scale: int) -> NDArray[np.float64]:
    """Summed-area table of the gradient of the channels' mean, (LR height + 1, LR width + 1)."""
    grey = hr.mean(axis=2, dtype=np.float32)
    gradient = np.zeros_like(grey)
    gradient[:, 1:] += np.abs(np.diff(grey, axis=1))
    gradient[1:] += np.abs(np.diff(grey, axis=0))
    height, width = (side // scale for side in grey.shape)
    blocks = gradient.reshape(height, scale, width, scale).mean(axis=(1, 3), dtype=np.float64)
    return np.pad(blocks.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
