"""Since when a series changed: steps and creeps in a row of nights. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from device_runner.statistics.change_points import MIN_NIGHTS_OF_A_LEVEL, change_points

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


def last_change(values: Sequence[float], sd: float) -> Change | None:
    """The change that led to where the values end: the last step, or the creep up to now.

    For values of which something is known to have changed: then this says when. The change points
    of `device_runner.statistics` cut older stories off; those of one direction at the end are one
    story, and where a bent line tells it better than a single step (Hinkley, "Inference in
    two-phase regression", JASA 66, 1971), it is a creep. None for fewer than two values.
    """
    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return None
    start = _last_story(x, sd)
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


def _last_story(x: np.ndarray, sd: float) -> int:
    """Where the level began that the values left last."""
    # Change points are sought in logarithms of positive values: these become such.
    found = change_points(np.exp(x - x.mean()), least_noise=max(sd, 1e-9))
    bounds = [0, *(one.night for one in found), len(x)]
    levels = [float(np.median(x[a:b])) for a, b in pairwise(bounds)]
    # A change of the last nights is too young to be among the change points: a level may end it.
    first = len(levels) - 1
    upward = float(x[-1]) > levels[-1] if first == 0 else levels[-1] > levels[-2]
    while first > 1 and (levels[first - 1] > levels[first - 2]) == upward:
        first -= 1
    if len(x) - bounds[-2] > 2 * MIN_NIGHTS_OF_A_LEVEL and _leaves(x[bounds[-2] :], sd):
        return bounds[-2]
    return bounds[max(0, first - 1)]


def _leaves(level: np.ndarray, sd: float) -> bool:
    """Whether the last night or two lie clearly off the level that they would belong to."""
    away = abs(float(level[-1]) - float(np.median(level[:-MIN_NIGHTS_OF_A_LEVEL])))
    return away > 4 * max(sd, 1e-9)


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
