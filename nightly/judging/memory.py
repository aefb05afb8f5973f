"""Red with memory: what is red stays red until the nights say that it is gone. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nightly.judging.robust import hodges_lehmann
from nightly.judging.shift import WINDOWS, shift
from nightly.judging.spread import Spread
from nightly.records import Point

# How much likelier the nights must be at the old level than at the red one, as a logarithm, before
# red ends: twenty times.
ENOUGH = 3.0
# What one night may add to it: less than that, so that a single wild one does not decide.
MOST_A_NIGHT = 2.5
# A red level is that of the last nights only: a creep goes on.
_LAST_NIGHTS = 10
# After so many of them red nights must together still look worse than the reference: so surely.
LAPSED_NIGHTS, LAPSED_P = 9, 0.05
# Where neighbouring nights are alike by more than this, it takes more to turn red, and to stay so.
ALIKE_MEMORY, LAPSED_ALIKE, LAPSED_ALIKE_P = 0.3, 4, 0.01


def is_back(
    reference: Sequence[Point], red: Sequence[Point], tonight: Point, spread: Spread, floor: float
) -> bool:
    """Whether a series that was red has come back to its reference.

    The sum of the logarithms of how much likelier each night is at the reference than at the red
    level, begun anew whenever it falls below nothing (E. S. Page, "Continuous inspection schemes",
    Biometrika 41, 1954; the test of A. Wald, 1945). A step that is as large as four nights' noise
    is seen to be gone at once or the night after; one as large as the noise takes a week.

    Args:
        reference: nights that are as they should be; without any, nothing is ever back.
        red: the nights since it turned red, tonight left out.
        tonight: this night.
        spread: noise of a night.
        floor: the smallest change that counts: the red level lies at least so far off.
    """
    if not reference or not red:
        return False
    base = hodges_lehmann([point.value for point in reference])
    level = float(np.median([point.value for point in red[-_LAST_NIGHTS:]]))
    level = max(level, base + floor)
    # A reference of few nights that are alike may itself lie low: back is what it may well be.
    alike = (1 + spread.memory) / (1 - spread.memory)
    base += min(spread.sd * (alike / len(reference)) ** 0.5, (level - base) / 2)
    evidence = 0.0
    before: Point | None = None
    for point in (*red[-_LAST_NIGHTS:], tonight):
        # At the start of a change the night before belongs to the other level.
        kept = spread.memory if before is not None and evidence > 0 else 0.0
        variance = max(spread.variance(point.sessions), point.error**2) * (1 - kept**2)
        last = 0.0 if before is None else before.value
        off_red = point.value - level - kept * (last - level)
        off_base = point.value - base - kept * (last - base)
        gain = (off_red**2 - off_base**2) / (2 * max(variance, 1e-18))
        evidence = max(0.0, evidence + min(MOST_A_NIGHT, max(-MOST_A_NIGHT, gain)))
        before = point
    return evidence >= ENOUGH


def has_lapsed(
    reference: Sequence[Point],
    whole: Sequence[Point],
    red: Sequence[Point],
    tonight: Point,
    spread: Spread,
) -> bool:
    """Whether the nights since it turned red do not bear it out.

    The night that turned it red was chosen for being bad, so it is left out; and so were nights
    that are held back from the reference, so they are put back. Where nights are alike, those
    after it are bad by the same luck, and they are asked sooner.

    Args:
        reference: nights that are as they should be; without any, nothing lapses.
        whole: the same with those that turned out since to have been changed already.
        red: the nights since it turned red, tonight left out.
    """
    if not reference:
        return False
    if spread.memory > ALIKE_MEMORY:
        lately = [*red[1 - max(WINDOWS) :], tonight]
        return len(red) >= LAPSED_ALIKE and shift(reference, lately, spread).p > LAPSED_ALIKE_P
    since = [*red[1:][1 - max(WINDOWS) :], tonight]
    return len(red) >= LAPSED_NIGHTS and bool(whole) and shift(whole, since, spread).p > LAPSED_P
