"""How much a value changes from night to night when nothing has changed. Pure functions.

Everything here is on the scale of `Metric.badness`, where differences add up. What a night adds
of its own (another temperature, another place in memory) is part of it, so it is learnt from the
nights, not from the sessions within one; and since one model has few nights, it borrows from the
other models on the device.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# A normal sample's |difference of neighbours| has the median 0.6745 * sqrt(2) standard deviations.
_MEDIAN_DIFFERENCE = 0.6745 * 2**0.5
# What the median of |differences| is worth beside independent squares (its efficiency is 0.37, and
# neighbouring differences share a night: two thirds).
_DOF_A_DIFFERENCE = 0.25
# The assumption that a metric brings along weighs as much as so many nights' worth of knowledge.
PRIOR_DOF = 6.0
# However alike the models are, each keeps some say of its own.
MAX_POOL_DOF = 30.0
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
    """

    sd: float
    dof: float
    within: float = 0.0
    sessions: int = 1
    common: float = 0.0

    def variance(self, sessions: int) -> float:
        """Of the value of a night that was looked at in so many sessions."""
        # Sessions of one night share its luck: some is always left between nights.
        within = min(self.within, _MOST_WITHIN * self.sd)
        return self.sd**2 - within**2 + within**2 * self.sessions / max(1, sessions)


def own_spread(values: Sequence[float]) -> Spread | None:
    """Of one series, from the differences of neighbouring nights; None with fewer than three.

    Differences of neighbours do not see slow creep, and only one of them sees a step (von Neumann
    et al., "The mean square successive difference", Ann. Math. Stat. 12, 1941); their median
    instead of their mean square does not see a few wild nights either.
    """
    if len(values) < 3:
        return None
    differences = [abs(b - a) for a, b in pairwise(values)]
    sd = statistics.median(differences) / _MEDIAN_DIFFERENCE
    return Spread(sd, _DOF_A_DIFFERENCE * len(differences))


def pool(spreads: Sequence[Spread], assumed_sd: float) -> Spread:
    """What the models of a device have in common, with what is assumed beforehand.

    The assumption is one more, weak, witness: it decides on the first nights and fades after.
    """
    dof = sum(spread.dof for spread in spreads)
    total = PRIOR_DOF * assumed_sd**2 + sum(s.dof * s.sd**2 for s in spreads)
    # From plenty of nights on, the assumption is dropped: devices differ by more than it knows.
    if dof > 4 * PRIOR_DOF:
        return Spread((sum(s.dof * s.sd**2 for s in spreads) / dof) ** 0.5, min(MAX_POOL_DOF, dof))
    return Spread((total / (PRIOR_DOF + dof)) ** 0.5, min(MAX_POOL_DOF, PRIOR_DOF + dof))


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
