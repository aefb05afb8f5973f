"""`search.scheduling.loop`: every candidate is paid for once, and none is lost."""

import threading
import time
from collections import Counter

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_results import FakeDevice, FakeEvaluator, FakeExporter, changed
from optuna.trial import TrialState
from space_strategies import spaces

from foundation import DeviceFailure
from models.deployment import Deployment
from search.scheduling.lane import Lane
from search.scheduling.loop import LoopEvents, SearchLoop
from search.scheduling.station import Station
from search.space import SearchSpace
from search.study.study import DUPLICATE_ATTRIBUTE, results_of

optuna.logging.set_verbosity(optuna.logging.WARNING)
DEPLOYMENT = Deployment(lr_height=16, lr_width=16, lowering="direct")
# 2 + 4 shapes, times two widths.
SPACE = SearchSpace(n_feats=(8, 16), depths=(1, 2), ratios=(1, 2), window_sizes=(4,))


def new_study(sampler=None):
    return optuna.create_study(
        directions=["minimize", "maximize"],
        sampler=sampler or optuna.samplers.RandomSampler(seed=0),
    )


@pytest.fixture
def study():
    return new_study()


class OneLane:
    """A search of one study on one device; `run` gives the one reason why it ended."""

    def __init__(
        self, study, trials, space=SPACE, evaluator=None, exporter=None, kind="host", **others
    ):
        events = others.get("events", LoopEvents())
        self.device = FakeDevice(kind=kind)
        station = Station(self.device, evaluator or FakeEvaluator())
        lane = Lane(
            study=study, space=space, deployment=DEPLOYMENT, stations=[station], trials=trials,
            seed=others.get("seed", 0), finished=events.finished,
        )  # fmt: skip
        self.loop = SearchLoop([lane], exporter or FakeExporter(), others.get("time_s"), events)

    def run(self):
        (why,) = self.loop.run()
        return why


loop = OneLane


def states(study):
    return Counter(trial.state for trial in study.get_trials(deepcopy=False))


@pytest.mark.parametrize("trials", [1, 2, 5, 7])
@pytest.mark.parametrize("kind", ["host", "phone"])
def test_as_many_candidates_as_asked_for(study, trials, kind):
    evaluator, exporter = FakeEvaluator(), FakeExporter()
    why = loop(study, trials, evaluator=evaluator, exporter=exporter, kind=kind).run()
    assert why == f"{trials} candidates are known, as many as were asked for"
    assert len(evaluator.measured) == len(set(evaluator.measured)) == trials
    assert len(results_of(study)) == trials
    assert exporter.exported == evaluator.measured
    assert states(study)[TrialState.RUNNING] == 0


def test_both_ends_come_first(study):
    evaluator = FakeEvaluator()
    loop(study, 2, evaluator=evaluator).run()
    assert evaluator.measured == [SPACE.smallest().key, SPACE.largest().key]


@pytest.mark.parametrize(
    "sampler",
    [
        optuna.samplers.RandomSampler(seed=0),
        optuna.samplers.TPESampler(seed=0, multivariate=True, group=True, constant_liar=True),
        optuna.samplers.NSGAIISampler(seed=0, population_size=4),
    ],
    ids=["random", "tpe", "nsga2"],
)
def test_a_small_space_is_exhausted_with_each_config_once(sampler):
    study, evaluator = new_study(sampler), FakeEvaluator()
    why = loop(study, 1000, evaluator=evaluator).run()
    assert why == "all 12 configs of the space are known"
    assert sorted(evaluator.measured) == sorted(config.key for config in SPACE.configs())


@settings(max_examples=15)
@given(
    spaces(), st.integers(1, 12), st.integers(0, 5), st.sampled_from(["host", "phone"]),
)  # fmt: skip
def test_no_space_or_budget_makes_it_repeat_or_miss_one(space, trials, seed, kind):
    evaluator = FakeEvaluator()
    study = new_study(optuna.samplers.RandomSampler(seed=seed))
    loop(study, trials, space, evaluator, FakeExporter(), kind, seed=seed).run()
    assert len(evaluator.measured) == len(set(evaluator.measured)) == min(trials, space.size)


