"""What devices do to a search when they fail, on devices that fail as they are told."""

from __future__ import annotations

import itertools
import threading

import optuna
import pytest
from made_up_results import FakeDevice, FakeEvaluator, FakeExporter
from optuna.trial import TrialState

from device_runner import DeviceBusy, DeviceLost, DeviceStorageError, RunnerBrokenError
from models.deployment import Deployment
from search.scheduling.lane import Lane
from search.scheduling.loop import LoopEvents, SearchLoop
from search.scheduling.station import DeviceGone, Patience, Station
from search.space import SearchSpace
from search.study.study import results_of
from search.study.troubles import Trouble, append_trouble, read_troubles

optuna.logging.set_verbosity(optuna.logging.WARNING)
SPACE = SearchSpace(n_feats=(8, 16), depths=(1, 2), ratios=(1, 2), window_sizes=(4,))
DEPLOYMENT = Deployment(lr_height=16, lr_width=16)
CALM = Patience()


class Failing(FakeEvaluator):
    """Raises what `trouble(key, how often this key was tried)` gives, if anything."""

    def __init__(self, trouble):
        super().__init__()
        self.trouble, self.tries = trouble, {}

    def evaluate(self, number, candidate, artifact):
        key = candidate.config.key
        self.tries[key] = self.tries.get(key, 0) + 1
        error = self.trouble(key, self.tries[key])
        if error is not None:
            raise error
        return super().evaluate(number, candidate, artifact)


class Search:
    """One or several lanes of fake devices; keeps what was said and recorded."""

    def __init__(self, *lanes, trials=4, patience=CALM, study=None):
        self.troubles, self.notes, self.said, self.told = [], [], [], []
        self.exporter = FakeExporter()
        self.lanes = [
            Lane(
                study=study or optuna.create_study(
                    directions=["minimize", "maximize"],
                    sampler=optuna.samplers.RandomSampler(seed=0),
                ),
                space=SPACE, deployment=DEPLOYMENT, trials=trials,
                finished=lambda *event: self.told.append(event),
                stations=[
                    Station(
                        device, judge, patience, self.said.append, self.notes.append,
                        self.troubles.append,
                    )
                    for device, judge in lane
                ],
            )
            for lane in lanes
        ]  # fmt: skip
        events = LoopEvents(note=self.notes.append)
        self.loop = SearchLoop(self.lanes, self.exporter, None, events)

    def run(self):
        return self.loop.run()

    @property
    def results(self):
        return [result for lane in self.lanes for result in results_of(lane.study)]


def away_until(at_s):
    def claim(time):
        if 0 < time.at_s < at_s:
            raise DeviceLost("device phone is not there: plug it in")

    return claim


def lost_once(at=2):
    """The device goes away, once, under the candidate that is tried as number `at`."""
    left = [None] * (at - 1) + [DeviceLost("device phone was lost")]
    return Failing(lambda key, tries: left.pop(0) if left else None)


def test_a_lost_device_costs_neither_candidate_nor_study():
    judge, device = lost_once(), FakeDevice()
    device._on_claim = away_until(65.0)
    judge.on_evaluate = lambda count: device.time.sleep(1)
    search = Search([(device, judge)])
    assert search.run() == ["4 candidates are known, as many as were asked for"]
    assert len(judge.measured) == len(set(judge.measured)) == 4
    assert [result.status for result in search.results] == ["ok"] * 4
    # What happened to it is known of the one that was under way.
    assert [r.flags for r in search.results].count(("device_lost",)) == 1
    (trouble,) = search.troubles
    assert (trouble.ended, trouble.error, trouble.serial) == ("back", "DeviceLost", "phone")
    assert 60 <= trouble.after_s <= 80
    assert trouble.candidate_key.startswith(judge.measured[1])
    assert "phone is away, 10:00 left for it to come back" in search.said
    assert "phone is away, 9:30 left for it to come back" in search.said
    assert search.notes[0] == "device phone was lost; it is waited for, 10:00 at most"
    assert "ready again after" in search.notes[1]
    assert not device.held


