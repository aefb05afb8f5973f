"""A candidate of a run, for whoever wants its artifact: the recommended one, or a trial's."""

from __future__ import annotations

from pathlib import Path

from foundation.errors import AnswerIsNo, RequestError
from models.export_command import FoundBySearch
from reports.choice import is_fair
from reports.facts import gather
from reports.measured import measured_of
from reports.sections import sections_of
from search.study.artifacts import artifacts_in
from search.study.finetuned import FinetunedResult, finetuned_in, finetuned_path
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory


def found_by_search(path: Path, trial: int | None, storage: str | None = None) -> FoundBySearch:
    """The candidate of a trial, or the recommended one, of the run at `path`.

    Of a trial that was finetuned it is the finetuned one, where that can be recommended; the note
    says which.

    `storage` is the address of its study where it has none of its own.

    Raises:
        RequestError: there is no such run or trial, or several device profiles to choose from.
        AnswerIsNo: no candidate is recommended.
    """
    run = one_study(RunDirectory.open(path, storage))
    result, finetuned = _candidate(run, trial)
    weights, note = run.weights, ""
    if finetuned is not None and result is finetuned.after:
        weights = finetuned_path(run.path, result.number, ".pt")
        note = f"Trial {result.number} was finetuned: this has its finetuned weights."
    elif finetuned is not None:
        note = (
            f"Trial {result.number} was finetuned, but is not recommended so "
            f"({_why_passed_over(finetuned.after)}): this has its weights as a slice of the "
            "supernet."
        )
    wanted = result.artifact.sha256 if result.artifact else ""
    return FoundBySearch(
        result.candidate,
        artifacts_in(run.artifacts).get(wanted),
        weights,
        note,
        result.quality.origin if result.quality else None,
        measured_of(run, result),
    )


def candidate_in(searched: RunDirectory, trial: int | None) -> tuple[RunDirectory, CandidateResult]:
    """The study in a run, and what `found_by_search` would hand out of it. Raises as that does."""
    run = one_study(searched)
    return run, _candidate(run, trial)[0]


def _candidate(
    run: RunDirectory, trial: int | None
) -> tuple[CandidateResult, FinetunedResult | None]:
    """The result, and what finetuning made of it: the same one where that can be recommended."""
    result = _recommended(run) if trial is None else _of_trial(run, trial)
    known = {one.after.number: one for one in finetuned_in(run.path, run.results())}
    finetuned = known.get(result.number)
    if finetuned is not None and is_fair(finetuned.after):
        result = finetuned.after
    return result, finetuned


def _why_passed_over(after: CandidateResult) -> str:
    if after.status != "ok":
        return after.reason or after.status
    return "it is no better than bicubic upscaling" if after.feasible else "it breaks a limit"


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
