"""A candidate of a run, for whoever wants its artifact: the recommended one, or a trial's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from device_runner import Measurement
from device_runner.flags import flag_sentence
from foundation.errors import AnswerIsNo, RequestError
from models.export_command import FoundBySearch
from models.measured import Measured
from reports.facts import gather
from reports.sections import sections_of
from search.study.artifacts import artifacts_in
from search.study.finetuned import finetuned_in, finetuned_path
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory


def found_by_search(path: Path, trial: int | None, storage: str | None = None) -> FoundBySearch:
    """The candidate of a trial, or the recommended one, of the run at `path`.

    `storage` is the address of its study where it has none of its own.

    Raises:
        RequestError: there is no such run or trial, or several device profiles to choose from.
        AnswerIsNo: no candidate is recommended.
    """
    run = one_study(RunDirectory.open(path, storage))
    result = _recommended(run) if trial is None else _of_trial(run, trial)
    weights = run.weights
    for finetuned in finetuned_in(run.path):
        if finetuned.after.number == result.number and finetuned.after.artifact is not None:
            result, weights = finetuned.after, finetuned_path(run.path, result.number, ".pt")
    wanted = result.artifact.sha256 if result.artifact else ""
    return FoundBySearch(
        result.candidate,
        artifacts_in(run.artifacts).get(wanted),
        weights,
        result.quality.origin if result.quality else None,
        measured_of(run, result),
    )


def measured_of(run: RunDirectory, result: CandidateResult) -> Measured | None:
    """What the run knows of the speed and the pictures of a candidate; None where it was not timed.

    Raises:
        RequestError: the run's records are damaged.
    """
    timing, quality = result.timing, result.quality
    if timing is None or result.artifact is None:
        return None
    groups = {group.profile_key: group for group in gather(run).groups}
    device = groups[result.profile_key].device if result.profile_key in groups else ""
    return Measured(
        artifact_sha256=result.artifact.sha256,
        run=run.path.resolve().name,
        trial=result.number,
        device=device or result.device_serial,
        stand_in_note=result.stand_in_note,
        when=_when(result.finished_at),
        threads=_threads(run.path / timing.measurement_file),
        latency_ms=timing.latency_ms,
        latency_low_ms=timing.latency_low_ms,
        latency_high_ms=timing.latency_high_ms,
        sessions=timing.sessions,
        first_run_ms=timing.first_run_ms,
        load_ms=timing.load_ms,
        peak_memory_mb=timing.peak_memory_mb,
        psnr_y_db=quality.psnr_y_db if quality else None,
        bicubic_psnr_y_db=quality.bicubic_psnr_y_db if quality else None,
        pictures=len(quality.images) if quality else 0,
        flags=tuple(flag_sentence(flag) for flag in result.flags),
    )


def _when(finished_at: str) -> str:
    """`2026-11-26 23:39 UTC`; empty where the record does not say."""
    try:
        return f"{datetime.fromisoformat(finished_at).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return ""


def _threads(measurement: Path) -> int | None:
    """How many the measurement ran with; None where its file is gone."""
    return Measurement.load(measurement).threads if measurement.is_file() else None


def chosen_trials(searched: RunDirectory, top: int) -> list[int]:
    """The recommended trial, then those that stand nearest to it on the front, `top` in all.

    Raises:
        RequestError: there are several device profiles to choose from.
        AnswerIsNo: no candidate is recommended.
    """
    run = one_study(searched)
    (section, *_) = sections_of([gather(run)]) or (None,)
    recommended = _recommended(run).number
    front = [result.number for result in section.group.front_and_ties] if section else []
    if recommended not in front:
        front.append(recommended)
    at = front.index(recommended)
    return sorted(front, key=lambda number: abs(front.index(number) - at))[:top]


def one_study(run: RunDirectory) -> RunDirectory:
    """The run itself, or the only study in it. Raises `RequestError` where there are several."""
    parts = [part for part in run.parts if part.begun]
    if len(parts) > 1:
        names = " or ".join(str(part.path) for part in parts)
        raise RequestError(
            f"{run.path} holds a study for each of {len(parts)} device profiles: name one, {names}"
        )
    return parts[0] if parts else run


def _recommended(run: RunDirectory) -> CandidateResult:
    sections = sections_of([gather(run)])
    for section in sections:
        if section.choice.result is not None:
            return section.choice.result
    why = sections[0].choice.rule if sections else "it holds no candidate yet"
    raise AnswerIsNo(
        f"{run.path} has nothing to recommend: {why.rstrip('.')}. Any trial can be "
        "exported with --trial N"
    )


def _of_trial(run: RunDirectory, trial: int) -> CandidateResult:
    results = {result.number: result for result in run.results()}
    found = results.get(trial)
    if found is None:
        found = results.get(run.repeated_by(trial) if results else -1)
    if found is None:
        known = ", ".join(map(str, results)) or "none yet"
        raise RequestError(f"{run.path} has no finished trial {trial}: there are {known}")
    return found
