"""The Optuna study of one run: opening it, its sampler, and what an interrupted run left."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.trial import TrialState

from foundation.wording import shown
from search.errors import RunError
from search.request import SearchRequest
from search.study.identity import difference
from search.study.records import CandidateResult
from search.study.storage import (
    UNREADABLE,
    StudyPlace,
    open_storage,
    reason_of,
    unreadable,
    where_of,
)
from search.study.usual_speed import at_usual_speed, with_sessions

DIRECTIONS: tuple[Literal["minimize"], Literal["maximize"]] = ("minimize", "maximize")
OBJECTIVES = ("latency_ms", "psnr_y_db")
RESULT_ATTRIBUTE = "result"
DUPLICATE_ATTRIBUTE = "duplicate_of"
OWNER_ATTRIBUTE = "owner"
IDENTITY_ATTRIBUTE = "identity"


def make_sampler(request: SearchRequest, done: int) -> optuna.samplers.BaseSampler:
    """The sampler asked for; `done` trials shift the seed, so that a resumed random search
    does not repeat its draws."""
    seed = random.Random(f"{request.seed}/{done}").randrange(2**31)
    startup = max(4, min(10, request.trials // 3))
    match request.sampler:
        case "tpe":
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=startup, multivariate=True, group=True,
                constant_liar=True,
            )  # fmt: skip
        case "nsga2":
            return optuna.samplers.NSGAIISampler(seed=seed, population_size=startup * 2)
        case "gp":
            return optuna.samplers.GPSampler(
                seed=seed, n_startup_trials=startup, deterministic_objective=False
            )
        case "random":
            return optuna.samplers.RandomSampler(seed=seed)


def open_study(
    run: StudyPlace, request: SearchRequest, identity: Mapping[str, Any] | None = None
) -> optuna.Study:
    """Create the study or continue it.

    Args:
        run: where it lies.
        request: says which sampler proposes.
        identity: what the study must be (`search.study.identity`); it is noted with the study.

    Raises:
        RunError: it cannot be read, or is another search's.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            study_name=run.study_name,
            storage=open_storage(run),
            directions=list(DIRECTIONS),
            load_if_exists=True,
        )
        if identity is not None:
            _require_identity(study, identity, run)
        study.sampler = make_sampler(request, len(study.get_trials(deepcopy=False)))
    except UNREADABLE as error:
        raise unreadable(run, error) from error
    study.set_metric_names(list(OBJECTIVES))
    return study


def _require_identity(study: optuna.Study, identity: Mapping[str, Any], run: StudyPlace) -> None:
    stored = study.user_attrs.get(IDENTITY_ATTRIBUTE)
    if stored is None:
        study.set_user_attr(IDENTITY_ATTRIBUTE, dict(identity))
    elif name := difference(stored, identity):
        raise RunError(
            f"the study in {where_of(run)} belongs to a search with other {name} "
            f"({shown(str(stored[name]), 60)}, here {shown(str(identity[name]), 60)}), and the two "
            "are never mixed: choose another --run-dir, or another --storage"
        )


def load_study(run: StudyPlace) -> optuna.Study:
    """The study of an existing run, for reading. Raises `RunError` when it cannot be read."""
    if not run.begun:
        raise RunError(f"{run.path} holds no study.db: the search did not get as far as a trial")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.load_study(
            study_name=run.study_name, storage=open_storage(run, read_only=True)
        )
    except UNREADABLE as error:
        journal = run.study_path.with_name(f"{run.study_path.name}-journal")
        if "readonly" in reason_of(error) and journal.is_file():
            raise RunError(
                f"{run.study_path} was left in the middle of a write, which reading does not "
                "settle: give the search's own command again; no finished trial is lost"
            ) from error
        raise unreadable(run, error) from error


def own(trial: optuna.Trial, owner: str) -> None:
    """Note whose trial it is; where a study has one owner only, `owner` is empty."""
    if owner:
        trial.set_user_attr(OWNER_ATTRIBUTE, owner)


