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

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

import numpy as np
import scipy.stats

from nightly.judging.spread import memory_of
from nightly.records import Point

# So many models must have been measured: where it is known that the device restarted, and where
# it is not known whether it did.
LEAST_MODELS_RESTARTED, LEAST_MODELS = 4, 8
_NIGHTS_BEFORE, _NIGHTS_AFTER = 3, 3
# Of normal moves half are smaller than so many deviations.
_MEDIAN = 0.6745
# Nights on which the models moved by more than so many times what they do on calm ones say nothing
# of the noise; nor does a model by fewer moves than these.
_CALM = 2.0
_LEAST_MOVES = 3
# Levels are looked for so many times, with the noise that those found before leave.
_PASSES = 3
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

    What a move is held against is learnt from the same nights, and levels that were not seen make
    it larger than it is: so it is learnt again without those that were found, until no more are.
    So is what neighbouring nights have in common, by which the means of several lie farther apart
    than those of strangers, and single neighbours less far.

    Args:
        rows: per model its nights on the device as it was, oldest first, as badness. A model that
            was not measured in the last three nights before one says nothing of it.
        boots: when the device was last started, by night; see `restarted`.

    Returns:
        Night to the standard deviation of the models' moves, as badness.
    """
    nights = sorted({point.night for row in rows.values() for point in row})
    place = {night: at for at, night in enumerate(nights)}
    table = np.full((len(rows), len(nights)), np.nan)
    for row, values in zip(rows.values(), table, strict=True):
        for point in row:
            values[place[point.night]] = point.value
    starts = [None, *(restarted(boots or {}, a, b) for a, b in pairwise(nights))]
    found: dict[int, float] = {}
    memory = 0.0
    for _ in range(_PASSES):
        noise = _noise(table, list(found), memory)
        before, found = found, _levels(table, starts, noise, memory)
        kept, memory = memory, memory_of(_stretches(table, list(found)))
        if found.keys() == before.keys() and memory == kept:
            break
    return {nights[at]: size for at, size in found.items()}


def _stretches(table: np.ndarray, levels: Sequence[int]) -> list[list[float]]:
    """Every model's nights at one level of the device, without those that are missing."""
    bounds = [0, *sorted(levels), table.shape[1]]
    return [row[a:b][np.isfinite(row[a:b])].tolist() for row in table for a, b in pairwise(bounds)]


def _levels(
    table: np.ndarray, starts: Sequence[bool | None], noise: np.ndarray, memory: float
) -> dict[int, float]:
    """As `new_levels`, by the noise of each model; places in place of nights."""
    found: dict[int, float] = {}
    begins = 0
    for at, start in enumerate(starts):
        after = 1
        if start:
            # Luck evens out over the nights since the restart, up to the next one.
            others = [n for n in range(at + 1, len(starts)) if starts[n]]
            after = min(_NIGHTS_AFTER, min(others, default=len(starts)) - at)
        moves, errors = _moves(table, begins, at, memory, after)
        known = np.isfinite(moves) & (noise > 0)
        if _is_new((moves / (errors * np.where(noise > 0, noise, 1.0)))[known], start):
            found[at] = float(np.median(np.abs(moves[known]))) / _MEDIAN
            begins = at
    return found


def _moves(
    table: np.ndarray, begins: int, at: int, memory: float, after: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """How far nights from `at` on lie from those before, of one level: (models,).

    And the error of it, in deviations of one night; a model that lacks either side has no number.
    """
    earlier = table[:, max(begins, at - _NIGHTS_BEFORE) : at]
    since = table[:, at : at + after]
    had, have = np.isfinite(earlier).sum(axis=1), np.isfinite(since).sum(axis=1)
    known = (had > 0) & (have > 0)
    moves, errors = np.full(known.shape, np.nan), np.full(known.shape, np.nan)
    moves[known] = np.nanmean(since[known], axis=1) - np.nanmean(earlier[known], axis=1)
    errors[known] = np.sqrt(1 / had[known] + 1 / have[known])
    return moves, errors * _apart(earlier.shape[1], since.shape[1], memory)


@lru_cache(maxsize=256)
def _apart(before: int, after: int, memory: float) -> float:
    """How many times as far as strangers' the means of so many neighbours lie from each other.

    As in an autoregression of the first order (Bartlett, JRSS 98, 1935).
    """
    if not before or not after:
        return 1.0
    weights = np.array([-1 / before] * before + [1 / after] * after)
    places = np.arange(before + after)
    alike = memory ** np.abs(places[:, None] - places)
    return float(np.sqrt(weights @ alike @ weights / (weights @ weights)))


def _noise(table: np.ndarray, levels: Sequence[int], memory: float) -> np.ndarray:
    """A night's deviation by how far it usually lies from those before: rhythms are in it.

    By nights on which the models did not all move, (models,); of a model with few nights what is
    usual, and no less than half of that of any. 0 where nothing is known.
    """
    models, nights = table.shape
    moves = np.full((models, nights), np.nan)
    for at in range(1, nights):
        if at not in levels:
            begins = max((one for one in levels if one < at), default=0)
            moved, errors = _moves(table, begins, at, memory)
            moves[:, at] = np.abs(moved) / errors
    known = np.isfinite(moves)
    scatter = {
        at: float(np.median(moves[known[:, at], at]))
        for at in range(nights)
        if known[:, at].sum() >= LEAST_MODELS_RESTARTED
    }
    if not scatter:
        return np.zeros(models)
    most = _CALM * float(np.quantile(list(scatter.values()), 0.25))
    calm = [at for at, one in scatter.items() if one <= most]
    noise = np.full(models, np.nan)
    for model in range(models):
        own = moves[model, calm]
        own = own[np.isfinite(own)]
        if own.size >= _LEAST_MOVES:
            noise[model] = float(np.median(own)) / _MEDIAN
    usual = float(np.median(moves[:, calm][known[:, calm]])) / _MEDIAN
    return np.maximum(np.where(np.isfinite(noise), noise, usual), 0.5 * usual)


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
        and float(np.median(np.abs(moves))) / _MEDIAN >= _LEAST_MOVE
        and _chance(moves) < _LEVEL
    )


def _chance(moves: np.ndarray) -> float:
    """How rarely luck moves so many of the models as far; what all share is no such move."""
    stay = int(np.ceil(_MAY_STAY * moves.size))
    least = float(np.sort(np.abs(moves - np.median(moves)))[stay - 1])
    within = 2 * float(scipy.stats.norm.cdf(least)) - 1
    return float(scipy.stats.binom.cdf(stay - 1, moves.size, within))
