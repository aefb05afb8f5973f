"""Nights with which a device took another level, as after a restart. Pure functions.

A restart lays every program out anew in memory: each model of the device is then faster or slower
than before by an amount of its own, and stays so. So where all of them move in one night, each by
its own amount, the device is taken to have a new level from that night on, and what came before is
no longer compared with. How much it takes depends on what the device tells of its uptime:

- it restarted: that all moved need only be likelier than that none did;
- it does not tell: it must be likelier by more than such nights are rare, and some must have moved
  up and some down, which a change of one's own code rarely does;
- it was up all the time: then it has its level still, whatever the models do.

What is weighed is the likelihood of the models' moves, in what is usual on the device (`moves`):
around what all share, Student's t of a scale of 1 where nothing happened, and of a larger one where
all moved. Where it is likelier that some moved and the others stayed, it is no level of the device.
The night that shows most is looked for first, then on both sides of it (binary segmentation, A. J.
Scott and M. Knott, Biometrics 30, 1974).

Where it can fail: with few models nothing can be known, and restarts are red nights; and a change
of a runtime in the night of a restart looks the same, which is why a new level is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np

from nightly.judging.moves import MOST_NIGHTS, Moves, Usual, quantile, scatter, usual
from nightly.records import Point

# So many models must have been measured: where it is known that the device restarted, and where
# it is not known whether it did.
LEAST_MODELS_RESTARTED, LEAST_MODELS = 4, 8
# How wild single moves are, in degrees of freedom.
_DOF = 5.0
# How many times the usual moves may be larger where all moved; and the shares of models that may
# have moved where not all did.
_LARGER = (1.5, 2.0, 3.0, 4.5, 7.0, 12.0)
_SHARES = (0.2, 0.4, 0.6)
# What all share is looked for at these quantiles of the moves.
_SHARED = (0.2, 0.35, 0.5, 0.65, 0.8)
# By how much, as logarithms of likelihoods, it must be likelier that all moved than that none did:
# after a restart, and where nothing is known of one, for they are rare. That only some moved may be
# likelier by no more than the last: as much as is within luck of a share of all.
_RESTARTED, _UNKNOWN, _SOME = 0.0, 6.5, 2.5
# Some up and some down: of the models, at least so many on either side.
_EITHER_SIDE = 0.2
# Levels are looked for so many times, with what is usual without those that were found before.
_PASSES = 3
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

    Args:
        rows: per model its nights on the device as it was, oldest first, as badness. A model that
            was not measured in the last three nights before one says nothing of it.
        boots: when the device was last started, by night; see `restarted`.

    Returns:
        Night to the standard deviation of the models' moves, as badness.
    """
    nights = sorted({point.night for row in rows.values() for point in row})
    if len(nights) < 2 or len(rows) < LEAST_MODELS_RESTARTED:
        return {}
    place = {night: at for at, night in enumerate(nights)}
    table = np.full((len(rows), len(nights)), np.nan)
    for row, values in zip(rows.values(), table, strict=True):
        for point in row:
            values[place[point.night]] = point.value
    starts = [None, *(restarted(boots or {}, a, b) for a, b in pairwise(nights))]
    moves = Moves(table)
    found: dict[int, float] = {}
    for _ in range(_PASSES):
        held_against = usual(moves, list(found))
        if not held_against.known:
            return {}
        before, found = found, _Search(moves, held_against, starts).within(0, len(nights))
        if found.keys() == before.keys():
            break
    return {nights[at]: size for at, size in sorted(found.items())}


