"""Nights with which a device took another level, as after a restart. Pure functions.

A restart lays every program out anew in memory: each model of the device is then faster or slower
than before by an amount of its own, and stays so. So where nearly all of them move in one night,
the device is taken to have a new level from that night on, and what came before is no longer
compared with. How much it takes depends on what the device tells of its uptime:

- it restarted: then nearly all models have moved by more than chance would, either way;
- it does not tell: then besides they moved beyond doubt, some up and some down, which a change of
  one's own code rarely does;
- it was up all the time: then it has its level still, whatever the models do.

Where it can fail: with few models nothing can be known, and restarts are red nights; and a change
of a runtime in the night of a restart looks the same, which is why a new level is told.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import scipy.stats

from nightly.records import Point

# So many models must have been measured: where it is known that the device restarted, and where
# it is not known whether it did.
LEAST_MODELS_RESTARTED, LEAST_MODELS = 4, 8
_NIGHTS_BEFORE, _NIGHTS_AFTER = 3, 3
# Nearly all: of the models, no more than so many may have stayed where they were.
_MAY_STAY = 0.4
# Some up and some down: of the models, at least so many on either side.
_EITHER_SIDE = 0.2
# A night is called a new level where chance would do so this rarely.
_LEVEL_RESTARTED, _LEVEL = 0.05, 3e-3
# Where nothing is known of a restart, models must have moved by so many usual deviations: a level
# that is no more than noise is not worth the steps that would be put down to it.
_LEAST_MOVE = 1.5
# Moments of one start may differ by so much: clocks drift, and are set.
_SAME_START = timedelta(minutes=10)


def restarted(boots: Mapping[int, datetime], before: int, night: int) -> bool | None:
    """Whether the device was started between two nights; None where it does not tell.

    `boots` has the moment of the last start, by the clock of the computer that measures, for each
    night that knows it. A clock that was set by more than ten minutes looks like a restart.
    """
    if before not in boots or night not in boots:
        return None
    return abs(boots[night] - boots[before]) > _SAME_START


def new_levels(
    rows: Mapping[str, Sequence[Point]], boots: Mapping[int, datetime] | None = None
) -> dict[int, float]:
    """The nights with which a new level of the device began, and by how much models moved.

    Args:
        rows: per model its nights on the device as it was, oldest first, as badness.
        boots: when the device was last started, by night; see `restarted`.

    Returns:
        Night to the typical size of a model's move, in standard deviations of a usual one.
    """
    found: dict[int, float] = {}
    noise = {model: _noise(row) for model, row in rows.items()}
    usual = statistics.median([sd for sd in noise.values() if sd > 0] or [0.0])
    if usual == 0:
        return found
    nights = sorted({point.night for row in rows.values() for point in row})
    starts = {b: restarted(boots or {}, a, b) for a, b in pairwise(nights)}
    begins = 0
    for night in nights:
        after = 1
        if starts.get(night):
            # Luck evens out over the nights since the restart, up to the next one.
            others = [n for n in nights if n > night and starts[n]]
            after = min(_NIGHTS_AFTER, sum(night <= n < min(others, default=n + 1) for n in nights))
        moves = []
        for model, row in rows.items():
            before = [p.value for p in row if begins <= p.night < night][-_NIGHTS_BEFORE:]
            since = [p.value for p in row if p.night >= night][:after]
            # Without a restart, a model that was not measured tonight says nothing of tonight.
            if before and since and (after > 1 or any(p.night == night for p in row)):
                sd = max(noise[model], 0.5 * usual) * (1 / len(since) + 1 / len(before)) ** 0.5
                moves.append((statistics.fmean(since) - statistics.fmean(before)) / sd)
        if _is_new(np.array(moves), starts.get(night)):
            found[night] = max(1.0, float(np.median(np.abs(moves))) / 0.6745)
            begins = night
    return found


def _noise(row: Sequence[Point]) -> float:
    """A night's deviation by how far it usually lies from the three before: rhythms are in it."""
    values = np.array([point.value for point in row])
    if values.size < 4:
        return 0.0
    before = np.lib.stride_tricks.sliding_window_view(values, _NIGHTS_BEFORE)[:-1].mean(axis=1)
    moves = np.abs(values[_NIGHTS_BEFORE:] - before)
    return float(np.median(moves)) / 0.6745 / (1 + 1 / _NIGHTS_BEFORE) ** 0.5


def _is_new(moves: np.ndarray, restart: bool | None) -> bool:
    """Whether the models' moves make a new level, by what is known of a restart."""
    if restart is False:
        return False
    if restart:
        return moves.size >= LEAST_MODELS_RESTARTED and _chance(moves) < _LEVEL_RESTARTED
    up = float(np.mean(moves > 0)) if moves.size else 0.0
    both_ways = _EITHER_SIDE <= up <= 1 - _EITHER_SIDE
    return (
        moves.size >= LEAST_MODELS
        and both_ways
        and float(np.median(np.abs(moves))) / 0.6745 >= _LEAST_MOVE
        and _chance(moves) < _LEVEL
    )


def _chance(moves: np.ndarray) -> float:
    """How rarely luck moves so many of the models as far; what all share is no such move."""
    stay = int(np.ceil(_MAY_STAY * moves.size))
    least = float(np.sort(np.abs(moves - np.median(moves)))[stay - 1])
    within = 2 * float(scipy.stats.norm.cdf(least)) - 1
    return float(scipy.stats.binom.cdf(stay - 1, moves.size, within))
