"""The least change that a night could have found: what "green" is worth. Pure functions."""

from __future__ import annotations

from scipy import special

from nightly.judging.shift import Shift

POWER = 0.95


def least_size(found: Shift, needed_p: float, floor: float) -> float:
    """The least change for the worse, on the scale of badness, that the night finds.

    It is found in nineteen nights of twenty: both significant, with a p below `needed_p`, and
    larger than `floor`.

    Args:
        found: tonight against its reference.
    """
    luck = float(special.stdtrit(found.dof, POWER)) * found.error
    reach = float(special.stdtrit(found.dof, 1 - needed_p)) * found.error
    return luck + max(reach, floor)
