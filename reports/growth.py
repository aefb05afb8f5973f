"""How the front grew: its hypervolume after each trial, and over the hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reports.facts import ProfileGroup
from search.front.dominance import Point, hypervolume, pareto_front
from search.study.records import CandidateResult


@dataclass(frozen=True)
class FrontGrowth:
    """Hypervolume (ms x dB) of the feasible front after each finished candidate.

    Attributes:
        reference: the point it is measured to: the slowest judged candidate, and bicubic's PSNR
            (or, where every candidate is below that or it is not known, the worst one's).
        trials: trial number and hypervolume, in the order of finishing.
        minutes: minutes since the first candidate was begun, and hypervolume; empty where the
            records hold no times.
    """

    reference: Point
    trials: tuple[tuple[int, float], ...]
    minutes: tuple[tuple[float, float], ...]

    @property
    def final(self) -> float:
        return self.trials[-1][1]

    @property
    def last_gain_trial(self) -> int:
        """The trial after which nothing was gained any more."""
        return next(number for number, volume in self.trials if volume >= self.final)


def growth(group: ProfileGroup) -> FrontGrowth | None:
    """The course of the search, None where nothing feasible was judged."""
    feasible = [r for r in group.measured if r.feasible]
    if not feasible:
        return None
    reference = _reference(group, feasible)
    ended = {id(r): _ended(r) for r in group.results}
    # Trials of several workers end out of order; without times, their numbers must do.
    timed = all(ended.values())
    order = sorted(group.results, key=lambda r: (ended[id(r)], r.number) if timed else r.number)
    front: list[Point] = []
    trials: list[tuple[int, float]] = []
    minutes: list[tuple[float, float]] = []
    volume = 0.0
    begun = ended[id(order[0])] - order[0].device_s if timed else 0.0
    places = {id(r): (r.latency_ms or 0.0, r.psnr_y_db or 0.0) for r in feasible}
    for result in order:
        if id(result) in places:
            front.append(places[id(result)])
            front = [front[i] for i in pareto_front(front)]
            volume = hypervolume(front, reference)
        trials.append((result.number, volume))
        if timed:
            minutes.append(((ended[id(result)] - begun) / 60, volume))
    return FrontGrowth(reference, tuple(trials), tuple(minutes))


def _reference(group: ProfileGroup, feasible: list[CandidateResult]) -> Point:
    slowest = max(r.latency_ms or 0.0 for r in group.measured)
    worst = min(r.psnr_y_db or 0.0 for r in group.measured)
    best = max(r.psnr_y_db or 0.0 for r in feasible)
    # A little beyond the worst, or the ends of the front would count for nothing.
    floor = max((b for b in group.bicubic_db if b < best), default=worst - 0.01)
    return 1.01 * slowest, floor


def _ended(result: CandidateResult) -> float:
    try:
        return datetime.fromisoformat(result.finished_at).timestamp()
    except ValueError:
        return 0.0
