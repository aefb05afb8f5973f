"""Enough sessions and no more, without fooling oneself by looking often.

Looking at 5 % after every session claims a difference of equals far more often than 5 %. Here
the looks are planned, and each may spend only its part of the whole level.

Sources: group-sequential tests, O'Brien and Fleming (1979); their levels as a
spending function, Lan and DeMets (1983); boundaries by recursive integration, Armitage, McPherson
and Rowe (1969); carried over to t and rank statistics through nominal p-values, and turned into
intervals that hold at all looks together, Jennison and Turnbull, "Group Sequential Methods"
(2000), chapters 3, 7 and 9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats

from device_runner.statistics.arrays import Row, require_share
from device_runner.statistics.intervals import MIN_SESSIONS_FOR_BOOTSTRAP
from device_runner.statistics.paired import Comparison, paired_ratio

GRID = 401
# Numbers of rounds at which one looks: below seven no early look can reach its level by ranks.
_LADDER = (7, 9, 12, 16, 20, 25, 30, 40, 60, 100, 160, 250, 400, 640)


def spent(share: float, alpha: float) -> float:
    """The level that may be spent once `share` (0 to 1) of the rounds has run.

    O'Brien and Fleming's: hardly anything early, so that the last look is almost as sharp as a
    single one.
    """
    quantile = float(scipy.stats.norm.ppf(1 - alpha / 4))
    return 4 * float(scipy.stats.norm.sf(quantile / math.sqrt(share)))


@dataclass(frozen=True)
class LookPlan:
    """The numbers of rounds at which one may look, and the level for all looks together.

    Raises:
        ValueError: looks that do not increase, or begin below three rounds.
    """

    looks: tuple[int, ...]
    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_share(self.alpha, "alpha")
        if not self.looks or self.looks[0] < MIN_SESSIONS_FOR_BOOTSTRAP:
            raise ValueError("the first look needs three sessions")
        if any(a >= b for a, b in zip(self.looks, self.looks[1:], strict=False)):
            raise ValueError("each look needs more sessions than the one before")

    @classmethod
    def up_to(cls, most: int, alpha: float = 0.05) -> LookPlan:
        """Looks on the way to `most` rounds, and there."""
        return cls((*(look for look in _LADDER if look < most), most), alpha)

    @property
    def levels(self) -> tuple[float, ...]:
        """The two-sided level that each look may use by itself."""
        return nominal_levels(self.looks, self.alpha)


@dataclass(frozen=True)
class Decision:
    """What a look says: whether to go on, and what may be claimed.

    The comparison's interval holds the truth with the plan's confidence at whichever look one
    stops; a difference may be claimed where its p-value is at most `level`.
    """

    go_on: bool
    comparison: Comparison
    level: float

    @property
    def differs(self) -> bool:
        """Whether a difference may be claimed."""
        return self.comparison.differs(self.level)


@lru_cache(maxsize=64)
def nominal_levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """The two-sided level of each look such that all together claim falsely at most `alpha`.

    Recursive integration over the sum of a Gaussian sequence, on a grid.
    """
    levels: list[float] = []
    before, used = 0.0, 0.0
    # Where the sum may stand when no look has stopped it yet, and with what probability.
    grid, mass = np.zeros(1), np.ones(1)
    for look in looks:
        share = look / looks[-1]
        step = math.sqrt(share - before)
        allowed = spent(share, alpha) - used
        used += allowed
        bound = _bound(grid, mass, step, allowed, 12.0 * math.sqrt(share))
        levels.append(2 * float(scipy.stats.norm.sf(bound / math.sqrt(share))))
        inside = np.linspace(-bound, bound, GRID)
        weights = np.full(GRID, inside[1] - inside[0])
        weights[[0, -1]] /= 2
        reached = scipy.stats.norm.pdf((inside[:, None] - grid[None, :]) / step) / step
        mass, grid, before = (reached @ mass) * weights, inside, share
    return tuple(levels)


def _bound(grid: np.ndarray, mass: np.ndarray, step: float, allowed: float, most: float) -> float:
    """How far out a further step may lead with probability `allowed`, either way."""

    def excess(bound: float) -> float:
        tails = scipy.special.ndtr((grid - bound) / step) + scipy.special.ndtr(
            (-bound - grid) / step
        )
        return float(np.sum(mass * tails)) - allowed

    # An allowance too small for any number is no allowance.
    return float(scipy.optimize.brentq(excess, 0.0, most, xtol=1e-12)) if excess(most) < 0 else most


def decide(plan: LookPlan, first_ms: Row, second_ms: Row) -> Decision:
    """Whether two artifacts, measured in the same rounds, are told apart at this look.

    Stopping so claims a difference of equals at most in `plan.alpha` of cases over all looks.

    Raises:
        ValueError: no look is planned at so many rounds.
    """
    if len(first_ms) not in plan.looks:
        raise ValueError(f"no look is planned at {len(first_ms)} rounds, but at {plan.looks}")
    level = plan.levels[plan.looks.index(len(first_ms))]
    found = paired_ratio(first_ms, second_ms, confidence=1 - level)
    return Decision(len(first_ms) < plan.looks[-1] and not found.differs(level), found, level)
