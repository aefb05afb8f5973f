"""One device profile's study: what to try next, and what has become of what was tried."""

from __future__ import annotations

import contextlib
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import optuna

from device_runner import Outcome
from device_runner.flags import Flag
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment, Precision
from search.scheduling.blame import Blame
from search.scheduling.station import Job, Station
from search.space import SearchSpace
from search.study.records import CandidateResult
from search.study.study import DUPLICATE_ATTRIBUTE, known_results, own, record, recover
from search.study.usual_speed import at_usual_speed

# On a small space samplers keep proposing what is known (Optuna: wontfix). After this many in a
# row a config nobody has tried is enqueued instead.
MAX_DUPLICATES_IN_A_ROW = 3


@dataclass
class Lane:
    """A study and the stations that work for it: devices of one profile.

    Attributes:
        trials: distinct candidates to know at the end, those of earlier runs counted.
        run_path: the run directory; None where there is none to read from.
        owner: whose the trials are, in a study that several searches share.
        guard: entered around every use of the study, to put its trouble into words.
        known: candidate key -> result, of all that is settled, told for one speed.
        open: candidate key -> job, of all that was asked for and is not settled.
        ready: open jobs that have an artifact and wait for a device.
        blame: which of its candidates' failures are the devices'.
        asked_anew: keys of candidates that were set aside for a latency that did not last.
        why: how it ended, in words; empty while it goes on.
    """

    study: optuna.Study
    space: SearchSpace
    deployment: Deployment
    stations: list[Station]
    trials: int
    seed: int = 0
    run_path: Path | None = None
    owner: str = ""
    finished: Callable[[CandidateResult, int, int], None] = lambda result, done, total: None
    guard: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    known: dict[str, CandidateResult] = field(default_factory=dict)
    open: dict[str, Job] = field(default_factory=dict)
    ready: deque[Job] = field(default_factory=deque)
    blame: Blame = field(default_factory=Blame)
    asked_anew: set[str] = field(default_factory=set)
    working: int = 0
    why: str = ""

    @property
    def alive(self) -> list[Station]:
        """The stations that may still do something."""
        return [station for station in self.stations if not station.gone]

    @property
    def waiting(self) -> int:
        """Open jobs that no device works on: being exported, or ready."""
        return len(self.open) - self.working - len(self.blame.suspects)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left to ask for."""
        taken = len(self.known) + len(self.open)
        return taken >= self.trials or taken >= self.space.size

    def begin(self) -> None:
        """Take up the study where an earlier run left it."""
        with self.guard():
            self._reopen()
            self.known = known_results(self.study, self.run_path)
            if not self.known:
                # Both ends of the front are known from the start.
                for config in (self.space.smallest(), self.space.largest()):
                    self._enqueue(config)
        for station in self.stations:
            station.judge.remember(list(self.known.values()))
        self._ask_anew()

    def close(self) -> None:
        """Open trials are closed, not lost: the next run of the same command asks them again."""
        with self.guard():
            self._reopen()

    def _reopen(self) -> None:
        for parameters in recover(self.study, self.owner):
            self.study.enqueue_trial(parameters)

    def ask(self, wanted: int) -> list[Job]:
        """Up to `wanted` jobs of candidates nobody has tried; duplicates are answered."""
        asked: list[Job] = []
        duplicates = 0
        with self.guard():
            while len(asked) < wanted and not self.exhausted:
                job = self._ask_once()
                if job is not None:
                    asked.append(job)
                    duplicates = 0
                    continue
                duplicates += 1
                if duplicates >= MAX_DUPLICATES_IN_A_ROW:
                    untried = self._untried()
                    self._enqueue(untried.config, untried.deployment.precision)
                    duplicates = 0
        return asked

    def _ask_once(self) -> Job | None:
        """The sampler's next proposal; None where it is a duplicate."""
        trial = self.study.ask()
        own(trial, self.owner)
        candidate = self.space.suggest_candidate(trial, self.deployment)
        if candidate.key in self.known:
            earlier = self.known[candidate.key]
            record(trial, earlier, duplicate_of=earlier.number)
            return None
        if candidate.key in self.open:
            # Its twin is under way: nothing to learn from it yet.
            trial.set_user_attr(DUPLICATE_ATTRIBUTE, self.open[candidate.key].trial.number)
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return None
        job = Job(trial, candidate)
        self.open[candidate.key] = job
        return job

    def _untried(self) -> Candidate:
        """A candidate nobody has tried: drawn at random, by enumeration once that gets long."""
        taken = self.known.keys() | self.open.keys()
        rng = random.Random(f"{self.seed}/{len(taken)}")
        for _ in range(100):
            candidate = self.space.sample_candidate(rng, self.deployment)
            if candidate.key not in taken:
                return candidate
        return next(
            candidate
            for candidate in self.space.candidates(self.deployment)
            if candidate.key not in taken
        )

    def _enqueue(self, config: MobileSRConfig, precision: Precision | None = None) -> None:
        self.study.enqueue_trial(self.space.parameters_of(config, precision))

    def settle(self, job: Job, result: CandidateResult, by: Station | None = None) -> None:
        """Record a candidate's result; every device but the one that has it learns of it."""
        if self.blame.met_trouble(job.candidate.key):
            flags = dict.fromkeys((*result.flags, Flag.DEVICE_LOST))
            result = result.model_copy(update={"flags": tuple(flags)})
        with self.guard():
            record(job.trial, result)
        del self.open[job.candidate.key]
        self.known[job.candidate.key] = result
        for station in self.stations:
            if station is not by:
                station.judge.remember([result])
        self.known = {one.key: one for one in at_usual_speed(list(self.known.values()))}
        self.finished(result, len(self.known), self.trials)
        self._ask_anew()

    def _ask_anew(self) -> None:
        """Candidates that were set aside unjudged, and would not be by what is known now.

        Each once: it is measured as if it were new, which settles it.
        """
        judge = self.stations[0].judge
        for key, result in list(self.known.items()):
            if result.status != "stopped" or key in self.asked_anew or judge.why_stop(result):
                continue
            self.asked_anew.add(key)
            del self.known[key]
            with self.guard():
                self._enqueue(result.config, result.deployment.precision)

    def fail(self, job: Job, reason: str) -> None:
        """Settle a candidate that has no measurement."""
        judge = self.stations[0].judge
        self.settle(job, judge.failure(job.trial.number, job.candidate, reason))

    def give_up(self, candidate_key: str) -> None:
        """Settle a candidate that is to blame for its device's failures."""
        job = self.open[candidate_key]
        self.fail(job, f"{Outcome.DEVICE_LOST.value}: {self.blame.sentence(candidate_key)}")