def test_the_looks_for_it_grow_rare_and_are_bounded():
    looks = []

    def claim(time):
        if time.at_s:
            looks.append(time.at_s)
            raise DeviceLost("device phone is not there: plug it in")

    device, judge = FakeDevice(on_claim=claim), lost_once()
    judge.on_evaluate = lambda count: device.time.sleep(1)
    search = Search([(device, judge)], patience=Patience(wait_s=100))
    with pytest.raises(DeviceGone) as gone:
        search.run()
    assert gone.value.exit_code == 3
    assert str(gone.value) == (
        "device phone is not there: plug it in (waited for it 100 s). Then give the same command "
        "again: it goes on where this one ended"
    )
    pauses = [b - a for a, b in itertools.pairwise(looks)]
    assert pauses[:5] == [1, 2, 4, 8, 10]
    assert max(pauses) == 10
    assert looks[-1] - looks[0] == pytest.approx(100)
    assert search.troubles[0].ended == "gone"
    # The same command tries first what was under way, and repeats nothing.
    study = search.lanes[0].study
    assert all(t.state != TrialState.RUNNING for t in study.get_trials(deepcopy=False))
    again = FakeEvaluator()
    Search([(FakeDevice(), again)], study=study).run()
    assert again.measured[0] == list(judge.tries)[1]
    assert len(set(judge.measured + again.measured)) == 4
    assert len(judge.measured + again.measured) == 4


def test_a_candidate_that_loses_its_device_every_time_is_given_up_and_the_study_goes_on():
    judge = Failing(
        lambda key, tries: DeviceLost("lost") if key == SPACE.largest().key else None
    )  # fmt: skip
    search = Search([(FakeDevice(), judge)])
    search.run()
    (failed,) = [result for result in search.results if result.status == "failed"]
    assert failed.reason.startswith("device_lost: its device failed 3 times under it")
    assert failed.flags == ("device_lost",)
    assert judge.tries[SPACE.largest().key] == 3
    assert len(judge.measured) == 3
    assert len(search.troubles) == 3


def test_it_is_given_up_too_where_it_is_the_last():
    judge = Failing(lambda key, tries: RunnerBrokenError("broken"))
    search = Search([(FakeDevice(), judge)], trials=1)
    assert search.run() == ["1 candidates are known, as many as were asked for"]
    assert [result.status for result in search.results] == ["failed"]


@pytest.mark.parametrize("error", [DeviceLost, RunnerBrokenError])
def test_a_device_that_fails_under_every_candidate_is_to_blame_and_not_they(error):
    judge = Failing(lambda key, tries: error("it does not work"))
    search = Search([(FakeDevice(), judge)], trials=9)
    with pytest.raises(DeviceGone, match="failed 3 times under each of two candidates"):
        search.run()
    assert search.results == []
    assert sorted(judge.tries.values()) == [3, 3]
    again = FakeEvaluator()
    Search([(FakeDevice(), again)], trials=9, study=search.lanes[0].study).run()
    assert len(set(again.measured)) == 9
    assert set(judge.tries) <= set(again.measured)


def test_a_full_device_is_cleaned_once_and_then_left_with_its_sentence():
    full = DeviceStorageError("device phone is full: free some space")
    left = [full]
    judge, device = Failing(lambda key, tries: left.pop() if left else None), FakeDevice()
    search = Search([(device, judge)])
    search.run()
    assert device.cleaned == 1
    assert len(judge.measured) == 4
    assert "Removed our own 1.0 MB from phone: what is needed is pushed anew." in search.notes

    judge, device = Failing(lambda key, tries: full), FakeDevice()
    search = Search([(device, judge)])
    with pytest.raises(DeviceGone, match=r"phone is full: free some space. Then give the same"):
        search.run()
    assert device.cleaned == 1
    assert list(judge.tries.values()) == [2]


