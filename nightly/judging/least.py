"""The least change that a night could have found: what "green" is worth. Pure functions."""

from __future__ import annotations

from scipy import special

from nightly.judging.shift import Shift

POWER = 0.95


def least_size(found: Shift, needed: float, floor: float) -> float:
    """The least change for the worse, on the scale of badness, that the night finds.

    It is found in nineteen nights of twenty: the night then lies above `needed`, and its change is
    larger than `floor`.

    Args:
        found: tonight against its reference.
        needed: by how much a night must lie above the reference to be called worse.
    """
    luck = float(special.stdtrit(found.dof, POWER)) * found.error
    return luck + max(needed, floor)
