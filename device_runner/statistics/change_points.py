"""Where a model's nightly latency changed its level, and whether it creeps.

Works on logarithms of one value a night, so that changes are ratios.

Sources: optimal partitioning, Jackson et al. (2005), and its penalty, Killick, Fearnhead and
Eckley (PELT, 2012); the biweight loss, by which a single odd night is neither a change nor moves
a level, Fearnhead and Rigaill, "Changepoint detection in the presence of outliers" (JASA 2019);
creep by Mann (1945) and Kendall with the slope of Theil (1950) and Sen (1968).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.stats

from device_runner.statistics.arrays import Interval, Row, logs, require_share

# A new level must have lasted this many nights: two alike could be one bad weekend.
MIN_NIGHTS_OF_A_LEVEL = 3
# What a change must save, in squared standard deviations of a night and logarithms of the number
# of nights. `python benchmarks/change_points.py` prints what it lets through.
PENALTY = 7.0
# A smaller change, as a share, is none that anyone should be woken for.
LEAST_CHANGE = 0.015
# Beyond this many standard deviations a night counts as odd and weighs no more.
ODD_NIGHT = 3.0
GRID_STEP = 0.25
MAX_GRID = 400
MIN_NIGHTS_FOR_A_TREND = 8
# Creep is claimed at this level only: it is tested anew each night.
TREND_LEVEL = 1e-4


@dataclass(frozen=True)
class Level:
    """Nights `start` to `stop` (excluded) at one level, in ms."""

    start: int
    stop: int
    value_ms: float


@dataclass(frozen=True)
class ChangePoint:
    """The first night of a new level, and the new level over the one before."""

    night: int
    ratio: float


@dataclass(frozen=True)
class Trend:
    """A creep: by what factor a night changes the latency, with its interval, and its p-value."""

    ratio_per_night: float
    interval: Interval
    p_value: float
    nights: int

    def creeps(self, level: float = TREND_LEVEL) -> bool:
        """Whether the creep may be claimed."""
        return self.p_value <= level


def night_noise(log_values: np.ndarray) -> float:
    """Standard deviation of a night around its level, from neighbouring nights' differences.

    By the median of their sizes, which neither steps nor odd nights move (Hampel 1974), and a
    little more for few nights, whose median is itself uncertain.
    """
    if log_values.size < 3:
        return 0.0
    differences = np.diff(log_values)
    few = 1.0 + 3.0 / differences.size
    return float(few * 1.4826 * np.median(np.abs(differences)) / np.sqrt(2.0))


def levels(nightly_ms: Row, *, penalty: float = PENALTY, least_noise: float = 0.002) -> list[Level]:
    """The stretches of nights at one level, in order; at least one.

    Args:
        nightly_ms: one value a night, e.g. the drift-corrected median.
        penalty: what a change must save; more makes fewer changes.
        least_noise: the noise of a night is taken to be this at least, as a share, so that a
            few nights that agree by chance do not make the next one a change.
    """
    values = logs(nightly_ms, "nightly_ms")
    noise = max(night_noise(values), least_noise)
    cuts = _partition(values / noise, penalty * float(np.log(max(values.size, 2))))
    return [
        Level(start, stop, float(np.exp(np.median(values[start:stop]))))
        for start, stop in pairwise(cuts)
    ]


def _partition(values: np.ndarray, penalty: float) -> list[int]:
    """Where the cheapest partition cuts, both ends included; values in standard deviations.

    A stretch costs the least sum over its nights of min((x - level)^2, ODD_NIGHT^2), with the
    level on a grid; every partition is weighed against every other, in O(nights^2 x grid).
    """
    count = values.size
    spread = float(np.ptp(values))
    grid = np.linspace(
        values.min(), values.max(), int(min(MAX_GRID, max(2, np.ceil(spread / GRID_STEP) + 1)))
    )
    losses = np.minimum((values[:, None] - grid[None, :]) ** 2, ODD_NIGHT**2)
    sums = np.vstack([np.zeros(grid.size), np.cumsum(losses, axis=0)])
    best = np.full(count + 1, np.inf)
    best[0] = -penalty
    came_from = np.zeros(count + 1, dtype=int)
    for stop in range(min(MIN_NIGHTS_OF_A_LEVEL, count), count + 1):
        starts = np.arange(max(1, stop - MIN_NIGHTS_OF_A_LEVEL + 1))
        costs = best[starts] + (sums[stop] - sums[starts]).min(axis=1) + penalty
        came_from[stop] = int(np.argmin(costs))
        best[stop] = costs[came_from[stop]]
    cuts = [count]
    while cuts[-1] > 0:
        cuts.append(int(came_from[cuts[-1]]))
    return cuts[::-1]


def change_points(
    nightly_ms: Row,
    *,
    penalty: float = PENALTY,
    least_noise: float = 0.002,
    least_change: float = LEAST_CHANGE,
) -> list[ChangePoint]:
    """Each night with which a new level began, and by what ratio it changed. See `levels`.

    Changes of less than `least_change`, as a share, are left out. Nights are taken to be
    independent: such as follow each other's warmth raise more false alarms.
    """
    found = levels(nightly_ms, penalty=penalty, least_noise=least_noise)
    changes = [
        ChangePoint(after.start, after.value_ms / before.value_ms)
        for before, after in pairwise(found)
    ]
    return [c for c in changes if abs(np.log(c.ratio)) >= np.log1p(least_change)]


def trend(nightly_ms: Row, *, confidence: float = 0.95) -> Trend:
    """Whether the nights creep, by Mann and Kendall's test, with Theil and Sen's slope.

    Give the nights of one level: a step is no creep, but looks like one here. Nights are taken to
    be independent; such as follow each other's warmth make p-values too small. Below
    `MIN_NIGHTS_FOR_A_TREND` nights it gives up: p-value 1, unbounded interval.
    """
    require_share(confidence, "confidence")
    values = logs(nightly_ms, "nightly_ms")
    if values.size < MIN_NIGHTS_FOR_A_TREND:
        return Trend(1.0, Interval(0.0, float("inf")), 1.0, values.size)
    nights = np.arange(values.size)
    if np.ptp(values) == 0:
        return Trend(1.0, Interval(1.0, 1.0), 1.0, values.size)
    slope, _, low, high = scipy.stats.theilslopes(values, nights, confidence)
    p_value = float(scipy.stats.kendalltau(nights, values).pvalue)
    bounds = Interval(float(np.exp(low)), float(np.exp(high)))
    return Trend(float(np.exp(slope)), bounds, p_value, values.size)
