"""How much a value changes from night to night when nothing has changed. Pure functions.

Nights need not be independent: a room that warms over days makes neighbours alike, so that what
neighbours differ by understates how far tonight may lie from a baseline of long ago. The spread is
therefore read from nights that lie apart, by medians, so that a step is seen by few of the
differences and wild nights by hardly any; what neighbours share (`memory`) is what their deviations
have in common, in the middle model. Assumed: the memory is that of an autoregression of the first
order, and the same for all models of a device. A level of the device that lasts for weeks is told
apart in `relevel`.

Everything here is on the scale of `Metric.badness`, where differences add up. What a night adds
of its own (another temperature, another place in memory) is part of it, so it is learnt from the
nights, not from the sessions within one; and since one model has few nights, it borrows from the
other models on the device.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from device_runner.statistics.moderation import shared_variance

# A normal sample's |difference of neighbours| has the median 0.6745 * sqrt(2) standard deviations.
_MEDIAN_DIFFERENCE = 0.6745 * 2**0.5
# How many nights apart two must lie, where there are as many, to count as strangers.
_FAR = 5
# From so many differences on their middle is known well enough to tell a creep.
_LEAST_CREEPING = 12
# Fewer differences of neighbours say nothing of wild nights.
_LEAST_TAIL = 300
UNKNOWN_TAIL = 12.0
# With fewer pairs of neighbours, or in shorter rows, nothing is said of what they share.
_LEAST_PAIRS, _LEAST_ROW = 60, 7
# A row's own mean takes (1 + 3 memory) / n from the correlation of its neighbours.
_LOST_NIGHTS = 3
# Standard errors that it must exceed, each that of a median of correlations over so many pairs.
_BEYOND_LUCK, _EFFICIENCY_OF_MEDIAN = 2.0, 2 / math.pi
# Nights beyond so many deviations count as that many.
_MOST_DEVIATIONS = 2.5
# What lasts for longer than this tells is no luck of nights but a level, or a creep.
MOST_MEMORY = 0.7
# Of normal differences, one in a hundred is larger than so many medians; Student's t by its
# degrees of freedom.
_LARGEST, _TAILS, _WILDEST = 0.99, ((3.819, math.inf), (4.2, 12.0), (5.0, 6.0), (6.4, 3.5)), 3.0
# That quantile of so many differences is larger by luck, in one case of thirty, by this over the
# root of their number; and a median of them is worth so much beside squares. By simulation.
_LUCK_OF_LARGEST, _DOF_OF_MEDIAN = 2.6, 0.45
# What a night is worth in the median of |differences| beside independent squares: by simulation of
# 14 to 60 independent nights 0.45 to 0.5, of nights alike by 0.6 0.3 to 0.4.
_DOF_A_DIFFERENCE = 0.3
# The assumption that a metric brings along weighs as much as so many nights' worth of knowledge.
PRIOR_DOF = 6.0
# Of so many models the usual one is known; one that scatters so many times as much counts as that.
_LEAST_POOLED = 8
_MOST_OF_USUAL = 2.0
# However alike the models are, each keeps some say of its own; where they are few or unlike, more.
MAX_POOL_DOF = 200.0
UNLIKE_POOL_DOF = 30.0
# From so many times the usual scatter between sessions on a night is rough.
ROUGH_SESSIONS = 1.7
# No more than this share of a night's standard deviation is put down to its sessions.
_MOST_WITHIN = 0.9


@dataclass(frozen=True)
class Spread:
    """How much a night's value scatters, and the degrees of freedom that is known with.

    Attributes:
        sd: standard deviation of a usual night's value.
        within: the part of it that stems from luck within the night, i.e. the standard error of a
            middle of `sessions` sessions; more sessions make it less, nothing else does.
        common: standard deviation of what all models of a night share. No part of `sd`: it counts
            for points of which it could not be taken out.
        memory: correlation of neighbouring nights.
        tail: degrees of freedom of a single night's luck; the fewer, the wilder are single nights.
    """

    sd: float
    dof: float
    within: float = 0.0
    sessions: int = 1
    common: float = 0.0
    memory: float = 0.0
    tail: float = math.inf

    def variance(self, sessions: int) -> float:
        """Of the value of a night that was looked at in so many sessions."""
        # Sessions of one night share its luck: some is always left between nights.
        within = min(self.within, _MOST_WITHIN * self.sd)
        return self.sd**2 - within**2 + within**2 * self.sessions / max(1, sessions)


def own_spread(values: Sequence[float], memory: float = 0.0) -> Spread | None:
    """Of one series, from the differences of nights that lie apart; None with fewer than three.

    What nights so far apart still have in common, by the correlation `memory` of neighbours, is no
    part of their differences, and is added.

    Differences see a step in as many pairs as they lie nights apart, and their median instead of
    their mean square does not see a few wild nights either (von Neumann et al., "The mean square
    successive difference", Ann. Math. Stat. 12, 1941, is that of neighbours).
    """
    if len(values) < 3:
        return None
    apart = max(1, min(_FAR, len(values) // 3))
    found = statistics.fmean(
        _difference_sd(values, lag) ** 2 / (1 - memory**lag)
        for lag in range(max(1, apart - 1), apart + 1)
    )
    return Spread(found**0.5, _DOF_A_DIFFERENCE * (len(values) - 1))


def _difference_sd(values: Sequence[float], lag: int) -> float:
    """Standard deviation of a night, from nights so far apart; what creeps is taken off."""
    row = np.asarray(values, dtype=np.float64)
    differences = row[lag:] - row[:-lag]
    if differences.size >= _LEAST_CREEPING:
        differences = differences - np.median(differences)
    return float(np.median(np.abs(differences))) / _MEDIAN_DIFFERENCE


def memory_of(rows: Sequence[Sequence[float]]) -> float:
    """What neighbouring nights of a device's models have in common, 0 to `MOST_MEMORY`.

    The correlation of neighbours, of the middle model: one that changed looks as if all its nights
    were alike. A short row's own mean takes some of it away, which is given back (F. H. C. Marriott
    and J. A. Pope, Biometrika 41, 1954: it lies (1 + 3 memory) / n too low). 0 where it cannot
    be told from none, and where there are too few nights to know.
    """
    long = [np.asarray(row, dtype=np.float64) for row in rows if len(row) >= _LEAST_ROW]
    pairs = sum(row.size - 1 for row in long)
    if pairs < _LEAST_PAIRS:
        return 0.0
    middle = statistics.median(_neighbours_alike(row) for row in long)
    by_luck = _BEYOND_LUCK / (_EFFICIENCY_OF_MEDIAN * pairs) ** 0.5
    # What makes up for short rows makes their luck larger as well.
    by_luck *= statistics.median(row.size / (row.size - _LOST_NIGHTS) for row in long)
    return min(MOST_MEMORY, middle) if middle > by_luck else 0.0


def _neighbours_alike(row: np.ndarray) -> float:
    """The correlation of one row's neighbours, without what its length takes away from it."""
    off = row - np.median(row)
    most = _MOST_DEVIATIONS * 1.4826 * float(np.median(np.abs(off)))
    off = np.clip(off, -most, most)
    off -= off.mean()
    squares = float(off @ off)
    if squares == 0:
        return 0.0
    return (float(off[1:] @ off[:-1]) / squares * row.size + 1) / (row.size - _LOST_NIGHTS)


