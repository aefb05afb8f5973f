"""The photographs of a training: chosen with reasons told, and held in bounded memory."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import ImageError
from models.images import FORMATS, Rgb, image_files, load_rgb

# Original, LR image and texture map of each photograph that is held at a time.
DEFAULT_CACHE_BYTES = 2 * 2**30
FEWEST_TO_HOLD_BACK_FROM = 16
MOST_HELD_BACK = 8


@dataclass(frozen=True)
class Photograph:
    """A photograph that can be loaded: `load` gives uint8 RGB, upright.

    Attributes:
        height, width: as stored; one that lies on its side has them exchanged.
    """

    name: str
    height: int
    width: int
    load: Callable[[], Rgb]


@dataclass(frozen=True)
class Selection:
    """What of a folder is trained on, and what is not and why.

    Attributes:
        used: large enough and each once.
        too_small: names of those smaller than a crop.
        repeated: names of those whose file or pixels are those of an earlier one.
        least: side in HR pixels that a photograph needs.
    """

    used: tuple[Photograph, ...]
    too_small: tuple[str, ...]
    repeated: tuple[str, ...]
    least: int

    def sentences(self) -> list[str]:
        """What a person should know before hours of training; empty when all is used."""
        told = []
        if self.too_small:
            told.append(
                f"{_count(self.too_small)} smaller than one crop of {self.least} x {self.least} "
                f"px, not trained on: {_some(self.too_small)}"
            )
        if self.repeated:
            told.append(
                f"{_count(self.repeated)} the same as an earlier one, trained on once: "
                f"{_some(self.repeated)}"
            )
        return told


def photographs_in(folder: Path) -> list[Photograph]:
    """The image files of a folder; only their headers are read.

    Raises:
        ImageError: as `image_files`; or a file whose header cannot be read.
    """
    found = []
    for path in image_files(folder):
        height, width = _stored_size(path)
        found.append(Photograph(path.name, height, width, _loader(path)))
    return found


def photographs_of(images: Sequence[NDArray[np.uint8]]) -> list[Photograph]:
    """Photographs that are in memory already."""
    return [
        Photograph(f"image {number}", image.shape[0], image.shape[1], _holder(image))
        for number, image in enumerate(images, start=1)
    ]


def select(photographs: Sequence[Photograph], least: int) -> Selection:
    """Leave out what is smaller than `least` pixels on a side, and what comes twice.

    Raises:
        ImageError: nothing is left.
    """
    small = tuple(p.name for p in photographs if min(p.height, p.width) < least)
    large = [p for p in photographs if min(p.height, p.width) >= least]
    if not large:
        raise ImageError(
            f"none of the {len(photographs)} training images is as large as one training crop: "
            f"{least}x{least} px HR; give larger images or a smaller --crop"
        )
    used, repeated = _without_repetitions(large)
    return Selection(tuple(used), small, tuple(repeated), least)


def hold_back(
    photographs: Sequence[Photograph], seed: int
) -> tuple[list[Photograph], list[Photograph]]:
    """One in sixteen, eight at most, is kept from training so that progress can be judged on it.

    Of fewer than sixteen none is: each is needed.
    """
    if len(photographs) < FEWEST_TO_HOLD_BACK_FROM:
        return list(photographs), []
    count = min(MOST_HELD_BACK, len(photographs) // FEWEST_TO_HOLD_BACK_FROM)
    names = {p.name for p in random.Random(f"held back {seed}").sample(list(photographs), count)}
    return (
        [p for p in photographs if p.name not in names],
        [p for p in photographs if p.name in names],
    )


def _without_repetitions(photographs: list[Photograph]) -> tuple[list[Photograph], list[str]]:
    """Pixels are compared only among photographs of one size."""
    by_size: dict[tuple[int, int], list[Photograph]] = {}
    for photograph in photographs:
        by_size.setdefault((photograph.height, photograph.width), []).append(photograph)
    repeated: set[int] = set()
    for alike in by_size.values():
        seen: set[bytes] = set()
        for photograph in alike if len(alike) > 1 else []:
            digest = hashlib.sha256(photograph.load().tobytes()).digest()
            if digest in seen:
                repeated.add(id(photograph))
            seen.add(digest)
    return (
        [p for p in photographs if id(p) not in repeated],
        [p.name for p in photographs if id(p) in repeated],
    )


def _stored_size(path: Path) -> tuple[int, int]:
    """Height and width as stored, without decoding the pixels."""
    try:
        with Image.open(path, formats=FORMATS) as opened:
            return opened.height, opened.width
    except Exception:
        # Decoders raise all kinds; reading it in full tells what is wrong in a sentence.
        image = load_rgb(path)
        return image.shape[0], image.shape[1]


def _loader(path: Path) -> Callable[[], Rgb]:
    return lambda: load_rgb(path)


def _holder(image: Rgb) -> Callable[[], Rgb]:
    return lambda: image


def _count(names: Sequence[str]) -> str:
    return f"{len(names)} image is" if len(names) == 1 else f"{len(names)} images are"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
