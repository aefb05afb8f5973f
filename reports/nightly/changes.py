"""Since when a series changed: steps and creeps in a row of nights. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Nights a creep must have lasted before it can be told from a step.
MIN_CREEP_NIGHTS = 4
# 95 % of a chi-square with one degree of freedom: how much worse a date may explain the nights.
_PLAUSIBLE = 3.84


@dataclass(frozen=True)
class Change:
    """Where a series left its level; positions in the row that was given.

    Attributes:
        at: the first value that is changed.
        low, high: the range of `at` that the values allow, at 95 %.
        size: the new level less the old one; of a creep, what it has come to by the end.
        slope: change a night, where it came gradually; None for a step.
    """

    at: int
    low: int
    high: int
    size: float
    slope: float | None = None


def steps(values: Sequence[float], sd: float) -> list[int]:
    """Positions at which the level changes: the best segmentation by penalised least squares.

    Optimal partitioning (Jackson et al., IEEE Signal Process. Lett. 12, 2005) with pruning
    (Killick et al., "Optimal detection of changepoints", JASA 107, 2012). A change costs
    3 sd^2 ln n: more than Schwarz's 2, as noise from throttling has heavier tails than the
    normal. `sd` is the spread from night to night; zero makes every difference a change.
    """
    count = len(values)
    if count < 2:
        return []
    x = np.asarray(values, dtype=np.float64)
    x = x - x.mean()
    penalty = 3.0 * max(sd, 1e-9) ** 2 * np.log(max(count, 3))
    sums = np.concatenate([[0.0], np.cumsum(x)])
    squares = np.concatenate([[0.0], np.cumsum(x * x)])
    best = np.zeros(count + 1)
    best[0] = -penalty
    before = np.zeros(count + 1, dtype=np.intp)
    starts = np.array([0])
    for end in range(1, count + 1):
        length = end - starts
        total = sums[end] - sums[starts]
        costs = best[starts] + squares[end] - squares[starts] - total**2 / length
        place = int(np.argmin(costs))
        best[end] = costs[place] + penalty
        before[end] = starts[place]
        starts = np.append(starts[costs <= best[end]], end)
    found = []
    end = count
    while before[end] > 0:
        end = int(before[end])
        found.append(end)
    return found[::-1]


def last_change(values: Sequence[float], sd: float) -> Change | None:
    """The change that led to where the values end: the last step, or the creep up to now.

    Trailing steps of one direction are taken together; where a bent line explains them better
    than a single step (Hinkley, "Inference in two-phase regression", JASA 66, 1971), it is a
    creep. None where the level never changed.
    """
    x = np.asarray(values, dtype=np.float64)
    places = steps(values, sd)
    if not places:
        return None
    bounds = [0, *places, len(x)]
    levels = [float(x[a:b].mean()) for a, b in pairwise(bounds)]
    first = len(levels) - 1
    upward = levels[-1] > levels[-2]
    while first > 1 and (levels[first - 1] > levels[first - 2]) == upward:
        first -= 1
    # From the level before the run of steps to the end; older changes are another story.
    start = bounds[first - 1]
    tail = x[start:]
    step_costs = np.array([_step_cost(tail, at) for at in range(1, len(tail))])
    bend_costs = np.array(
        [_bend(tail, at)[0] for at in range(1, max(2, len(tail) - MIN_CREEP_NIGHTS + 1))]
    )
    variance = max(sd, 1e-9) ** 2
    creeping = bend_costs.min() < step_costs.min() - _PLAUSIBLE * variance
    costs = bend_costs if creeping else step_costs
    at = 1 + int(np.argmin(costs))
    allowed = 1 + np.flatnonzero(costs <= costs.min() + _PLAUSIBLE * variance)
    slope = float(_bend(tail, at)[1]) if creeping else None
    size = (
        slope * (len(tail) - at)
        if slope is not None
        else float(tail[at:].mean() - tail[:at].mean())
    )
    return Change(start + at, start + int(allowed[0]), start + int(allowed[-1]), size, slope)


def _step_cost(x: np.ndarray, at: int) -> float:
    left, right = x[:at], x[at:]
    return float(((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum())


def _bend(x: np.ndarray, at: int) -> tuple[float, float]:
    """Least squares of a level up to `at` and a straight line from there: its cost and slope."""
    ramp = np.maximum(0, np.arange(len(x)) - at + 1).astype(np.float64)
    centred = ramp - ramp.mean()
    slope = float(centred @ (x - x.mean()) / (centred @ centred))
    rest = x - x.mean() - slope * centred
    return float(rest @ rest), slope
