"""Squares of pictures at the same places: what a gallery is made of."""

from __future__ import annotations

from dataclasses import dataclass

from models.images import Rgb
from search.study.crops import CropPlace


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