@dataclass(frozen=True)
class _Search:
    """Looks for levels; `starts` is of each place whether the device was started before it."""

    moves: Moves
    usual: Usual
    starts: Sequence[bool | None]

    def within(self, low: int, high: int) -> dict[int, float]:
        """The places between two bounds at which levels begin, and how far models moved."""
        # A device that was up all the time has its level still.
        places = np.array([p for p in range(low + 1, high) if self.starts[p] is not False], int)
        if not places.size:
            return {}
        best, sizes = np.full(places.size, -np.inf), np.zeros(places.size)
        for after in range(1, min(MOST_NIGHTS, high - low - 1) + 1):
            # Luck evens out over the nights since, but for those of the next level.
            fits = places + after <= high
            found = self.moves.at(places[fits], MOST_NIGHTS, after, low, high)
            margins = self._margins(found, places[fits], low, after)
            better = margins > best[fits]
            sizes[fits] = np.where(better, scatter(found), sizes[fits])
            best[fits] = np.maximum(best[fits], margins)
        top = int(best.argmax())
        if best[top] <= 0:
            return {}
        at = int(places[top])
        return self.within(low, at) | {at: float(sizes[top])} | self.within(at, high)

    def _margins(self, found: np.ndarray, places: np.ndarray, low: int, after: int) -> np.ndarray:
        """(places,): by how much it is likelier than it must be that all models moved."""
        counts = np.isfinite(found).sum(axis=0)
        before = np.minimum(MOST_NIGHTS, places - low)
        unit = self.usual.scatter[before, after] * self.usual.models[:, None]
        up = (found > 0).sum(axis=0) / np.maximum(counts, 1)
        both_ways = (up >= _EITHER_SIDE) & (up <= 1 - _EITHER_SIDE)
        known = np.array([bool(self.starts[at]) for at in places])
        may = np.where(
            known, counts >= LEAST_MODELS_RESTARTED, both_ways & (counts >= LEAST_MODELS)
        )
        margins = np.full(places.size, -np.inf)
        needed = np.where(known, _RESTARTED, _UNKNOWN)
        moves = found / unit
        if may.any():
            margins[may] = _all_moved(moves[:, may]) - needed[may]
        may = margins > 0
        if may.any():
            every = margins[may] + needed[may]
            some = _some_moved(moves[:, may])
            margins[may] = np.where(every >= some - _SOME, margins[may], -np.inf)
        return margins


def _all_moved(moves: np.ndarray) -> np.ndarray:
    """(places,): by how much it is likelier that all moved than that none did.

    Of the size and of what all share that tell it best; `moves` is (models, places), NaN where
    unknown.
    """
    found = [(least, gains.sum(axis=0).max(axis=1)) for _, least, gains in _by_shared(moves)]
    none = np.max([least for least, _ in found], axis=0)
    every = np.max([least + gain for least, gain in found], axis=0)
    # One of several sizes was chosen to fit.
    return np.asarray(every - none - math.log(len(_LARGER)))


def _some_moved(moves: np.ndarray) -> np.ndarray:
    """The same of some: of the share, and of the side, that tell it best."""
    none, some = [], []
    for off, least, gains in _by_shared(moves):
        none.append(least)
        for sides in (np.ones(off.shape), 2.0 * (off > 0), 2.0 * (off < 0)):
            moved = np.where(np.isfinite(off), sides, 1.0)[..., None] * np.exp(gains)
            some += [
                least + np.log1p(share * (moved - 1)).sum(axis=0).max(axis=1) for share in _SHARES
            ]
    return np.asarray(np.max(some, axis=0) - np.max(none, axis=0) - math.log(len(_LARGER)))


def _by_shared(moves: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """By what all may share: moves without it, how likely they are, and how much more if larger.

    (models, places), (places,) and (models, places, sizes), the latter two as logarithms but for a
    summand; of moves that are not known 0.
    """
    sizes = np.array(_LARGER)
    for place in _SHARED:
        off = moves - quantile(moves, place)
        known, squares = np.isfinite(off), np.square(off)[..., None] / _DOF
        usually = -(_DOF + 1) / 2 * np.log1p(squares)
        larger = -(_DOF + 1) / 2 * np.log1p(squares / sizes**2) - np.log(sizes)
        least = np.where(known, usually[..., 0], 0.0).sum(axis=0)
        yield off, least, np.where(known[..., None], larger - usually, 0.0)