def recover(study: optuna.Study, owner: str = "") -> list[dict[str, object]]:
    """Settle trials that a killed run left open: those of `owner`, where there are several.

    A run directory is held by one process at a time, so an open trial of its own is a dead one;
    of another run's trials nobody here can say whether they are at work. A trial whose result was
    recorded but not told is told; any other is closed and its parameters are returned, to be
    tried again.
    """
    again = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if owner and trial.user_attrs.get(OWNER_ATTRIBUTE) != owner:
            continue
        stored = trial.user_attrs.get(RESULT_ATTRIBUTE)
        if stored is not None and DUPLICATE_ATTRIBUTE not in trial.user_attrs:
            tell(study, trial.number, CandidateResult.from_dict(stored, where="study"))
        else:
            study.tell(trial.number, state=TrialState.FAIL)
            if trial.params:
                again.append(dict(trial.params))
    return again


def tell(study: optuna.Study, number: int, result: CandidateResult) -> None:
    """Hand a result to Optuna: values where it was judged, else pruned or failed.

    A told value is final, while the speed for which latencies are told moves on: the sampler sees
    those of a first slow spell as they were told then. The front that is found is as good
    (`benchmarks/sampler_in_spells.py`).
    """
    if result.status == "ok":
        assert result.latency_ms is not None
        assert result.psnr_y_db is not None
        study.tell(number, [result.latency_ms, result.psnr_y_db])
    else:
        # Samplers learn a broken constraint from a pruned trial; they ignore a failed one.
        stopped = result.status == "stopped"
        study.tell(number, state=TrialState.PRUNED if stopped else TrialState.FAIL)


def record(trial: optuna.Trial, result: CandidateResult, duplicate_of: int | None = None) -> None:
    """Store a result with its trial, constraints included, and tell it.

    The result is stored first: a kill between the two loses nothing (`recover`).
    """
    for name, violation in result.constraint_violations.items():
        trial.set_constraint(name, violation)
    if duplicate_of is not None:
        trial.set_user_attr(DUPLICATE_ATTRIBUTE, duplicate_of)
    trial.set_user_attr(RESULT_ATTRIBUTE, result.to_dict())
    tell(trial.study, trial.number, result)


def refine(study: optuna.Study, result: CandidateResult) -> None:
    """Keep a result that more sessions made sharper, beside the trial that it belongs to.

    Optuna's own objective values stay those of the first sessions: a finished trial is final.
    """
    study.set_user_attr(_refined_attribute(result.number), result.to_dict())


def known_results(study: optuna.Study, run_path: Path | None = None) -> dict[str, CandidateResult]:
    """Candidate key -> its result, as `results_of` has it."""
    return {result.key: result for result in results_of(study, run_path)}


def _refined_attribute(number: int) -> str:
    """Where the study keeps the sharpened result of a trial: a finished trial cannot be changed."""
    return f"refined:{number}"


def results_of(study: optuna.Study, run_path: Path | None = None) -> list[CandidateResult]:
    """What the study knows of each candidate it has paid for, told for one speed.

    Where later sessions sharpened a result (`study.refine`), the sharper one; where a candidate
    was set aside and then measured anew, the later one; duplicates are left out. The values that
    Optuna was told are those of their moment. `run_path` is where the measurements of earlier
    versions lie, which kept too little in the study (`usual_speed.with_sessions`).
    """
    sharper = study.user_attrs
    found = [
        CandidateResult.from_dict(
            sharper.get(_refined_attribute(trial.number), trial.user_attrs[RESULT_ATTRIBUTE]),
            where=f"trial {trial.number} of the study",
        )
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished()
        and RESULT_ATTRIBUTE in trial.user_attrs
        and DUPLICATE_ATTRIBUTE not in trial.user_attrs
    ]
    if run_path is not None:
        found = [with_sessions(result, run_path) for result in found]
    last = {result.key: result.number for result in found}
    return at_usual_speed(
        [one for one in found if one.status != "stopped" or last[one.key] == one.number]
    )


def first_trials_of(study: optuna.Study) -> dict[int, int]:
    """Duplicate trial -> the trial that paid for its candidate."""
    return {
        trial.number: int(trial.user_attrs[DUPLICATE_ATTRIBUTE])
        for trial in study.get_trials(deepcopy=False)
        if DUPLICATE_ATTRIBUTE in trial.user_attrs
    }
