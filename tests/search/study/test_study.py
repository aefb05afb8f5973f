"""`search.study.study` on a real SQLite file: results by their kind, a kill, samplers."""

import gc

import optuna
import pytest
from asked_trials import DEPLOYMENT, REQUEST, SPACE, asked, ok
from made_up_results import changed, result_of
from optuna.trial import TrialState

from models.deployment import Candidate
from search.study.study import (
    RESULT_ATTRIBUTE,
    known_results,
    load_study,
    make_sampler,
    open_study,
    record,
    recover,
    refine,
    results_of,
)


def test_results_are_told_by_their_kind(run):
    study = open_study(run, REQUEST)
    configs = list(SPACE.configs())
    trial, candidate = asked(study, configs[0])
    record(trial, ok(trial, candidate, constraint_violations={"latency_ms": -40.0}))
    trial, candidate = asked(study, configs[1])
    record(
        trial,
        result_of(
            trial.number, candidate, status="stopped", latency_ms=60.0,
            constraint_violations={"latency_ms": 10.0},
        ),
    )  # fmt: skip
    trial, candidate = asked(study, configs[2])
    record(trial, result_of(trial.number, candidate, status="failed", reason="crashed"))
    again = load_study(run)
    assert [trial.state for trial in again.trials] == [
        TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL,
    ]  # fmt: skip
    assert again.trials[0].values == [10.0, 30.0]
    assert [result.status for result in results_of(again)] == ["ok", "stopped", "failed"]
    assert run.results() == results_of(again)
    assert set(known_results(again)) == {
        Candidate(config, DEPLOYMENT).key for config in configs[:3]
    }


def test_what_a_kill_left_open_is_settled(run):
    study = open_study(run, REQUEST)
    configs = list(SPACE.configs())
    # Killed between storing the result and telling it; while measuring; before suggesting.
    trial, candidate = asked(study, configs[0])
    stored = ok(trial, candidate)
    trial.set_user_attr(RESULT_ATTRIBUTE, stored.to_dict())
    asked(study, configs[1])
    study.ask()
    del study, trial
    gc.collect()

    reopened = open_study(run, REQUEST)
    assert {t.state for t in reopened.trials} == {TrialState.RUNNING}
    assert recover(reopened) == [SPACE.parameters_of(configs[1])]
    assert [t.state for t in reopened.trials] == [
        TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL,
    ]  # fmt: skip
    assert results_of(reopened) == [stored]
    assert recover(reopened) == []


def test_a_stored_failure_is_told_as_one(run):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, SPACE.smallest())
    failed = result_of(trial.number, candidate, status="failed", reason="crashed")
    trial.set_user_attr(RESULT_ATTRIBUTE, failed.to_dict())
    assert recover(study) == []
    assert known_results(study) == {candidate.key: failed}


def test_an_open_duplicate_is_forgotten_not_counted(run):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, SPACE.smallest())
    first = ok(trial, candidate)
    record(trial, first)
    twin, _ = asked(study, SPACE.smallest())
    twin.set_user_attr("duplicate_of", trial.number)
    twin.set_user_attr(RESULT_ATTRIBUTE, first.to_dict())
    recover(study)
    assert results_of(study) == [first]


@pytest.mark.parametrize("name", ["tpe", "nsga2", "gp", "random"])
def test_every_sampler_asks_for_configs_of_the_space(name):
    request = REQUEST.model_copy(update={"sampler": name, "trials": 6})
    study = optuna.create_study(
        directions=["minimize", "maximize"], sampler=make_sampler(request, 0)
    )
    for value in range(6):
        trial = study.ask()
        assert SPACE.suggest(trial) in SPACE
        trial.set_constraint("latency_ms", value - 3.0)
        study.tell(trial, [float(value), -float(value)])


def test_a_resumed_random_search_does_not_repeat_its_draws():
    request = REQUEST.model_copy(update={"sampler": "random"})

    def draws(done):
        study = optuna.create_study(sampler=make_sampler(request, done))
        return [study.ask().suggest_float("x", 0, 1) for _ in range(3)]

    assert draws(0) == draws(0)
    assert not set(draws(0)) & set(draws(3))


def test_a_sharpened_result_replaces_the_first_and_survives_reopening(run):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, next(iter(SPACE.configs())))
    first = ok(trial, candidate)
    record(trial, first)
    refine(study, changed(first, latency_ms=9.5, sessions=9))
    (found,) = run.results()
    assert (found.latency_ms, found.sessions) == (9.5, 9)
    # Optuna's own value stays what the trial was told.
    assert load_study(run).trials[0].values[0] == 10.0
