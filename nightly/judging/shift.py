"""Whether the last nights lie elsewhere than those they are compared with. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy import special

from nightly.judging.robust import hodges_lehmann
from nightly.judging.spread import Spread
from nightly.records import Point

# The last nights are looked at together in these numbers: one shows a jump at once, several
# what hides in the noise (window-limited tests as in T. L. Lai, JRSS B 57, 1995).
WINDOWS = (1, 2, 3, 5)
Choose = Callable[[Sequence[float]], Sequence[float]]


@dataclass(frozen=True)
class Shift:
    """The level of the last `nights` less the reference level, on the scale of badness.

    `p` is one-sided: the chance of so much more badness if nothing had changed.
    """

    nights: int
    reference: float
    size: float
    error: float
    dof: float
    p: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided, by Student's t."""
        reach = float(special.stdtrit(self.dof, 0.5 + confidence / 2)) * self.error
        return self.size - reach, self.size + reach

    @property
    def p_better(self) -> float:
        """One-sided the other way."""
        return 1.0 - self.p


def level(values: Sequence[float]) -> tuple[float, float]:
    """The Hodges-Lehmann estimate, and its variance in units of one night's.

    Single wild nights do not move it, and it loses little where there are none.
    """
    count = len(values)
    return hodges_lehmann(values), (1.0 if count < 3 else math.pi / 3) / count


def shift(
    reference: Sequence[float],
    recent: Sequence[Point],
    spread: Spread,
    *,
    unsteady: float = 1.0,
) -> Shift:
    """Compare the mean of the `recent` nights, tonight last, with the level of the reference.

    `unsteady` widens tonight's share of the noise; so do tonight's sessions where they scatter
    more than a night usually does as a whole.
    """
    centre, share = level(reference)
    count = len(recent)
    tonight = recent[-1]
    variances = [spread.variance(point.sessions) for point in recent]
    variances[-1] = max(variances[-1] * unsteady**2, tonight.error**2)
    variances += [((1 - point.beside) * spread.common) ** 2 for point in recent]
    variance = sum(variances) / count**2 + spread.sd**2 * share
    size = sum(point.value for point in recent) / count - centre
    error = math.sqrt(variance)
    p = float(special.stdtr(spread.dof, -size / error)) if error else float(size <= 0)
    return Shift(count, centre, size, error, spread.dof, p)


def largest_shift(
    before: Sequence[Point],
    left_out: Sequence[bool],
    tonight: Point,
    spread: Spread,
    *,
    choose: Choose,
    floor: float = 0.0,
    unsteady: float = 1.0,
) -> Shift | None:
    """Of the windows that end tonight, the one that speaks loudest; None with nothing before.

    Windows whose shift is no larger than `floor` speak only where none is larger. The caller
    pays for having looked `len(WINDOWS)` times.

    Args:
        before: the earlier nights, oldest first.
        left_out: which of them are no reference; they count in the windows all the same.
        choose: of the nights before the window, those to compare with.
    """
    found = []
    for nights in WINDOWS:
        earlier = len(before) - (nights - 1)
        kept = [
            point.value
            for point, bad in zip(before[: max(0, earlier)], left_out, strict=False)
            if not bad
        ]
        reference = choose(kept)
        # A window must not be better known than what it is compared with.
        if len(reference) < nights:
            continue
        found.append(shift(reference, [*before[earlier:], tonight], spread, unsteady=unsteady))
    return min(found, key=lambda one: (one.size <= floor, one.p), default=None)
