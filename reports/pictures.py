"""The pictures themselves: the same square of each image, from bicubic to the original.

What is shown is what the device produced, as kept by `search.study.crops`. Runs that kept nothing
get their pictures recomputed on this computer, and the caption says so.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from foundation.errors import RequestError
from foundation.wording import count_of, number, plain
from models.images import Rgb, load_rgb
from models.quality import psnr_y_db
from reports.sections import Section
from reports.wording import candidate_code
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
# By which the page multiplies the absolute difference on Y, to be seen at all.
GAIN = 4


@dataclass(frozen=True)
class Shown:
    """One picture of the gallery: a title, its PSNR on Y in the square and over the image.

    `key` is the trial, `bicubic` or `truth`.
    """

    key: str
    title: str
    role: str
    picture: str
    crop_db: float | None = None
    image_db: float | None = None

    @property
    def scores(self) -> str:
        """`28.97 dB here, 29.43 dB image`; empty for the original."""
        if self.crop_db is None:
            return ""
        image = "" if self.image_db is None else f", {number(self.image_db, 2)} dB image"
        return f"{number(self.crop_db, 2)} dB here{image}"


@dataclass(frozen=True)
class GalleryRow:
    """One image: bicubic, some of the front, fastest first, and the original.

    `others` are not in the row, but may be chosen.
    """

    image: str
    place: CropPlace
    shown: tuple[Shown, ...]
    others: tuple[Shown, ...]

    @property
    def choosable(self) -> tuple[Shown, ...]:
        """Everything that two can be chosen of: bicubic, the original, candidates by trial."""
        pictures = [*self.shown, *self.others]
        fixed = [one for one in pictures if not one.key.isdigit()]
        trials = [one for one in pictures if one.key.isdigit()]
        return (*fixed, *sorted(trials, key=lambda one: int(one.key)))


@dataclass(frozen=True)
class Gallery:
    """What is shown of a section; without rows, `origin` says why there is nothing.

    `extent` says of how many candidates there are pictures, and where the others are.
    """

    rows: tuple[GalleryRow, ...]
    origin: str
    extent: str = ""


def gallery(section: Section, most_bytes: int) -> Gallery:
    """Crops of up to `CANDIDATES` members of the front, spread evenly over it, and of others.

    Others are added while all pictures together take less than `most_bytes` of the page: the
    front first, then the best pictures.
    """
    members = spread(section.group.front, section.choice.result, CANDIDATES)
    if not members:
        return Gallery((), "No candidate is on the front, so there is none to look at.")
    others = _others(section, members)
    folder = section.facts.run_path / "pictures"
    try:
        crops = stored_crops(folder, [member.number for member in (*members, *others)])
        if crops is None and not RunDirectory(section.facts.run_path).weights.parent.is_dir():
            return Gallery((), "This run kept no pictures, and no weights to recompute them.")
        if crops is None:
            from search.study.recomputed import recomputed_crops

            crops = recomputed_crops(RunDirectory(section.facts.run_path), members)
    except RequestError as error:
        return Gallery((), f"There are no pictures: {plain(str(error))}.")
    shown = [member for member in members if member.number in crops.outputs]
    kept = [other for other in others if other.number in crops.outputs]
    taken = 0
    rows = [_row(crops, at, shown, section) for at in range(len(crops.places))]
    taken += sum(len(one.picture) for row in rows for one in row.shown)
    added: list[tuple[Shown, ...]] = []
    for other in kept:
        of_it = tuple(_candidate(crops, at, other, section) for at in range(len(rows)))
        taken += sum(len(one.picture) for one in of_it)
        if taken > most_bytes:
            break
        added.append(of_it)
    rows = [replace(row, others=tuple(of[at] for of in added)) for at, row in enumerate(rows)]
    return Gallery(
        tuple(rows), crops.origin, _extent(section, len(shown), len(shown) + len(added), len(kept))
    )


def crop_data(found: Gallery) -> dict[str, Any]:
    """What the viewer of any two needs beside the pictures that stand in the rows."""
    return {
        "crops": [
            {
                "side": row.place.side,
                "words": {one.key: f"{one.title}. {one.scores}" for one in row.choosable},
                "others": {one.key: one.picture for one in row.others},
            }
            for row in found.rows
        ]
    }


def _others(section: Section, members: Sequence[CandidateResult]) -> list[CandidateResult]:
    """What may be chosen beside the row: the front and its ties, then the best pictures."""
    numbers = {member.number for member in members}
    best = sorted(section.group.measured, key=lambda r: -(r.psnr_y_db or 0.0))
    wanted = {r.number: r for r in (*section.group.front_and_ties, *best)}
    return [result for number, result in wanted.items() if number not in numbers]


def _extent(section: Section, shown: int, choosable: int, kept: int) -> str:
    """How much of what was measured can be looked at, in words."""
    front, measured = len(section.group.front), len(section.group.measured)
    words = f"Each row shows {shown} of the {count_of(front, 'member')} of the front"
    words += f" (at most {CANDIDATES})" if front > CANDIDATES else ""
    words += (
        f"; of {choosable} of {count_of(measured, 'judged candidate')}, any two can be compared"
    )
    if choosable < shown + kept:
        words += ". The page is kept small: the pictures of the others lie in the run's pictures/"
    if section.choice.result and not section.group.has(section.choice.result):
        words += (
            ". All are of slices of the supernet, as the search judged them: of finetuned weights, "
            f"also of trial {section.choice.result.number}'s, no pictures are kept"
        )
    return f"{words}."


def spread(
    front: Sequence[CandidateResult], chosen: CandidateResult | None, most: int
) -> list[CandidateResult]:
    """At most `most` of a front given fastest first: both ends, the chosen one, evenly between."""
    if len(front) <= most:
        return list(front)
    picks = {round(step * (len(front) - 1) / (most - 1)) for step in range(most)}
    at = next(
        (i for i, member in enumerate(front) if chosen and member.number == chosen.number), None
    )
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
    for trial in numbers:
        files = [crop_file(folder, candidate_name(trial), at) for at in range(len(places))]
        if files and all(file.is_file() for file in files):
            outputs[trial] = _read(files, places)
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
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True, quality=90, method=6)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


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
    of_image = [image for member in members for image in member.images if image.name == place.image]
    shown = (
        Shown("bicubic", "Bicubic", "bicubic", data_uri(bicubic),
              psnr_y_db(bicubic, truth, border=0),
              of_image[0].bicubic_psnr_y_db if of_image else None),
        *(_candidate(crops, at, member, section) for member in members),
        Shown("truth", "Original", "truth", data_uri(truth)),
    )  # fmt: skip
    return GalleryRow(plain(place.image), place, shown, ())


def _candidate(crops: Crops, at: int, member: CandidateResult, section: Section) -> Shown:
    picture, name = crops.outputs[member.number][at], crops.places[at].image
    return Shown(
        key=str(member.number),
        title=f"Trial {member.number}, {candidate_code(member)}",
        role="chosen" if section.choice.is_of(member) else "front",
        picture=data_uri(picture),
        crop_db=psnr_y_db(picture, crops.truth[at], border=0),
        image_db=next((i.psnr_y_db for i in member.images if i.name == name), None),
    )
