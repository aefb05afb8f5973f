"""Enough sessions and no more, without fooling oneself by looking often.

Looking at 5 % after every session claims a difference of equals far more often than 5 %. Here
the looks are planned, and each may spend only its part of the whole level.

Sources: group-sequential tests, Pocock (1977) and O'Brien and Fleming (1979); their levels as
spending functions, Lan and DeMets (1983); boundaries by recursive integration, Armitage, McPherson
and Rowe (1969); carried over to t and rank statistics through nominal p-values, and turned into
intervals that hold at all looks together, Jennison and Turnbull, "Group Sequential Methods"
(2000), chapters 3, 7 and 9.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats

from device_runner.statistics.arrays import Interval, Row, require_share
from device_runner.statistics.paired import Comparison, paired_ratio

GRID = 401


class Spending(StrEnum):
    """How the level is spent over the looks."""

    # Evenly: stops early when it can.
    POCOCK = "pocock"
    # Hardly anything early: the last look is almost as sharp as a single one.
    OBRIEN_FLEMING = "obrien-fleming"

    def spent(self, share: float, alpha: float) -> float:
        """The level spent once `share` (0 to 1) of the sessions has run."""
        if self is Spending.POCOCK:
            return alpha * math.log1p((math.e - 1) * share)
        quantile = float(scipy.stats.norm.ppf(1 - alpha / 4))
        return 4 * float(scipy.stats.norm.sf(quantile / math.sqrt(share)))


@dataclass(frozen=True)
class SequentialPlan:
    """The numbers of sessions at which one may look, and the level for all looks together.

    Raises:
        ValueError: looks that do not increase, or begin below three sessions.
    """

    looks: tuple[int, ...] = (3, 5, 7, 9, 12)
    alpha: float = 0.05
    spending: Spending = Spending.POCOCK

    def __post_init__(self) -> None:
        require_share(self.alpha, "alpha")
        if not self.looks or self.looks[0] < 3:
            raise ValueError("the first look needs three sessions")
        if any(a >= b for a, b in zip(self.looks, self.looks[1:], strict=False)):
            raise ValueError("each look needs more sessions than the one before")

    @property
    def levels(self) -> tuple[float, ...]:
        """The two-sided level that each look may use by itself."""
        return nominal_levels(self.looks, self.alpha, self.spending)

    def next_look(self, sessions: int) -> int | None:
        """The next number of sessions at which to look; None when the budget is spent."""
        return next((look for look in self.looks if look > sessions), None)


class Verdict(StrEnum):
    """What to do after a round."""

    CONTINUE = "continue"
    ENOUGH = "enough"
    BUDGET_SPENT = "budget spent"


@dataclass(frozen=True)
class Decision:
    """Whether to go on, and what may be said.

    `interval` holds the truth with the plan's confidence at whichever look one stops; None
    between looks. `next_look` is the number of sessions to reach; None when done.
    """

    verdict: Verdict
    interval: Interval | None = None
    comparison: Comparison | None = None
    next_look: int | None = None


@lru_cache(maxsize=64)
def nominal_levels(looks: tuple[int, ...], alpha: float, spending: Spending) -> tuple[float, ...]:
    """The two-sided level of each look such that all together claim falsely at most `alpha`.

    Recursive integration over the sum of a Gaussian sequence, on a grid.
    """
    levels: list[float] = []
    before, spent = 0.0, 0.0
    # Where the sum may stand when no look has stopped it yet, and with what probability.
    grid, mass = np.zeros(1), np.ones(1)
    for look in looks:
        share = look / looks[-1]
        step = math.sqrt(share - before)
        allowed = spending.spent(share, alpha) - spent
        spent += allowed
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


def decide_width(
    plan: SequentialPlan,
    sessions: int,
    interval_at: Callable[[float], Interval],
    relative_width: float,
) -> Decision:
    """Whether an estimate is known closely enough: its interval at most `relative_width` wide.

    `interval_at(confidence)` is the interval of all `sessions` so far, e.g.
    `lambda confidence: session_interval(corrected_ms, confidence=confidence)`. The width is taken
    relative to the interval's geometric middle. Call it after each round; between planned looks
    it says to continue.
    """
    level = _level(plan, sessions)
    upcoming = plan.next_look(sessions)
    if level is None:
        return Decision(Verdict.CONTINUE, next_look=upcoming)
    interval = interval_at(1 - level)
    width = interval.relative_width(math.sqrt(interval.low * interval.high))
    if width <= relative_width:
        return Decision(Verdict.ENOUGH, interval)
    return Decision(_unless_spent(upcoming), interval, next_look=upcoming)


def decide_difference(
    plan: SequentialPlan, first_ms: Row, second_ms: Row, *, margin: float | None = None
) -> Decision:
    """Whether two artifacts, measured in the same rounds, are told apart.

    Enough: their ratio's interval leaves 1 out, or, with a `margin`, lies within a ratio of
    `1 + margin` either way, so that they are equal for all that matters. Stopping so claims a
    difference of equals at most in `plan.alpha` of cases over all looks.
    """
    sessions = len(first_ms)
    level = _level(plan, sessions)
    upcoming = plan.next_look(sessions)
    if level is None:
        return Decision(Verdict.CONTINUE, next_look=upcoming)
    found = paired_ratio(first_ms, second_ms, confidence=1 - level)
    low, high = found.interval.low, found.interval.high
    equal = margin is not None and low >= 1 / (1 + margin) and high <= 1 + margin
    if found.differs(level) or equal:
        return Decision(Verdict.ENOUGH, found.interval, found)
    return Decision(_unless_spent(upcoming), found.interval, found, upcoming)


def _level(plan: SequentialPlan, sessions: int) -> float | None:
    """The level of the look at this number of sessions; None where no look is planned."""
    if sessions >= plan.looks[-1]:
        return plan.levels[-1]
    return plan.levels[plan.looks.index(sessions)] if sessions in plan.looks else None


def _unless_spent(upcoming: int | None) -> Verdict:
    return Verdict.BUDGET_SPENT if upcoming is None else Verdict.CONTINUE