@settings(max_examples=10)
@given(spaces(most_precisions=3), st.integers(1, 12), st.integers(0, 5))
def test_a_config_in_another_precision_is_another_candidate(space, trials, seed):
    study = new_study(optuna.samplers.RandomSampler(seed=seed))
    why = loop(study, trials, space, FakeEvaluator(), seed=seed).run()
    found = results_of(study)
    assert len({result.key for result in found}) == len(found) == min(trials, space.size)
    assert {result.deployment.precision for result in found} <= set(space.precisions)
    if trials > space.size > len(space.precisions) > 1:
        assert why == f"all {space.size} candidates of the space are known"


class SlowAtFirst(FakeEvaluator):
    """Sets aside what takes more than 30 ms; the first three by a latency that does not last."""

    def evaluate(self, number, candidate, artifact):
        result = super().evaluate(number, candidate, artifact)
        slow_ms = result.latency_ms * (4 if len(self.measured) <= 3 else 1)
        if slow_ms <= 30:
            return result
        return changed(
            result.model_copy(update={"quality": None}), status="stopped", latency_ms=slow_ms,
            reason="slower than 30 ms",
        )  # fmt: skip

    def why_stop(self, result):
        true_ms = result.config.n_feats * sum(result.config.ratios)
        fast = len(self.measured) > 3 and true_ms <= 30
        return "" if fast else "slower than 30 ms"


def test_what_was_set_aside_for_a_latency_that_did_not_last_is_measured_anew(study):
    evaluator = SlowAtFirst()
    loop(study, 12, evaluator=evaluator).run()
    found = {result.key: result for result in results_of(study)}
    assert len(found) == 12
    for result in found.values():
        true_ms = result.config.n_feats * sum(result.config.ratios)
        assert result.status == ("ok" if true_ms <= 30 else "stopped")
        assert evaluator.measured.count(result.config.key) <= 2
    assert len(evaluator.measured) > 12


def test_and_once_only(study):
    evaluator = SlowAtFirst()
    evaluator.why_stop = lambda result: ""
    loop(study, 12, evaluator=evaluator).run()
    assert max(Counter(evaluator.measured).values()) <= 2
    assert len({result.key for result in results_of(study)}) == 12


def test_a_duplicate_is_answered_from_what_is_known(study):
    evaluator = FakeEvaluator()
    loop(study, 3, evaluator=evaluator).run()
    first = results_of(study)[0]
    study.enqueue_trial(SPACE.parameters_of(SPACE.smallest()))
    again, exporter = FakeEvaluator(), FakeExporter()
    told = []
    loop(
        study, 4, evaluator=again, exporter=exporter,
        events=LoopEvents(finished=lambda *event: told.append(event)),
    ).run()  # fmt: skip
    # Paid for one, not two, and told so.
    assert len(again.measured) == 1
    assert len(exporter.exported) == 1
    assert [(done, total) for _, done, total in told] == [(4, 4)]
    duplicates = [
        t for t in study.get_trials(deepcopy=False) if DUPLICATE_ATTRIBUTE in t.user_attrs
    ]
    assert duplicates
    assert duplicates[0].state == TrialState.COMPLETE
    assert duplicates[0].user_attrs[DUPLICATE_ATTRIBUTE] == first.number
    assert duplicates[0].values == [first.latency_ms, first.psnr_y_db]
    assert len(results_of(study)) == 4


def test_a_candidate_that_cannot_be_exported_is_a_failed_trial_and_the_study_goes_on(study):
    broken = frozenset({SPACE.smallest().key, SPACE.largest().key})
    evaluator = FakeEvaluator()
    loop(study, 12, evaluator=evaluator, exporter=FakeExporter(broken)).run()
    assert set(evaluator.failures) == broken
    assert len(evaluator.failures) == 2
    assert len(evaluator.measured) == 10
    failed = [result for result in results_of(study) if result.status == "failed"]
    assert {result.reason for result in failed} == {"ExecuTorch cannot lower it"}
    for result in failed:
        assert study.get_trials()[result.number].state == TrialState.FAIL


