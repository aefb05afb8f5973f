"""The pictures themselves: the same square of each image, from bicubic to the original.

What is shown is what the device produced, as kept by `search.study.crops`. Runs that kept nothing
get their pictures recomputed on this computer, and the caption says so.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from foundation.errors import RequestError
from foundation.wording import plain
from models.images import Rgb, load_rgb
from models.quality import luma, psnr_y_db
from reports.sections import Section
from reports.wording import config_code
from search.study.crops import (
    BICUBIC,
    IMAGES,
    TRUTH,
    CropPlace,
    CropPlaces,
    Crops,
    candidate_name,
    crop_file,
    places_file,
)
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory

CANDIDATES = 6
# By which the absolute difference on Y is multiplied, to be seen at all.
GAIN = 4


@dataclass(frozen=True)
class Shown:
    """One picture of the gallery: a title, its PSNR on Y in the square and over the image."""

    title: str
    role: str
    picture: str
    difference: str
    crop_db: float | None
    image_db: float | None


@dataclass(frozen=True)
class GalleryRow:
    """One image: bicubic, the candidates fastest first, and the original."""

    image: str
    place: CropPlace
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Gallery:
    """What is shown of a section; without rows, `origin` says why there is nothing."""

    rows: tuple[GalleryRow, ...]
    origin: str


def gallery(section: Section) -> Gallery:
    """Crops of up to `CANDIDATES` members of the front, spread evenly over it."""
    members = spread(section.group.front, section.choice.result, CANDIDATES)
    if not members:
        return Gallery((), "No candidate is on the front, so there is none to look at.")
    numbers = [member.number for member in members]
    try:
        crops = stored_crops(section.facts.run_path / "pictures", numbers)
        if crops is None and not (section.facts.run_path / "weights").is_dir():
            return Gallery((), "This run kept no pictures, and no weights to recompute them.")
        if crops is None:
            from search.study.recomputed import recomputed_crops

            crops = recomputed_crops(RunDirectory(section.facts.run_path), members)
    except RequestError as error:
        return Gallery((), f"There are no pictures: {plain(str(error))}.")
    shown = [member for member in members if member.number in crops.outputs]
    rows = tuple(_row(crops, at, shown, section) for at in range(len(crops.places)))
    return Gallery(rows, crops.origin)


def spread(
    front: Sequence[CandidateResult], chosen: CandidateResult | None, most: int
) -> list[CandidateResult]:
    """At most `most` of a front given fastest first: both ends, the chosen one, evenly between."""
    if len(front) <= most:
        return list(front)
    picks = {round(step * (len(front) - 1) / (most - 1)) for step in range(most)}
    at = next((i for i, member in enumerate(front) if member is chosen), None)
    if at is not None and at not in picks:
        # It takes the place of its nearest neighbour that is no end.
        picks.remove(min(picks - {0, len(front) - 1}, key=lambda i: abs(i - at)))
        picks.add(at)
    return [front[i] for i in sorted(picks)]


def stored_crops(folder: Path, numbers: Sequence[int]) -> Crops | None:
    """What a run kept of these trials; None where it kept nothing.

    Raises:
        RequestError: what it kept is damaged.
    """
    if not places_file(folder).is_file():
        return None
    places = CropPlaces.load(places_file(folder)).places[:IMAGES]
    outputs = {}
    for number in numbers:
        files = [crop_file(folder, candidate_name(number), at) for at in range(len(places))]
        if files and all(file.is_file() for file in files):
            outputs[number] = _read(files, places)
    if not outputs:
        return None
    originals = [crop_file(folder, TRUTH, at) for at in range(len(places))]
    bicubic = [crop_file(folder, BICUBIC, at) for at in range(len(places))]
    return Crops(
        places, _read(originals, places), _read(bicubic, places), outputs,
        "The candidates' pictures are the outputs of the device itself.",
    )  # fmt: skip


def data_uri(picture: Rgb) -> str:
    """The pixels, losslessly, as an address that needs no network."""
    buffer = io.BytesIO()
    if picture.ndim == 3:
        Image.fromarray(picture).save(buffer, "WEBP", lossless=True, quality=90, method=6)
        kind = "webp"
    else:
        Image.fromarray(picture).save(buffer, "PNG", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def difference_map(picture: Rgb, truth: Rgb) -> Rgb:
    """The absolute difference on Y times `GAIN`: black where there is none; uint8 (H, W)."""
    away = np.abs(luma(picture) - luma(truth)) * GAIN
    return np.clip(np.rint(away), 0, 255).astype(np.uint8)


def _read(files: Sequence[Path], places: Sequence[CropPlace]) -> tuple[Rgb, ...]:
    crops = []
    for file, place in zip(files, places, strict=True):
        picture = load_rgb(file)
        if picture.shape[:2] != (place.side, place.side):
            raise RequestError(f"{file} is not the square that was kept: make the run anew")
        crops.append(picture)
    return tuple(crops)


def _row(crops: Crops, at: int, members: Sequence[CandidateResult], section: Section) -> GalleryRow:
    place, truth, bicubic = crops.places[at], crops.truth[at], crops.bicubic[at]
    name = place.image
    of_image = [image for member in members for image in member.images if image.name == name]
    shown = [
        _shown("Bicubic", "bicubic", bicubic, truth,
               of_image[0].bicubic_psnr_y_db if of_image else None)
    ]  # fmt: skip
    for member in members:
        role = "chosen" if member is section.choice.result else "front"
        image_db = next((i.psnr_y_db for i in member.images if i.name == name), None)
        shown.append(
            _shown(f"Trial {member.number}, {config_code(member.config)}", role,
                   crops.outputs[member.number][at], truth, image_db)
        )  # fmt: skip
    shown.append(Shown("Original", "truth", data_uri(truth), "", None, None))
    return GalleryRow(plain(name), place, tuple(shown))


def _shown(title: str, role: str, picture: Rgb, truth: Rgb, image_db: float | None) -> Shown:
    return Shown(
        title=title,
        role=role,
        picture=data_uri(picture),
        difference=data_uri(difference_map(picture, truth)),
        crop_db=psnr_y_db(picture, truth, border=0),
        image_db=image_db,
    )
