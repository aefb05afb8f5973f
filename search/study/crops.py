"""Crops of the pictures that a device produced, kept so that a person may look at them.

Of the first evaluation images, the same square is kept of every candidate's output, of the
original and of bicubic upscaling: lossless, 8 bit, as the PSNR saw them. The square is where
bicubic upscaling errs most, so that it is where a candidate can differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from foundation.records import VersionedRecord
from models.bicubic import upscale
from models.images import ImagePair, Rgb, save_rgb
from models.quality import luma

IMAGES = 3
SIDE = 96
TRUTH, BICUBIC = "truth", "bicubic"


class CropPlace(BaseModel):
    """A square of `side` pixels of an original, its corner counted from the top left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str
    top: int = Field(ge=0)
    left: int = Field(ge=0)
    side: int = Field(ge=1, le=4096)

    def cut(self, image: Rgb) -> Rgb:
        return image[self.top : self.top + self.side, self.left : self.left + self.side]


class CropPlaces(VersionedRecord):
    """Which squares a run keeps, one an image, in the order of the files' numbers."""

    kind: ClassVar[str] = "picture-crops"
    version: ClassVar[int] = 1

    places: tuple[CropPlace, ...]


def places_file(folder: Path) -> Path:
    """Where the `CropPlaces` of a run lie."""
    return folder / "places.json"


def crop_file(folder: Path, what: str, image: int) -> Path:
    """The crop of the image numbered `image`; `what` is `candidate_name(...)`, TRUTH or BICUBIC."""
    return folder / f"{what}-{image}.png"


def candidate_name(number: int) -> str:
    """The `what` of a trial's crops."""
    return f"trial-{number:05d}"


def telling_place(pair: ImagePair, side: int = SIDE) -> CropPlace:
    """The square of `pair` in which bicubic upscaling has the largest squared error on Y."""
    scale = pair.hr.shape[0] // pair.lr.shape[0]
    error = np.square(luma(pair.hr) - luma(upscale(pair.lr, scale)))
    side = min(side, *error.shape)
    summed = np.pad(error.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = (
        summed[side:, side:] - summed[:-side, side:] - summed[side:, :-side]
        + summed[:-side, :-side]
    )  # fmt: skip
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return CropPlace(image=pair.name[:200], top=int(top), left=int(left), side=side)


@dataclass(frozen=True)
class Crops:
    """Squares of the first images: of the original, of bicubic, and of candidates' outputs.

    Attributes:
        outputs: trial -> one crop an image, in the order of `places`.
        origin: one sentence, where the outputs come from.
    """

    places: tuple[CropPlace, ...]
    truth: tuple[Rgb, ...]
    bicubic: tuple[Rgb, ...]
    outputs: dict[int, tuple[Rgb, ...]]
    origin: str


@dataclass(frozen=True)
class CropKeeper:
    """Keeps crops of the first `IMAGES` of `pairs` in `folder`, each file whole or absent."""

    folder: Path
    pairs: Sequence[ImagePair]

    @cached_property
    def places(self) -> tuple[CropPlace, ...]:
        return tuple(telling_place(pair) for pair in self.pairs[:IMAGES])

    def keep(self, number: int, outputs: Sequence[Rgb]) -> None:
        """Keep the crops of a trial's `outputs`, which are those of `pairs` in their order.

        Raises:
            RequestError: the folder cannot be written.
        """
        if not places_file(self.folder).is_file():
            self._keep_originals()
        for at, place in enumerate(self.places):
            target = crop_file(self.folder, candidate_name(number), at)
            save_rgb(target, place.cut(outputs[at]))

    def _keep_originals(self) -> None:
        for at, (place, pair) in enumerate(zip(self.places, self.pairs, strict=False)):
            scale = pair.hr.shape[0] // pair.lr.shape[0]
            save_rgb(crop_file(self.folder, TRUTH, at), place.cut(pair.hr))
            save_rgb(crop_file(self.folder, BICUBIC, at), place.cut(upscale(pair.lr, scale)))
        CropPlaces(places=self.places).save(places_file(self.folder))
