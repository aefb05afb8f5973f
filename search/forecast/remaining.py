"""The remaining time of a search that goes on: one estimate, made better by all it hears.

Before anything is measured it stands on the rates of `search.forecast.rates`; then on what the
candidates of this run took. Between two events it counts down, but never below what comes after
the piece of work in hand.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from models.training.supernet import TrainingProgress
from search.forecast.plan import RUN, SearchPlan
from search.forecast.rates import ProfileRates, Rate, Rates, measured_rates, rates_from
from search.forecast.work import (
    LaneWork,
    Work,
    candidate_sessions,
    seconds_of,
)
from search.request import SearchRequest
from search.study.records import CandidateResult


@dataclass
class _Lane:
    work: LaneWork
    rates: Rates
    results: list[CandidateResult] = field(default_factory=list)
    # Of a session while settling, once some were.
    settling_since_s: float | None = None
    settled: int = 0


class RemainingTime:
    """Told what happens in a search; says how many seconds are left. Thread-safe."""

    def __init__(self, request: SearchRequest, clock: Callable[[], float] = time.monotonic) -> None:
        self._request, self._clock = request, clock
        self._lock = threading.RLock()
        self._lanes: dict[str, _Lane] = {}
        self._step_s: float | None = None
        self._training_left_s = 0.0
        self._preparing_s = 0.0
        self._preparing = False
        self._began_s = self._at_s = clock()
        self._trained_s = 0.0
        self._estimate_s: float | None = None
        self._after_this_s = 0.0

    def left_s(self) -> float | None:
        """Seconds until the search ends; None before anything is known of it."""
        with self._lock:
            if self._estimate_s is None:
                return None
            passed = self._clock() - self._at_s
            return max(self._estimate_s - passed, self._after_this_s, 0.0)

    def done_share(self) -> float:
        """How much of the search's time has passed, 0 to 1."""
        left_s = self.left_s()
        passed_s = self._clock() - self._began_s
        return 0.0 if left_s is None else passed_s / max(passed_s + left_s, 1e-9)

    def planned(self, plan: SearchPlan) -> None:
        """What the search will do, before it does any of it."""
        with self._lock:
            for work in plan.work.lanes:
                rates = plan.rates[work.profile_key]
                self._lanes[work.profile_key] = _Lane(
                    work, rates, list(plan.known[work.profile_key])
                )
                self._preparing_s = rates.preparation.seconds
                self._training_left_s = plan.work.training_steps * rates.step.seconds
            self._preparing = plan.work.preparing
            self._look_again(self._training_left_s or self._preparing_s)

    def training(self, progress: TrainingProgress) -> None:
        """A step of the supernet's training."""
        with self._lock:
            if progress.steps_per_s:
                self._step_s = 1 / progress.steps_per_s
                self._training_left_s = progress.left_s or 0.0
            self._trained_s = self._clock() - self._began_s
            self._look_again(self._training_left_s)

    def exported(self) -> None:
        """An export is there; what went before the first was preparation."""
        with self._lock:
            if self._preparing:
                self._preparing = False
                self._preparing_s = max(0.0, self._clock() - self._began_s - self._trained_s)
                self._look_again(0.0)

    def finished(self, result: CandidateResult) -> None:
        """A candidate has its result."""
        with self._lock:
            lane = self._lanes.get(result.profile_key)
            if lane is None:
                return
            work = lane.work
            lane.results.append(result)
            lane.work = replace(
                work, known=work.known + 1, candidates=max(0, work.candidates - 1)
            )  # fmt: skip
            sessions = candidate_sessions(work.sessions)
            lane.rates = rates_from(lane.results, lane.rates, sessions, RUN)
            self._look_again(lane.rates.session.seconds * sessions)

    def settling(self, profile_key: str, spent: int, most: int) -> None:
        """So many of at most so many more sessions were spent on an open front."""
        with self._lock:
            lane = self._lanes.get(profile_key)
            if lane is None:
                return
            now_s = self._clock()
            if lane.settling_since_s is None:
                lane.settling_since_s = now_s
            lane.settled = spent
            lane.work = replace(lane.work, candidates=0, settle_sessions=max(0, most - spent))
            if spent:
                # Sentinels included, as they stand beside them.
                took_s = (now_s - lane.settling_since_s) / spent
                share = lane.work.settle_sessions + lane.work.settle_sentinels
                each = took_s * lane.work.settle_sessions / share if share else took_s
                lane.rates = replace(lane.rates, session=Rate(each, RUN))
            self._look_again(math.inf)

    def measured(self) -> dict[str, ProfileRates]:
        """What this search says of its profiles, for the next one's estimate."""
        with self._lock:
            found = {
                key: measured_rates(
                    self._request, lane.results, lane.rates.session.seconds, self._preparing_s,
                    self._step_s,
                )
                for key, lane in self._lanes.items()
                if lane.results and not self._preparing
            }  # fmt: skip
        return {key: rates for key, rates in found.items() if rates is not None}

    def _look_again(self, in_hand_s: float) -> None:
        """Estimate anew; `in_hand_s` of it is the piece of work that begins now."""
        if not self._lanes:
            return
        work = Work(0, self._preparing, tuple(lane.work for lane in self._lanes.values()))
        rates = {key: lane.rates for key, lane in self._lanes.items()}
        total_s = seconds_of(work, rates).total + self._training_left_s
        self._at_s = self._clock()
        if (budget_s := self._request.time_budget_s) is not None:
            # No candidate is begun after it; the one in hand is ended.
            left_s = budget_s - (self._at_s - self._began_s)
            total_s = min(total_s, max(0.0, left_s) + in_hand_s)
        self._estimate_s = total_s
        self._after_this_s = max(0.0, total_s - in_hand_s)
