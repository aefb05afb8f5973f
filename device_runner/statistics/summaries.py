"""One number for many: percentiles, and the median over sessions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device_runner.statistics.arrays import Row, finite


def percentile(values: Row, percent: float) -> float:
    """Percentile by linear interpolation (Hyndman and Fan 1996, definition 7: numpy's default)."""
    return float(np.percentile(finite(values, "values"), percent))


def median_of_medians(sessions: Sequence[Row]) -> float:
    """The median over sessions of each session's median.

    Two steps, so that a session with many iterations weighs no more than one with few. Robust
    against single slow iterations and against a minority of disturbed sessions.
    """
    return float(np.median([np.median(finite(session, "a session")) for session in sessions]))
