"""The search: ask a batch, export it, measure it, tell it; until a budget is spent.

Batches keep exports and measurements apart: the pool lowers one candidate a core, and only when
it is idle is the first of them timed (a host that exports while it measures measures nothing).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import optuna

from foundation.artifact import Artifact
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from search.evaluation import Evaluator
from search.exporting import Export, ExportPool
from search.records import CandidateResult
from search.space import SearchSpace
from search.study import known_results, record, recover

# On a small space samplers keep proposing what is known (Optuna: wontfix). After this many in a
# row a config nobody has tried is enqueued instead.
MAX_DUPLICATES_IN_A_ROW = 3


@dataclass(frozen=True)
class Budget:
    """When to stop: distinct candidates (earlier runs counted), seconds of this run."""

    trials: int
    time_s: float | None = None


@dataclass
class SearchEvents:
    """What the loop tells whoever watches."""

    stage: Callable[[str], None] = lambda text: None
    finished: Callable[[CandidateResult, int, int], None] = lambda result, done, total: None


@dataclass
class SearchLoop:
    """One process's share of a study."""

    study: optuna.Study
    space: SearchSpace
    deployment: Deployment
    evaluator: Evaluator
    pool: ExportPool
    budget: Budget
    seed: int = 0
    events: SearchEvents = field(default_factory=SearchEvents)

    def run(self) -> str:
        """Search until the budget or the space is spent; returns the reason in words.

        Raises:
            KeyboardInterrupt: after the open trials are closed, to be tried again next time.
            DeviceFailure, RequestError: trouble that is not one candidate's.
        """
        started = time.monotonic()
        for parameters in recover(self.study):
            self.study.enqueue_trial(parameters)
        known = known_results(self.study)
        self.evaluator.remember(list(known.values()))
        if not known:
            # Both ends of the front are known from the start.
            for config in (self.space.smallest(), self.space.largest()):
                self._enqueue(config)
        while len(known) < self.budget.trials:
            if len(known) >= self.space.size:
                return f"all {self.space.size} configs of the space are known"
            if self.budget.time_s is not None and time.monotonic() - started > self.budget.time_s:
                return f"the time budget of {self.budget.time_s:.0f} s is spent"
            wanted = min(self.pool.jobs, self.budget.trials - len(known))
            try:
                self._batch(known, wanted)
            except BaseException:
                # Closed, not lost: asked again by the next run of the same command.
                for parameters in recover(self.study):
                    self.study.enqueue_trial(parameters)
                raise
        return f"{len(known)} candidates are known, as many as were asked for"

    def _batch(self, known: dict[str, CandidateResult], wanted: int) -> None:
        asked = self._ask(known, wanted)
        if not asked:
            return
        names = ", ".join(candidate.config.key for _, candidate in asked)
        self.events.stage(f"exporting {names}")
        exports = self.pool.export_all([candidate for _, candidate in asked])
        for (trial, candidate), export in zip(asked, exports, strict=True):
            result = self._evaluate(trial, candidate, export)
            record(trial, result)
            known[candidate.key] = result
            self.events.finished(result, len(known), self.budget.trials)

    def _evaluate(
        self, trial: optuna.Trial, candidate: Candidate, export: Export
    ) -> CandidateResult:
        if isinstance(export, Artifact):
            return self.evaluator.evaluate(trial.number, candidate, export)
        return self.evaluator.failure(trial.number, candidate, export)

    def _ask(
        self, known: dict[str, CandidateResult], wanted: int
    ) -> list[tuple[optuna.Trial, Candidate]]:
        """Up to `wanted` trials of candidates nobody has tried; duplicates are answered."""
        asked: list[tuple[optuna.Trial, Candidate]] = []
        duplicates = 0
        while len(asked) < wanted and len(known) + len(asked) < self.space.size:
            trial = self.study.ask()
            candidate = Candidate(self.space.suggest(trial), self.deployment)
            open_keys = {c.key: t.number for t, c in asked}
            if candidate.key in known:
                earlier = known[candidate.key]
                record(trial, earlier, duplicate_of=earlier.number)
            elif candidate.key in open_keys:
                # Its twin is in this batch: nothing to learn from it yet.
                trial.set_user_attr("duplicate_of", open_keys[candidate.key])
                self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                asked.append((trial, candidate))
                duplicates = 0
                continue
            duplicates += 1
            if duplicates >= MAX_DUPLICATES_IN_A_ROW:
                self._enqueue(self._untried({*known, *open_keys}))
                duplicates = 0
        return asked

    def _untried(self, taken: set[str]) -> MobileSRConfig:
        """A config nobody has tried: drawn at random, by enumeration once that gets long."""
        rng = random.Random(f"{self.seed}/{len(taken)}")
        for _ in range(100):
            config = self.space.sample(rng)
            if Candidate(config, self.deployment).key not in taken:
                return config
        return next(
            config
            for config in self.space.configs()
            if Candidate(config, self.deployment).key not in taken
        )

    def _enqueue(self, config: MobileSRConfig) -> None:
        self.study.enqueue_trial(self.space.parameters_of(config))
