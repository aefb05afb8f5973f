"""The records of a run as another device might have left them, through the real study."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from made_up_results import changed

from search.request import SearchRequest
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory
from search.study.study import open_study, record

PHONE_PROFILE = {"kind": "phone", "model": "Phone X", "soc": "Chip 9"}


def as_measured_elsewhere(
    run: RunDirectory, folder: Path, change: Callable[[CandidateResult], CandidateResult]
) -> RunDirectory:
    """A new run with every result of `run` after `change`, on a phone of its own."""
    request = SearchRequest.resolve({}, run.spec_path)
    facts = run.facts() | {"profile": PHONE_PROFILE}
    other = RunDirectory.create(folder, request, facts)
    study = open_study(other, request)
    for result in run.results():
        trial = study.ask()
        elsewhere = {
            "number": trial.number,
            "profile_key": "phone-x-1",
            "device_serial": "X1",
            "stand_in_note": "",
            "flags": (),
        }
        record(trial, change(result.model_copy(update=elsewhere)))
    shutil.copytree(run.weights.parent, other.weights.parent)
    return other


def timed(result: CandidateResult, latency_ms: float) -> CandidateResult:
    """The result with another latency, known within two percent."""
    return changed(
        result,
        latency_ms=latency_ms,
        latency_low_ms=0.99 * latency_ms,
        latency_high_ms=1.01 * latency_ms,
        # As it is: no sessions tell another, and nothing was corrected.
        raw_latency_ms=latency_ms,
        beside=None,
        measurement_file="",
    )
