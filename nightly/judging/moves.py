"""How far the models of a device moved from some nights to the next, and how far they usually do.

Everything is about a table of (models, nights), as badness, NaN where a model was not measured. A
move is the mean of a few nights from a place on, less the mean of a few nights before it. What is
usual is read from the same moves elsewhere in the table, so that whatever makes nights alike or
unlike (warm weeks, rhythms) is in it. Pure functions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Means are taken of no more than so many nights on either side.
MOST_NIGHTS = 3
# Of fewer models a night's scatter is not known.
LEAST_MODELS = 4
# Of normal moves half are smaller than so many deviations.
_MEDIAN = 0.6745
# Nights that all models moved in are no more than three in four: the calmest quarter has none of
# them, and its upper end lies about a tenth below the middle of calm nights.
_CALMEST, _BELOW_MIDDLE = 0.25, 0.9
# Nights beyond so many times what is usual say nothing of a single model's noise.
_CALM = 2.0
# A move says so much of a model's own noise; that it is the usual one is believed like so many.
_DOF_A_MOVE, _PRIOR_DOF = 0.4, 6.0


class Moves:
    """The moves of one table."""

    def __init__(self, table: np.ndarray) -> None:
        """`table` is (models, nights)."""
        known = np.isfinite(table)
        self.models, self.nights = table.shape
        self._sums = np.pad(np.cumsum(np.where(known, table, 0.0), axis=1), ((0, 0), (1, 0)))
        self._counts = np.pad(np.cumsum(known, axis=1), ((0, 0), (1, 0)))

    def at(self, places: np.ndarray, before: int, after: int, low: int, high: int) -> np.ndarray:
        """(models, places): the moves at places, of so many nights between `low` and `high`.

        NaN where a model was measured on none of the nights of either side.
        """
        began, ended = np.maximum(low, places - before), np.minimum(high, places + after)
        earlier, later = self._means(began, places), self._means(places, ended)
        return np.asarray(later - earlier)

    def _means(self, first: np.ndarray, end: np.ndarray) -> np.ndarray:
        counts = self._counts[:, end] - self._counts[:, first]
        sums = self._sums[:, end] - self._sums[:, first]
        return np.asarray(np.where(counts > 0, sums, np.nan) / np.maximum(counts, 1))


@dataclass(frozen=True)
class Usual:
    """What moves are like where nothing happened.

    Attributes:
        scatter: (nights before, nights after), from 1 on: the models' deviation from what all of
            them share. NaN where it is not known.
        models: (models,), how many times as much each scatters.
    """

    scatter: np.ndarray
    models: np.ndarray

    @property
    def known(self) -> bool:
        """Whether there is anything to hold a move against."""
        return bool(self.scatter[1, 1] > 0)


def usual(moves: Moves, levels: Sequence[int]) -> Usual:
    """By the calmest quarter of the nights, within the levels that begin at these places."""
    most = MOST_NIGHTS + 1
    found = np.full((most, most), np.nan)
    bounds = [0, *sorted(levels), moves.nights]
    for before in range(1, most):
        for after in range(1, most):
            seen = [
                scatter(moves.at(np.arange(low + before, high - after + 1), before, after, 0, high))
                for low, high in pairwise(bounds)
            ]
            known = np.concatenate(seen)
            known = known[np.isfinite(known)]
            # Less than of strangers it never is.
            least = found[1, 1] * np.sqrt((1 / before + 1 / after) / 2)
            if known.size:
                found[before, after] = np.quantile(known, _CALMEST) / _BELOW_MIDDLE
            found[before, after] = np.fmax(found[before, after], least)
    return Usual(found, _by_model(moves, levels, float(found[1, 1])))


def quantile(table: np.ndarray, share: float) -> np.ndarray:
    """(columns,): of each column's numbers; NaN where there is none.

    As NumPy's `nanquantile`, which takes ten times as long for tables as small as these.
    """
    found = np.sort(table, axis=0)
    place = share * (np.maximum(np.isfinite(table).sum(axis=0), 1) - 1)
    below = np.floor(place).astype(int)
    above = np.ceil(place).astype(int)
    columns = np.arange(table.shape[1])
    low, high = found[below, columns], found[above, columns]
    return np.asarray(low + (place - below) * (high - low))


def scatter(moves: np.ndarray) -> np.ndarray:
    """(places,): the models' deviation around what they share, by medians; NaN where unknown."""
    found = np.full(moves.shape[1], np.nan)
    known = np.isfinite(moves).sum(axis=0) >= LEAST_MODELS
    if known.any():
        off = moves[:, known] - quantile(moves[:, known], 0.5)
        found[known] = quantile(np.abs(off), 0.5) / _MEDIAN
    return found


def _by_model(moves: Moves, levels: Collection[int], usually: float) -> np.ndarray:
    """(models,): each one's noise as a multiple of the usual, drawn towards 1 where little known.

    The moderated variance of G. K. Smyth, see `spread.moderated`.
    """
    places = np.array([at for at in range(1, moves.nights) if at not in levels], dtype=int)
    if not usually > 0 or not places.size:
        return np.ones(moves.models)
    found = moves.at(places, 1, 1, 0, moves.nights)
    found = found[:, scatter(found) <= _CALM * usually]
    counts = np.isfinite(found).sum(axis=1)
    own = np.ones(moves.models)
    if found.shape[1]:
        off = np.abs(found - quantile(found, 0.5))[counts > 0]
        own[counts > 0] = quantile(off.T, 0.5) / _MEDIAN / usually
    dof = _DOF_A_MOVE * counts
    return np.asarray(np.sqrt((dof * own**2 + _PRIOR_DOF) / (dof + _PRIOR_DOF)))
