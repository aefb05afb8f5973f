"""The middle of a row of numbers, unmoved by a few wild ones. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np


def hodges_lehmann(values: Sequence[float]) -> float:
    """The median of all pairwise means (Hodges and Lehmann, Ann. Math. Stat. 34, 1963).

    Up to 29 % of wild values do not carry it away, and it loses 5 % against the mean where there
    are none (its efficiency is 3/pi), a seventh of what the median loses.
    """
    x = np.asarray(values, dtype=np.float64)
    first, second = _pairs(len(x))
    # Sorted by hand: `np.median` takes three times as long for so few.
    sums = np.sort(x[first] + x[second])
    middle = sums.size // 2
    return float(sums[middle] / 2 if sums.size % 2 else (sums[middle - 1] + sums[middle]) / 4)


@lru_cache(maxsize=64)
def _pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(count)
