"""The shapes that the statistics take, and what they refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# A row of numbers: one per session, iteration or night.
Row = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Interval:
    """A closed interval, in the unit of what it was made from."""

    low: float
    high: float

    def relative_width(self, centre: float) -> float:
        """Width as a share of `centre`; infinite around zero, unless the width is zero as well."""
        width = self.high - self.low
        if width == 0:
            return 0.0
        return width / abs(centre) if centre else float("inf")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def finite(values: Row, what: str) -> np.ndarray:
    """The values as a row of float64. Raises `ValueError` where they are none, or not finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{what} must be a non-empty row of finite numbers")
    return array


def logs(values_ms: Row, what: str) -> np.ndarray:
    """Natural logarithms: noise and drift of a device multiply a latency, so they add up here.

    Raises:
        ValueError: a value that is not finite and above zero is no latency.
    """
    array = finite(values_ms, what)
    if not (array > 0).all():
        raise ValueError(f"{what} must be above zero")
    return np.log(array)


def require_share(value: float, what: str) -> None:
    """Raise `ValueError` unless the value lies between 0 and 1, both excluded."""
    if not 0 < value < 1:
        raise ValueError(f"{what} must lie between 0 and 1")
