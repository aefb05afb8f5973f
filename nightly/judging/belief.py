"""How likely a series is now at a worse level than its baseline. Pure functions.

A filter (the forward half of a hidden Markov model: L. R. Rabiner, Proc. IEEE 77, 1989): each night
the series is at its baseline or at one of a ladder of levels beside it, and every night it may move
from one to another, rarely to a worse one and more readily back. What is believed after a night is
what was believed before, moved by the chance of such moves, and weighed with how well each level
explains the night (Shiryaev's rule, Theory Probab. Appl. 8, 1963, is the case of one worse level
and no way back). Where the baseline lies is believed in the same way, beside the level: it goes on
being learnt from every night that seems to be of it, and a step among the first nights is a step.

Assumed: the first night is of the baseline, by decree; a night's luck is Student's t; neighbouring
nights are alike as in an autoregression of the first order (`Spread.memory`), and the noise is as
it was learnt. Where it can fail: noise of other kinds, e.g. levels that come and go by themselves,
looks like what it is, a worse level; `relevel` tells those of the device apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from nightly.judging.spread import Spread
from nightly.records import Point

# Odds of being worse, as logarithms: from the first on it is red, where a second look alone shows
# the second; down to the third it stays so, and from there on it is told as unconfirmed; from the
# last on it gets a second look, for that is cheap, and a false alarm is not.
RED_ODDS, SECOND_LOOK_ODDS, STAYING_ODDS, SUSPECT_ODDS = 0.0, -1.0, -1.5, -3.0
# On a later level of the device nothing more is learnt of it: what is red there for good must have
# been worse as surely as nineteen of twenty.
SURE_ODDS = 3.0
# Levels beside the baseline, in floors, or in half deviations of a night where those are larger:
# what lies within one is no regression, but a level all the same. Values beyond the largest count
# as that.
_BESIDE = (-7.0, -3.0, -1.5, -0.5, 0.0, 0.5, 1.2, 1.7, 2.5, 3.7, 5.5, 9.0)
_SIZES = np.array(_BESIDE)
_WORSE = _SIZES > 1.0
_BASE = _BESIDE.index(0.0)
_LEAST_UNIT = 0.5
# Chance a night of a move back to the baseline, from a worse level to its neighbours, and to levels
# that are no regression. That of a move to a worse level is asked for.
_BACK, _TO_NEIGHBOURS, _HARMLESS = 0.05, 0.003, 0.002
# Single nights are at least as wild as Student's t of so many degrees of freedom.
_MOST_DOF = 40.0
# Among so many values the least is looked for that would turn a series red.
_VALUES = 48
# The baseline is looked for around the first nights, in steps of so many deviations, and not
# farther from the first one than so many.
_FIRST_NIGHTS, _STEP, _FAR, _MARGIN = 14, 0.4, 8.0, 1.5


@dataclass(frozen=True)
class Belief:
    """What is believed after the nights so far, and what the next one is weighed with.

    Attributes:
        mass: (baselines, levels), probabilities.
        baselines: (baselines,), on the scale of badness.
        sizes: (levels,), what each level lies above the baseline.
        chance: of a change for the worse, a night.
        spread: noise of a night.
        last: the last night.
    """

    mass: np.ndarray
    baselines: np.ndarray
    sizes: np.ndarray
    chance: float
    spread: Spread
    last: Point

    @property
    def log_odds(self) -> float:
        """Of being worse by more than the floor against not being so."""
        return float(_log_odds(self.mass[None])[0])

    @property
    def baseline(self) -> float:
        """Where the baseline lies, by the mean of what is believed."""
        return float(self.mass.sum(axis=1) @ self.baselines)

    def then(self, point: Point, *, unsteady: float = 1.0) -> Belief:
        """After one more night; `unsteady` is by how much more doubt it is judged."""
        return replace(self, mass=self._after([point], unsteady)[0], last=point)

    def least_worse(self, tonight: Point, *, unsteady: float = 1.0) -> float:
        """The least value of tonight after which it is likelier worse than not.

        With tonight's sessions; infinite where no single night suffices.
        """
        values = np.linspace(self.baseline, self.baseline + float(self.sizes[-1]), _VALUES)
        points = [replace(tonight, value=float(value)) for value in values]
        odds = _log_odds(self._after(points, unsteady))
        above = np.flatnonzero(odds > 0)
        if not above.size:
            return math.inf
        at = int(above[0])
        return float(
            np.interp(0.0, odds[at - 1 : at + 1], values[at - 1 : at + 1]) if at else values[0]
        )

    def _after(self, points: Sequence[Point], unsteady: float) -> np.ndarray:
        """(points, baselines, levels): the mass after a night that was each of these."""
        levels = (self.baselines[:, None] + self.sizes)[None]
        count = len(points)
        weights = _weights(levels, [self.spread] * count, [self.last] * count, points, unsteady)
        return _moved(self.mass[None], weights, self.chance)


def beliefs(
    rows: Sequence[Sequence[Point]], spreads: Sequence[Spread], floor: float, chance: float
) -> list[Belief]:
    """What is believed of each series after its nights.

    Args:
        rows: of each series all nights since its baseline, red ones as well, oldest first, at
            least one.
        spreads: of each the noise of a night.
        floor: the smallest change that counts.
        chance: of a change for the worse, a night.
    """
    units = np.array([max(floor, _LEAST_UNIT * spread.sd) for spread in spreads])
    sizes = units[:, None] * _SIZES
    baselines = _baselines(rows, spreads)
    levels = baselines[:, :, None] + sizes[:, None, :]
    mass = np.zeros(levels.shape)
    firsts = [row[0] for row in rows]
    first = _weights(levels, spreads, None, firsts)[:, :, _BASE]
    mass[:, :, _BASE] = first / first.sum(axis=1, keepdims=True)
    for night in range(1, max(map(len, rows))):
        going = [at for at, row in enumerate(rows) if len(row) > night]
        weights = _weights(
            levels[going],
            [spreads[at] for at in going],
            [rows[at][night - 1] for at in going],
            [rows[at][night] for at in going],
        )
        mass[going] = _moved(mass[going], weights, chance)
    return [
        Belief(mass[at], baselines[at], sizes[at], chance, spreads[at], row[-1])
        for at, row in enumerate(rows)
    ]


def _log_odds(mass: np.ndarray) -> np.ndarray:
    """Of worse levels against the others, by (series, baselines, levels)."""
    worse = mass[:, :, _WORSE].sum(axis=(1, 2))
    better = mass[:, :, ~_WORSE].sum(axis=(1, 2))
    return np.asarray(np.log(np.maximum(worse, 1e-300)) - np.log(np.maximum(better, 1e-300)))


def _moved(mass: np.ndarray, weights: np.ndarray, chance: float) -> np.ndarray:
    """The mass of (series, baselines, levels) a night later, by the weights of `_weights`."""
    moves = _moves(chance)
    if weights.ndim == mass.ndim:
        found = (mass @ moves) * weights
    else:
        found = ((mass[..., None] * moves) * weights).sum(axis=2)
    return np.asarray(found / found.sum(axis=(1, 2), keepdims=True))


def _weights(
    levels: np.ndarray,
    spreads: Sequence[Spread],
    last: Sequence[Point] | None,
    points: Sequence[Point],
    unsteady: float = 1.0,
) -> np.ndarray:
    """How well each of (series, baselines, levels) explains the night, but for a factor.

    Where nights are alike what the night before was off by is partly still there, so that it
    depends on the level one comes from as well: (series, baselines, from, to).
    """

    def held(row: Sequence[Point]) -> np.ndarray:
        values = np.array([point.value for point in row])
        # What lies beyond the levels counts as the farthest one.
        return np.clip(values, levels[:, 0, 0], levels[:, -1, -1])[:, None, None]

    shape = (-1, 1, 1)
    sd = np.array([_sd(*one, unsteady) for one in zip(spreads, points, strict=True)]).reshape(shape)
    dof = np.array([min(_MOST_DOF, one.dof, one.tail) for one in spreads]).reshape(shape)
    off = held(points) - levels
    if last is not None and spreads[0].memory:
        apart = [max(1, b.night - a.night) for a, b in zip(last, points, strict=True)]
        kept = np.array([s.memory**n for s, n in zip(spreads, apart, strict=True)]).reshape(shape)
        before = kept * (held(last) - levels)
        sd = sd * np.sqrt(1 - kept**2)
        off = off[:, :, None, :] - before[:, :, :, None]
        sd, dof = sd[..., None], dof[..., None]
    logs = -(dof + 1) / 2 * np.log1p(np.square(off / sd) / dof)
    axes = tuple(range(1, logs.ndim))
    return np.asarray(np.exp(np.maximum(logs - logs.max(axis=axes, keepdims=True), -600.0)))


def _sd(spread: Spread, point: Point, unsteady: float) -> float:
    own = max(math.sqrt(spread.variance(point.sessions)) * unsteady, point.error)
    return math.hypot(own, (1 - point.beside) * spread.common)


def _baselines(rows: Sequence[Sequence[Point]], spreads: Sequence[Spread]) -> np.ndarray:
    """(series, baselines): between the middles of the first nights, and a little beyond."""
    bounds, count = [], 1
    for row, spread in zip(rows, spreads, strict=True):
        values = [point.value for point in row[:_FIRST_NIGHTS]]
        middles = [float(np.median(values[at : at + 3])) for at in range(max(1, len(values) - 2))]
        middle, far, margin = float(np.median(values)), _FAR * spread.sd, _MARGIN * spread.sd
        low = min(middle, max(min(middles), values[0] - far)) - margin
        high = max(middle, min(max(middles), values[0] + far)) + margin
        bounds.append((low, high))
        count = max(count, 1 + math.ceil((high - low) / (_STEP * spread.sd)))
    return np.array([np.linspace(low, high, count) for low, high in bounds])


@lru_cache(maxsize=16)
def _moves(chance: float) -> np.ndarray:
    """(from, to): chances of a night's move from one level to another."""
    count = _SIZES.size
    found = np.zeros((count, count))
    for at in range(count):
        if _WORSE[at]:
            for beside in (at - 1, at + 1):
                if beside < count and _WORSE[beside]:
                    found[at, beside] += _TO_NEIGHBOURS / 2
        else:
            found[at, _WORSE] += chance / _WORSE.sum()
            found[at, ~_WORSE] += _HARMLESS / (~_WORSE).sum()
        if at != _BASE:
            found[at, _BASE] += _BACK
        found[at, at] = 0.0
        found[at, at] = 1.0 - found[at].sum()
    return found
