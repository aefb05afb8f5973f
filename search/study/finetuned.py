"""What finetuning made of candidates of a run: beside what they were as slices of the supernet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from device_runner.flags import Flag
from foundation.records import VersionedRecord
from models.quality_interval import FEWEST_PICTURES, PsnrDifference, psnr_difference
from search.study.records import CandidateResult
from search.study.usual_speed import StudySpeeds, with_sessions

FOLDER = "finetuned"


class FinetunedResult(VersionedRecord):
    """One config, cut out of the supernet, trained on, exported and measured again.

    Attributes:
        before: its result as a slice of the supernet.
        after: the same trial with its own weights, on the same device profile. A record holds what
            was measured then; `finetuned_in` tells the graph's latency in its place.
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
    def latency_is_the_trials(self) -> bool:
        """Whether it is timed by its trial: other weights do not change how long a graph takes.

        It is not where another version exported another graph, or the trial was not timed.
        """
        return self.before.timing is not None and self.before.same_graph(self.after)

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

    Each has the latency of its trial, as the study knows it now: it is the same graph, and who was
    lucky when it was measured once more is not the faster for it. So the sessions after finetuning
    take no part in any choice (`timed_after_finetuning`).

    Raises:
        RequestError: a record is damaged.
    """
    return [_by_its_trial(one) for one in _told(run_path, results)]


def timed_after_finetuning(
    run_path: Path, results: Sequence[CandidateResult]
) -> list[CandidateResult]:
    """Finetuned candidates by the sessions after finetuning alone, by trial.

    Those are left out that nothing else times: they were chosen by these sessions. Raises as
    `finetuned_in` does.
    """
    return [
        one.after
        for one in _told(run_path, results)
        if one.latency_is_the_trials and one.after.timing and one.after.status != "failed"
    ]


def _told(run_path: Path, results: Sequence[CandidateResult]) -> list[FinetunedResult]:
    """The records, by trial, beside what the study knows now of their trials."""
    speeds = StudySpeeds(results)
    known = {result.number: result for result in results}
    found = []
    for path in (run_path / FOLDER).glob("trial-*.json"):
        one = FinetunedResult.load(path)
        before, after = (
            speeds.told(with_sessions(result, run_path)) for result in (one.before, one.after)
        )
        now = known.get(before.number)
        if now is not None and now.status == "ok" and now.same_graph(before):
            before = now
        found.append(one.model_copy(update={"before": before, "after": after}))
    return sorted(found, key=lambda result: result.after.number)


# What flags say of a file's outputs, rather than of the sessions that timed it.
_OF_OUTPUTS = (Flag.UNSTABLE, Flag.REPEATS_UNKNOWN)
# What is measured of a graph, rather than of its weights.
_OF_GRAPH = ("latency_ms", "memory_mb")


def _by_its_trial(one: FinetunedResult) -> FinetunedResult:
    """With the timing of its trial, and what follows of that: flags, limits that it keeps."""
    before, after = one.before, one.after
    if not one.latency_is_the_trials or before.timing is None or after.timing is None:
        return one
    timing = before.timing.model_copy(update={"max_abs_error": after.timing.max_abs_error})
    violations = {
        **{name: v for name, v in before.constraint_violations.items() if name in _OF_GRAPH},
        **{name: v for name, v in after.constraint_violations.items() if name not in _OF_GRAPH},
    }
    own = [flag for flag in after.flags if flag in _OF_OUTPUTS]
    told = after.model_copy(
        update={
            "timing": timing,
            "constraint_violations": violations,
            "flags": tuple(dict.fromkeys((*before.flags, *own))),
        }
    )
    return one.model_copy(update={"after": told})


def finetuned_path(run_path: Path, number: int, suffix: str = ".json") -> Path:
    """Where the record of a trial lies; its weights beside it, with `.pt`."""
    return run_path / FOLDER / f"trial-{number:05d}{suffix}"
