"""Chosen candidates measured anew, in sessions that took no part in the choice.

Whoever is picked for being fast owes that to luck as well, and looks faster than it is. Sessions
that were not there when it was picked know nothing of that luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from typing import ClassVar

from foundation.records import VersionedRecord
from search.study.finetuned import timed_after_finetuning
from search.study.records import CandidateResult
from search.study.usual_speed import StudySpeeds

FOLDER = "anew"


class MeasuredAnew(VersionedRecord):
    """A candidate with the timing of fresh sessions alone; all else is what the study knew of it.

    Its trial's own record is as it was: nothing is chosen by this.
    """

    kind: ClassVar[str] = "measured-anew"
    version: ClassVar[int] = 1

    result: CandidateResult


def measured_anew_in(run_path: Path, results: Sequence[CandidateResult]) -> list[CandidateResult]:
    """What was measured anew in a run, by trial, told for the speed of its `results`.

    A trial that was so several times is there as often: a number does not go because the next one
    pleases more.

    Raises:
        RequestError: a record is damaged.
    """
    speeds = StudySpeeds(results)
    found = [MeasuredAnew.load(path).result for path in (run_path / FOLDER).glob("trial-*.json")]
    return sorted((speeds.told(one) for one in found), key=lambda result: result.number)


def fresh_sessions(run_path: Path, results: Sequence[CandidateResult]) -> list[CandidateResult]:
    """Candidates of a run by sessions that took no part in any choice, the earliest first.

    Those that `confirm` ran, and those that ran after finetuning. Raises as `measured_anew_in`.
    """
    found = measured_anew_in(run_path, results) + timed_after_finetuning(run_path, results)
    return sorted(found, key=lambda result: result.finished_at)


def next_anew_path(run_path: Path, number: int) -> Path:
    """Where the next record of a trial goes, beside those that there are."""
    stem = run_path / FOLDER / f"trial-{number:05d}"
    names = (f"{stem}{suffix}.json" for suffix in chain([""], (f"-{at}" for at in count(2))))
    return next(path for path in map(Path, names) if not path.exists())
