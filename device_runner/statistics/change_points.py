"""Where a model's nightly latency changed its level.

Works on logarithms of one value a night, so that changes are ratios.

Sources: optimal partitioning, Jackson et al. (2005), and its penalty, Killick, Fearnhead and
Eckley (PELT, 2012); the biweight loss, by which a single odd night is neither a change nor moves
a level, Fearnhead and Rigaill, "Changepoint detection in the presence of outliers" (JASA 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from device_runner.statistics.arrays import Row, logs

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
