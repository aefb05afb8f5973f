"""In which order the sessions of a round run."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import numpy as np

# A sentinel for every so many artifacts, so that none is far from one.
ARTIFACTS_PER_SENTINEL = 6


def sentinels_a_round(artifacts: int) -> int:
    """How many sentinel sessions stand in one round beside so many artifacts."""
    return -(-artifacts // ARTIFACTS_PER_SENTINEL)


def fresh_seed() -> int:
    """A seed that no one can know beforehand, for orders; it is recorded in the plan."""
    return secrets.randbits(32)


def random_orders(items: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Endless orders of `range(items)`, each drawn by itself.

    So the sign of what the device does to one item less another is a fair coin in each round,
    whatever the device does: that is what the signed-rank test asks (R. A. Fisher, "The Design of
    Experiments", 1935, section 21). Mirrored pairs of rounds would take a steady drift out
    exactly, but tie the signs of two rounds together, so that what repeats with them passes for a
    difference. What an item stands early or late on average is left to the sentinel.
    """
    while True:
        yield tuple(int(item) for item in rng.permutation(items))