@pytest.mark.parametrize("error", [KeyboardInterrupt, DeviceFailure, SystemExit])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_interruption_closes_what_is_open_and_it_is_tried_first_next_time(study, error, at):
    def interrupt(count):
        if count == at:
            raise error("stopped")

    first = FakeEvaluator(interrupt)
    exporter = FakeExporter()
    with pytest.raises(error):
        loop(study, 6, evaluator=first, exporter=exporter).run()
    assert len(first.measured) == at - 1
    assert states(study)[TrialState.RUNNING] == 0
    assert len(results_of(study)) == at - 1
    ends = {SPACE.smallest().key, SPACE.largest().key}
    left = {*ends, *exporter.exported} - set(first.measured)
    assert len(left) == states(study)[TrialState.WAITING]

    second = FakeEvaluator()
    loop(study, 6, evaluator=second).run()
    assert set(second.measured[: len(left)]) == left
    assert [result.key for result in second.remembered] == [r.key for r in results_of(study)][
        : at - 1
    ]
    assert len(set(first.measured + second.measured)) == 6
    assert len(first.measured + second.measured) == 6


def test_an_interrupted_export_loses_no_candidate(study):
    class Interrupted(FakeExporter):
        def export(self, candidate):
            super().export(candidate)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop(study, 4, exporter=Interrupted()).run()
    assert states(study) == {TrialState.FAIL: 1, TrialState.WAITING: 2}
    evaluator = FakeEvaluator()
    loop(study, 2, evaluator=evaluator).run()
    assert set(evaluator.measured) == {SPACE.smallest().key, SPACE.largest().key}


def test_more_trials_continue_where_the_study_ended(study):
    first, second, third = FakeEvaluator(), FakeEvaluator(), FakeEvaluator()
    loop(study, 4, evaluator=first).run()
    loop(study, 4, evaluator=second).run()
    assert second.measured == []
    loop(study, 9, evaluator=third).run()
    assert len(third.measured) == 5
    assert not set(first.measured) & set(third.measured)


def test_a_spent_time_budget_starts_nothing(study):
    evaluator = FakeEvaluator()
    why = loop(study, 9, evaluator=evaluator, time_s=1e-9).run()
    assert "time budget" in why
    assert evaluator.measured == []


def test_a_device_serves_its_own_thread_and_is_free_afterwards(study):
    search = loop(study, 3, kind="phone")
    search.run()
    assert search.device.threads == {"device phone"}
    assert not search.device.held
    assert search.device.claims == 1


def test_nothing_is_exported_while_the_host_is_measured(study):
    exporting, seen = [], []

    class Watched(FakeExporter):
        def export(self, candidate):
            exporting.append(True)
            time.sleep(0.01)
            found = super().export(candidate)
            exporting.pop()
            return found

    evaluator = FakeEvaluator(lambda count: seen.append(len(exporting)))
    loop(study, 7, evaluator=evaluator, exporter=Watched()).run()
    assert seen == [0] * 7


def test_exports_run_ahead_of_a_phone(study):
    """The next one is exported while the first candidate is still on the phone."""
    exporter, ahead = FakeExporter(), threading.Event()

    def wait_for_the_next_export(count):
        if count == 1:
            while len(exporter.exported) < 2:
                assert not ahead.wait(0.01)

    evaluator = FakeEvaluator(wait_for_the_next_export)
    loop(study, 4, evaluator=evaluator, exporter=exporter, kind="phone").run()
    assert len(evaluator.measured) == 4


def test_whoever_watches_is_told_of_every_candidate(study):
    told, stages = [], []
    events = LoopEvents(
        stage=stages.append,
        finished=lambda result, done, total: told.append((result.key, done, total)),
    )
    loop(study, 5, events=events).run()
    assert [done for _, done, _ in told] == [1, 2, 3, 4, 5]
    assert {total for *_, total in told} == {5}
    assert [key for key, *_ in told] == [result.key for result in results_of(study)]
    assert any(SPACE.smallest().key in stage for stage in stages)
