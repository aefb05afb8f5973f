"""PSNR picture by picture: what a mean over a dozen tiles hides."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.wording import MISSING, number
from reports.facts import ProfileGroup
from reports.pictures import spread
from search.study.records import CandidateResult

# Candidates beside each other; a longer front is thinned evenly.
MOST_CANDIDATES = 6


@dataclass(frozen=True)
class PictureScores:
    """A table: the pictures as rows, bicubic and some of the front as columns."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def picture_rows(
    group: ProfileGroup, chosen: CandidateResult | None = None
) -> PictureScores | None:
    """Y-PSNR in dB of each picture; None where the front keeps no pictures' values.

    The `chosen` one is among the columns wherever it is on the front, and as it was finetuned.
    """
    known = [result for result in group.front if result.images]
    members = spread(known, chosen, MOST_CANDIDATES)
    if not members:
        return None
    titles = [f"Trial {result.number}" for result in members]
    if chosen is not None and chosen.images and not group.has(chosen):
        members = [*members, chosen]
        titles.append(f"Trial {chosen.number}, finetuned")
    names = list(dict.fromkeys(image.name for result in members for image in result.images))
    bicubic = {i.name: i.bicubic_psnr_y_db for result in members for i in result.images}
    scores = [{image.name: image.psnr_y_db for image in result.images} for result in members]
    rows = tuple(
        (
            name,
            number(bicubic[name], 2),
            *(number(of[name], 2) if name in of else MISSING for of in scores),
        )
        for name in names
    )
    headings = ("Picture", "Bicubic", *titles)
    return PictureScores(headings, rows)
