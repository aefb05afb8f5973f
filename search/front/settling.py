"""After the trials: more sessions where it is still open who is on the front, and only there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import optuna

from foundation.artifact import Artifact
from search.front.belief import belief_of
from search.front.racing import Allocation, RacePlan, allocate
from search.study.artifacts import artifacts_in
from search.study.records import CandidateResult
from search.study.study import refine, results_of

# A round and its reverse, so that what drifts steadily adds the same to all.
ROUNDS = 2
BATCH = 8


class Sharpener(Protocol):
    """What settling needs of `search.candidates.evaluation.Evaluator`."""

    def sharpen(
        self, results: Sequence[CandidateResult], artifacts: Sequence[Artifact], rounds: int
    ) -> list[CandidateResult]: ...


@dataclass(frozen=True)
class RaceEnd:
    """How a race ended: why, in words, and how many sessions it took this time."""

    reason: str
    sessions: int


@dataclass
class Settling:
    """The race for one study's front.

    Attributes:
        run_path: what `CandidateResult.measurement_file` is relative to.
        artifacts: the folder that holds the candidates' artifacts.
        first_sessions: how many sessions each candidate had from its trial.
        extra_sessions: how many more may be spent on all together, earlier runs counted.
        stop_at_s: `time.monotonic()` after which no round is started.
        spent: told before each round how many of at most how many sessions were spent this time;
            at the end that no more will be.
    """

    study: optuna.Study
    sharpener: Sharpener
    run_path: Path
    artifacts: Path
    first_sessions: int
    extra_sessions: int
    stop_at_s: float | None = None
    say: Callable[[str], None] = lambda text: None
    spent: Callable[[int, int], None] = lambda spent, most: None

    def run(self) -> RaceEnd:
        """Race until the front is decided or the sessions are spent; each round is kept.

        Raises:
            DeviceFailure: the device is in trouble; what was measured before is kept.
            RequestError: a record cannot be read or written.
        """
        ended = self._race()
        self.spent(ended.sessions, ended.sessions)
        return ended

    def _race(self) -> RaceEnd:
        entrants = self._entrants()
        if len(entrants) < 2:
            return RaceEnd("fewer than two candidates could be compared", 0)
        spent = 0
        while len(entrants) >= 2:
            self.spent(spent, spent + self._left([result for result, _ in entrants]))
            if self.stop_at_s is not None and time.monotonic() > self.stop_at_s:
                return RaceEnd("the time budget is spent", spent)
            allocation = self._allocation([result for result, _ in entrants])
            affordable = self._left([result for result, _ in entrants]) // ROUNDS
            places = allocation.places[:affordable]
            if not places:
                return RaceEnd(
                    "the sessions are spent" if allocation.places else allocation.reason, spent
                )
            self.say(f"settling the front: {len(allocation.undecided)} candidates are undecided")
            chosen = [entrants[place] for place in places]
            sharper = self.sharpener.sharpen(
                [result for result, _ in chosen], [artifact for _, artifact in chosen], ROUNDS
            )
            more = sum(one.sessions for one in sharper) - sum(one.sessions for one, _ in chosen)
            if not more:
                return RaceEnd("the undecided candidates could not be timed again", spent)
            spent += more
            for result in sharper:
                refine(self.study, result)
            # The usual speed has moved with them, and with it all latencies.
            entrants = self._entrants()
        return RaceEnd("fewer than two candidates are left", spent)

    def _entrants(self) -> list[tuple[CandidateResult, Artifact]]:
        """Judged, feasible candidates whose samples and artifact are still there."""
        found = artifacts_in(self.artifacts)
        return [
            (result, found[result.artifact.sha256])
            for result in results_of(self.study, self.run_path)
            if result.status == "ok"
            and result.feasible
            and result.sessions > 0
            and result.artifact is not None
            and result.artifact.sha256 in found
            and self._file(result).is_file()
        ]

    def _file(self, result: CandidateResult) -> Path:
        """Where a timed candidate's samples lie."""
        assert result.timing is not None
        return self.run_path / result.timing.measurement_file

    def _left(self, results: Sequence[CandidateResult]) -> int:
        """Sessions that may still be spent."""
        total = self.first_sessions * len(results) + self.extra_sessions
        return max(0, total - sum(result.sessions for result in results))

    def _allocation(self, results: Sequence[CandidateResult]) -> Allocation:
        had = [result.sessions for result in results]
        plan = RacePlan(total_sessions=sum(had) + self._left(results))
        return allocate(
            belief_of(results),
            [result.psnr_y_db or 0.0 for result in results],
            had,
            plan,
            batch=BATCH,
            seed=sum(had),
        )