def test_the_study_goes_on_with_the_other_device_and_the_lost_one_returns():
    back = threading.Event()
    one, other = FakeDevice("one"), FakeDevice("other")

    def gone_until_told(time):
        if time.at_s and not back.is_set():
            back.wait(0.001)
            raise DeviceLost("device one is not there")

    one._on_claim = gone_until_told
    first = lost_once(at=1)

    def second_works(count):
        if count == 3:
            back.set()
        if count > 3:
            # Until the first one has something to do again.
            started.wait(10)

    started = threading.Event()
    first.on_evaluate = lambda count: started.set()
    second = FakeEvaluator(second_works)
    search = Search([(one, first), (other, second)], trials=8, patience=Patience(wait_s=1e9))
    one.time.at_s = 0.5
    back.set()
    one_claimed = one._on_claim

    def first_claim_is_free(time):
        one._on_claim = one_claimed
        back.clear()

    one._on_claim = first_claim_is_free
    search.run()
    assert first.measured
    assert len(second.measured) >= 3
    measured = first.measured + second.measured
    assert len(measured) == len(set(measured)) == 8
    assert search.troubles[0].ended == "back"
    # Each learns what the other has found out.
    assert {r.key for r in first.remembered} | {r.key for r in second.remembered} == {
        r.key for r in search.results
    }


def test_a_device_that_never_returns_leaves_the_study_to_the_other():
    one = FakeDevice("one")
    first = Failing(lambda key, tries: DeviceLost("device one was lost"))
    one._on_claim = lambda time: time.at_s and (_ for _ in ()).throw(DeviceLost("one is away"))
    second = FakeEvaluator(lambda count: gone.wait(10))
    gone = threading.Event()
    first.trouble = lambda key, tries: one.time.sleep(1) or DeviceLost("device one was lost")
    search = Search([(one, first), (FakeDevice("other"), second)], trials=6)
    for station in search.lanes[0].stations:
        station.record = lambda trouble: (search.troubles.append(trouble), gone.set())
    assert search.run() == ["6 candidates are known, as many as were asked for"]
    assert len(second.measured) == 6
    assert [t.ended for t in search.troubles] == ["gone"]
    assert any("The search goes on with other." in note for note in search.notes)


def test_one_lane_ends_without_the_other():
    broken = Failing(lambda key, tries: RunnerBrokenError("the runner did not start"))
    sound = FakeEvaluator()
    search = Search([(FakeDevice("a"), broken)], [(FakeDevice("b"), sound)], trials=5)
    with pytest.raises(DeviceGone, match="the runner did not start"):
        search.run()
    assert len(sound.measured) == 5


def test_lanes_take_turns_at_the_exporter():
    first, second = FakeEvaluator(), FakeEvaluator()
    search = Search([(FakeDevice("a"), first)], [(FakeDevice("b"), second)], trials=2)
    search.run()
    both = {SPACE.smallest().key, SPACE.largest().key}
    assert set(first.measured) == set(second.measured) == both
    assert search.exporter.exported[:2] == [SPACE.smallest().key] * 2


def test_a_device_in_use_is_waited_for_and_said_by_whom():
    claims = []

    def taken_at_first(time):
        claims.append(time)
        if len(claims) == 1:
            raise DeviceBusy("in use", holder="process 7 (mobilesr-tune bench) since 12:00:00")

    search = Search([(FakeDevice(on_claim=taken_at_first), FakeEvaluator())])
    search.run()
    assert search.notes == [
        "Device phone is in use by process 7 (mobilesr-tune bench) since 12:00:00: waiting for "
        "it, 3600 s at most."
    ]


def test_ctrl_c_reaches_a_device_in_the_middle_of_a_candidate():
    device, entered = FakeDevice(), threading.Event()

    def endless(count):
        if count == 2:
            entered.set()
            while True:
                threading.Event().wait(0.01)

    search = Search([(device, FakeEvaluator(endless))])
    advance = search.loop._advance

    def interrupted():
        if entered.is_set():
            raise KeyboardInterrupt
        advance()

    search.loop._advance = interrupted
    with pytest.raises(KeyboardInterrupt):
        search.run()
    assert not device.held
    assert len(search.results) == 1


def test_a_trouble_survives_its_file_and_a_kill(tmp_path):
    path = tmp_path / "troubles.jsonl"
    assert read_troubles(path) == []
    device, judge = FakeDevice(), lost_once()
    search = Search([(device, judge)])
    search.run()
    (trouble,) = search.troubles
    assert isinstance(trouble, Trouble)
    append_trouble(path, trouble)
    append_trouble(path, trouble)
    with path.open("a") as stream:
        stream.write('{"schema": "device-tro')
    assert read_troubles(path) == [trouble, trouble]
