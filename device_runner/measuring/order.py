"""In which order the sessions of a round run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# A sentinel for every so many artifacts, so that none is far from one.
ARTIFACTS_PER_SENTINEL = 6


def sentinels_a_round(artifacts: int) -> int:
    """How many sentinel sessions stand in one round beside so many artifacts."""
    return -(-artifacts // ARTIFACTS_PER_SENTINEL)


def balanced_orders(items: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Endless orders of `range(items)`: a random one, then its reverse, then a new one.

    Over each pair of rounds every item has the same mean position, so that whatever grows
    steadily with time (heat, a draining battery) adds the same to all of them; over pairs the
    order is random, so that what does not grow steadily cannot follow any item either (D. R. Cox,
    "Some systematic experimental designs", Biometrika 38, 1951; restricted randomisation).
    """
    while True:
        order = tuple(int(item) for item in rng.permutation(items))
        yield order
        yield order[::-1]