def tail_of(rows: Sequence[Sequence[float]]) -> float:
    """Degrees of freedom of Student's t that a single night's luck is like; infinite for normal.

    From how much larger the largest differences of neighbours are than the usual ones of their row;
    `UNKNOWN_TAIL` where there are fewer than `_LEAST_TAIL` of them. A model that moved is one large
    difference, a wild night two.
    """
    parts = [np.abs(np.diff(row)) for row in rows if len(row) >= 8]
    parts = [part for part in parts if np.median(part) > 0]
    count = sum(part.size for part in parts)
    if count < _LEAST_TAIL:
        return UNKNOWN_TAIL
    usual = _usual_differences(parts)
    ratios = np.concatenate([part / one for part, one in zip(parts, usual, strict=True)])
    ratio = float(np.quantile(ratios, _LARGEST))
    beyond = 1 + _LUCK_OF_LARGEST / math.sqrt(count)
    return next((freedom for most, freedom in _TAILS if ratio <= most * beyond), _WILDEST)


def _usual_differences(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Of each row; the median of a short one wavers, so it is drawn towards what all have."""
    own = np.array([float(np.median(part)) ** 2 for part in parts])
    freedom = _DOF_OF_MEDIAN * np.array([part.size for part in parts])
    shared, lent = shared_variance(own, freedom) if len(parts) > 1 else (0.0, 0.0)
    return np.asarray(np.sqrt((freedom * own + lent * shared) / (freedom + lent)))


def pool(spreads: Sequence[Spread], assumed_sd: float) -> Spread:
    """What the models of a device have in common, with what is assumed beforehand.

    The assumption is one more, weak, witness: it decides on the first nights and fades after. A
    model that scatters far more than the others do has changed, and is no witness of the noise.
    The more alike the models' own noises are, the more the common one counts for each.
    """
    most_dof = UNLIKE_POOL_DOF
    if len(spreads) >= _LEAST_POOLED:
        most = _MOST_OF_USUAL * statistics.median(spread.sd for spread in spreads)
        spreads = [replace(spread, sd=min(spread.sd, most)) for spread in spreads]
        most_dof = min(MAX_POOL_DOF, max(UNLIKE_POOL_DOF, _likeness(spreads)))
    dof = sum(spread.dof for spread in spreads)
    total = PRIOR_DOF * assumed_sd**2 + sum(s.dof * s.sd**2 for s in spreads)
    # From plenty of nights on, the assumption is dropped: devices differ by more than it knows.
    if dof > 4 * PRIOR_DOF:
        return Spread((sum(s.dof * s.sd**2 for s in spreads) / dof) ** 0.5, min(most_dof, dof))
    return Spread((total / (PRIOR_DOF + dof)) ** 0.5, min(most_dof, PRIOR_DOF + dof))


def _likeness(spreads: Sequence[Spread]) -> float:
    """How many degrees of freedom the models' common noise is worth, by how alike theirs are."""
    variances = np.array([spread.sd**2 for spread in spreads])
    known = variances > 0
    if known.sum() < 2:
        return 0.0
    freedom = np.array([spread.dof for spread in spreads])
    return shared_variance(variances[known], freedom[known])[1]


def moderated(own: Spread | None, pooled: Spread) -> Spread:
    """A series' spread, drawn towards the pool's by what each is known with.

    The moderated variance of G. K. Smyth ("Linear models and empirical Bayes methods", Stat.
    Appl. Genet. Mol. Biol. 3, 2004): t statistics with it have the sum of both degrees of freedom.
    """
    if own is None:
        return pooled
    dof = own.dof + pooled.dof
    variance = (own.dof * own.sd**2 + pooled.dof * pooled.sd**2) / dof
    return Spread(variance**0.5, dof)


def unsteadiness(standardised: Sequence[float], session_scatter: Sequence[float]) -> float:
    """How many times more than usual the models scatter around each other tonight; 1 at least.

    Args:
        standardised: each model's difference from its last few nights, in its own standard
            deviations. Taken around their median, so that what all share is left alone.
        session_scatter: each model's scatter between tonight's sessions, as a multiple of what
            is usual. Where sessions agree as ever, models that differ from yesterday have
            changed: many changes at once are no rough night.

    With fewer than five models it gives up and says 1.
    """
    if len(standardised) < 5 or statistics.median(session_scatter) < ROUGH_SESSIONS:
        return 1.0
    centre = statistics.median(standardised)
    scatter = 1.4826 * statistics.median(abs(value - centre) for value in standardised)
    return max(1.0, scatter)
