"""Nights with which a device took another level, as after a restart. Pure functions.

A restart lays every program out anew in memory: each model of the device is then faster or slower
than before by an amount of its own, and stays so. A change of one's own code rarely makes most
models move in the same night, some up and some down. So where nearly all of them do, the device
is taken to have a new level from that night on, and what came before is no longer compared with.

Where it can fail: with fewer models than `LEAST_MODELS` nothing can be known, and restarts are red
nights; and a change of a runtime that makes some models faster and others slower looks the same,
which is why it is told.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.stats

from nightly.records import Point

LEAST_MODELS = 8
_NIGHTS_BEFORE = 3
# Nearly all: of the models, no more than so many may have stayed where they were.
_MAY_STAY = 0.4
# Some up and some down: of the models, at least so many on either side.
_EITHER_SIDE = 0.2
# A night is called a new level where chance would do so this rarely.
_LEVEL = 3e-3


def new_levels(rows: Mapping[str, Sequence[Point]]) -> dict[int, float]:
    """The nights with which a new level of the device began, and by how much models moved.

    Args:
        rows: per model its nights on the device as it was, oldest first, as badness.

    Returns:
        Night to the typical size of a model's move, in standard deviations of a usual one.
    """
    found: dict[int, float] = {}
    noise = {model: _noise(row) for model, row in rows.items()}
    usual = statistics.median([sd for sd in noise.values() if sd > 0] or [0.0])
    if usual == 0:
        return found
    begins = 0
    for night in sorted({point.night for row in rows.values() for point in row}):
        moves = []
        for model, row in rows.items():
            before = [p.value for p in row if begins <= p.night < night][-_NIGHTS_BEFORE:]
            tonight = next((p.value for p in row if p.night == night), None)
            if before and tonight is not None:
                sd = max(noise[model], 0.5 * usual) * (1 + 1 / len(before)) ** 0.5
                moves.append((tonight - statistics.fmean(before)) / sd)
        if _all_moved(np.array(moves)):
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


def _all_moved(moves: np.ndarray) -> bool:
    """Whether nearly all models moved, to both sides, beyond what luck does."""
    count = moves.size
    if count < LEAST_MODELS:
        return False
    up = float(np.mean(moves > 0))
    if not _EITHER_SIDE <= up <= 1 - _EITHER_SIDE:
        return False
    stay = int(np.ceil(_MAY_STAY * count))
    least = float(np.sort(np.abs(moves - np.median(moves)))[stay - 1])
    within = 2 * float(scipy.stats.norm.cdf(least)) - 1
    return float(scipy.stats.binom.cdf(stay - 1, count, within)) < _LEVEL
