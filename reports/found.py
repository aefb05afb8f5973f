"""A candidate of a run, for whoever wants its artifact: the recommended one, or a trial's."""

from __future__ import annotations

from pathlib import Path

from foundation.errors import AnswerIsNo, RequestError
from models.export_command import FoundBySearch
from reports.facts import gather
from reports.sections import sections_of
from search.study.artifacts import artifacts_in
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory


def found_by_search(path: Path, trial: int | None) -> FoundBySearch:
    """The candidate of a trial, or the recommended one, of the run at `path`.

    Raises:
        RequestError: there is no such run or trial, or several device profiles to choose from.
        AnswerIsNo: no candidate is recommended.
    """
    run = _one_study(RunDirectory.open(path))
    result = _recommended(run) if trial is None else _of_trial(run, trial)
    wanted = result.artifact.sha256 if result.artifact else ""
    return FoundBySearch(result.candidate, artifacts_in(run.artifacts).get(wanted), run.weights)


def _one_study(run: RunDirectory) -> RunDirectory:
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
