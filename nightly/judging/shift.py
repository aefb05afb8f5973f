"""Whether the last nights lie elsewhere than those they are compared with. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from nightly.judging.robust import hodges_lehmann
from nightly.judging.spread import Spread
from nightly.records import Point

# The last nights are looked at together in these numbers: one shows a jump at once, several
# what hides in the noise (window-limited tests as in T. L. Lai, JRSS B 57, 1995). The longest
# find what began before there was a baseline to see it at once.
WINDOWS = (1, 2, 3, 4, 6, 9, 13)
# They overlap, so that all of them together claim as often as so many that do not.
EFFECTIVE_WINDOWS = 4
# In a window of several nights none counts for more than so many deviations: one wild night is no
# change.
_MOST_DEVIATIONS = 4.0
# A window may be compared with fewer nights than it has, but not with fewer than these.
_LEAST_REFERENCE = 3
Choose = Callable[[Sequence[Point]], Sequence[Point]]


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
    reference: Sequence[Point],
    recent: Sequence[Point],
    spread: Spread,
    *,
    unsteady: float = 1.0,
) -> Shift:
    """Compare the mean of the `recent` nights, tonight last, with the level of the reference.

    What neighbouring nights share (`Spread.memory`) makes several of them worth less than as many
    strangers: the variance is that of the difference of both means under it (for the mean of an
    autoregression, Bartlett, JRSS 98, 1935). `unsteady` widens tonight's share of the noise; so do
    tonight's sessions where they scatter more than a night usually does as a whole.
    """
    centre, share = level([point.value for point in reference])
    count = len(recent)
    tonight = recent[-1]
    deviations = [math.sqrt(spread.variance(point.sessions)) for point in recent]
    deviations[-1] = max(deviations[-1] * unsteady, tonight.error)
    of_level = spread.sd * math.sqrt(share * len(reference))
    weights = np.array(
        [-of_level / len(reference)] * len(reference) + [one / count for one in deviations]
    )
    nights = np.array([point.night for point in (*reference, *recent)])
    alike = spread.memory ** np.abs(nights[:, None] - nights[None, :])
    variance = float(weights @ alike @ weights)
    variance += sum(((1 - point.beside) * spread.common) ** 2 for point in recent) / count**2
    size = sum(point.value for point in recent) / count - centre
    error = math.sqrt(max(variance, 0.0))
    # A reference of few nights may be as wild as few recent ones.
    dof = min(spread.dof, spread.tail * min(count, len(reference)))
    counted = size
    if count > 1:
        most = [_MOST_DEVIATIONS * one for one in deviations]
        off = [point.value - centre for point in recent]
        counted = float(np.clip(off, np.negative(most), most).mean())
    p = float(special.stdtr(dof, -counted / error)) if error else float(size <= 0)
    return Shift(count, centre, size, error, dof, p)


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

    Those whose shift is larger than `floor` speak; where none is, the shortest is returned. The
    caller pays for having looked so often, see `EFFECTIVE_WINDOWS`.

    Args:
        before: the earlier nights, oldest first.
        left_out: which of them are no reference; they count in the windows all the same.
        choose: of the nights before the window, those to compare with.
    """
    windows = []
    levels: dict[tuple[int, int], float] = {}
    for nights in WINDOWS:
        earlier = len(before) - (nights - 1)
        kept = [
            point
            for point, bad in zip(before[: max(0, earlier)], left_out, strict=False)
            if not bad
        ]
        reference = choose(kept)
        if len(reference) < min(nights, _LEAST_REFERENCE):
            continue
        recent = [*before[earlier:], tonight]
        # Windows share most of their references, and a level is dear.
        same = (reference[0].night, reference[-1].night)
        if same not in levels:
            levels[same] = hodges_lehmann([point.value for point in reference])
        size = sum(point.value for point in recent) / nights - levels[same]
        windows.append((size, reference, recent))
    speaking = [one for one in windows if one[0] > floor] or windows[:1]
    found = [
        shift(reference, recent, spread, unsteady=unsteady) for _, reference, recent in speaking
    ]
    return min(found, key=lambda one: one.p, default=None)
