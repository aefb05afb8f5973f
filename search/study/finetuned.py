"""What finetuning made of candidates of a run: beside what they were as slices of the supernet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from foundation.records import VersionedRecord
from models.quality_interval import FEWEST_PICTURES, PsnrDifference, psnr_difference
from search.study.records import CandidateResult
from search.study.usual_speed import StudySpeeds, with_sessions

FOLDER = "finetuned"


class FinetunedResult(VersionedRecord):
    """One config, cut out of the supernet, trained on, exported and measured again.

    Attributes:
        before: its result as a slice of the supernet.
        after: the same trial with its own weights, on the same device profile.
        teacher: whose outputs it was distilled from.
        training_s: seconds of training, those of earlier runs not counted.
    """

    kind: ClassVar[str] = "finetuned-result"
    version: ClassVar[int] = 1

    before: CandidateResult
    after: CandidateResult
    steps: int = Field(ge=1)
    photographs: int = Field(ge=1)
    teacher: str
    training_s: float = Field(ge=0)

    @property
    def gain(self) -> PsnrDifference | None:
        """By how much PSNR rose, paired over the pictures; None where they cannot be paired."""
        before = {image.name: image.psnr_y_db for image in self.before.images}
        after = {image.name: image.psnr_y_db for image in self.after.images}
        if before.keys() != after.keys() or len(before) < FEWEST_PICTURES:
            return None
        return psnr_difference([after[name] for name in before], list(before.values()))

    @property
    def verdict(self) -> str:
        """Whether it improved, and if not, why not, in words."""
        if self.after.status != "ok":
            return f"not judged: {self.after.reason or self.after.status}"
        gain = self.gain
        if gain is None:
            return "other pictures than before: no comparison"
        words = f"{gain.mean_db:+.2f} dB ({gain.low_db:+.2f} to {gain.high_db:+.2f})"
        if gain.is_tie:
            count = len(self.after.images)
            return f"{words}: no difference that {count} pictures can tell; train longer"
        if gain.mean_db > 0:
            return words
        return f"{words}: worse; it was trained on too few pictures, or at too high a rate"


def finetuned_in(run_path: Path, results: Sequence[CandidateResult]) -> list[FinetunedResult]:
    """The finetuned candidates of a run, by trial, told for the speed of its `results`.

    Raises:
        RequestError: a record is damaged.
    """
    speeds = StudySpeeds(results)
    found = [FinetunedResult.load(path) for path in (run_path / FOLDER).glob("trial-*.json")]
    told = [
        one.model_copy(
            update={
                "before": speeds.told(with_sessions(one.before, run_path)),
                "after": speeds.told(with_sessions(one.after, run_path)),
            }
        )
        for one in found
    ]
    return sorted(told, key=lambda result: result.after.number)


def finetuned_path(run_path: Path, number: int, suffix: str = ".json") -> Path:
    """Where the record of a trial lies; its weights beside it, with `.pt`."""
    return run_path / FOLDER / f"trial-{number:05d}{suffix}"
