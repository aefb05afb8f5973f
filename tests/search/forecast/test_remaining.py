"""The remaining time of made-up searches whose true end is known."""

from __future__ import annotations

import pytest
from made_up_results import result_of

from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.training.supernet import TrainingProgress
from search.forecast.plan import SearchPlan
from search.forecast.rates import Rate, Rates
from search.forecast.remaining import RemainingTime
from search.forecast.work import LaneWork, Work, candidate_sessions
from search.request import SearchRequest

CANDIDATE = Candidate(
    MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), scale=2),
    Deployment(lr_height=16, lr_width=16),
)


class World:
    """A search of 12 candidates whose sessions take `session_s`, though the rules say 1 s."""

    def __init__(self, request: SearchRequest, session_s: float, training_steps: int = 0) -> None:
        self.now_s, self.session_s, self.done = 100.0, session_s, 0
        self.told = RemainingTime(request, lambda: self.now_s)
        rates = Rates(Rate(0.5, "x"), Rate(20.0, "x"), Rate(0.5, "x"), Rate(1.0, "x"))
        self.lane = LaneWork("fake", 0, 12, 5, 40)
        work = Work(training_steps, True, (self.lane,))
        self.told.planned(SearchPlan(None, work, {"fake": rates}, {"fake": []}))

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def candidate(self) -> None:
        """Exported, measured, judged."""
        device_s = self.session_s * candidate_sessions(5)
        self.wait(0.5)
        self.told.exported()
        self.wait(device_s)
        result = result_of(
            self.done, CANDIDATE, status="ok", latency_ms=5.0, psnr_y_db=30.0, device_s=device_s,
            macs=10**8, export_s=0.5,
        )  # fmt: skip
        self.told.finished(result)
        self.done += 1

    def settle(self) -> None:
        self.told.settling("fake", 0, 40)
        for spent in (16, 32, 40):
            now = 16 if spent < 40 else 8
            self.wait(self.session_s * (now + 2))
            self.told.settling("fake", spent, 40)
        self.told.settling("fake", 40, 40)


@pytest.mark.parametrize("session_s", [0.2, 1.0, 5.0])
def test_from_the_second_candidate_on_it_is_right(session_s: float) -> None:
    world, told = World(SearchRequest(), session_s), []
    world.wait(40)
    for number in range(12):
        world.candidate()
        if number >= 1:
            told.append((world.now_s, world.told.left_s()))
    world.told.settling("fake", 0, 40)
    told.append((world.now_s, world.told.left_s()))
    world.settle()
    for at_s, left_s in told:
        assert left_s == pytest.approx(world.now_s - at_s, rel=0.1)
    assert world.told.left_s() == 0


def test_it_counts_down_between_events_and_not_below_what_comes_after() -> None:
    world = World(SearchRequest(), 1.0)
    world.candidate()
    first = world.told.left_s()
    world.wait(3)
    assert world.told.left_s() == pytest.approx(first - 3)
    # A phone that is waited for: the candidates after it take no less time.
    world.wait(10_000)
    assert world.told.left_s() == pytest.approx(first - candidate_sessions(5))


def test_a_failed_export_costs_nothing_and_teaches_nothing() -> None:
    world = World(SearchRequest(), 1.0)
    before = world.told.left_s()
    world.told.finished(result_of(0, CANDIDATE, status="failed", reason="cannot be lowered"))
    gone = before - world.told.left_s()
    assert gone == pytest.approx(0.5 + candidate_sessions(5))


def test_training_is_a_part_of_it() -> None:
    world = World(SearchRequest(train_steps=100), 1.0, training_steps=100)
    assert world.told.left_s() > 50
    world.wait(10)
    world.told.training(TrainingProgress(10, 100, 0.1, steps_per_s=1.0))
    with_training = world.told.left_s()
    world.wait(90)
    world.told.training(TrainingProgress(100, 100, 0.1, steps_per_s=1.0))
    assert world.told.left_s() == pytest.approx(with_training - 90)


def test_a_time_budget_bounds_it() -> None:
    world = World(SearchRequest(time_budget_s=30), 1.0)
    assert world.told.left_s() <= 30 + 20
    world.wait(10)
    world.candidate()
    assert world.told.left_s() <= 30 + candidate_sessions(5)


def test_what_it_measured_serves_the_next_search() -> None:
    world = World(SearchRequest(), 2.0)
    assert world.told.measured() == {}
    world.wait(15)
    for _ in range(4):
        world.candidate()
    found = world.told.measured()["fake"]
    # 2 s a session, of which 0.5 s were timed.
    assert found.session_overhead_s == pytest.approx(1.5)
    assert found.preparation_s == pytest.approx(15, abs=1)
    assert found.gmacs_a_second == pytest.approx(20)
