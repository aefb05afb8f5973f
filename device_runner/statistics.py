"""What repeated sessions say together. Pure functions over numbers: no clock, no files, no torch.

The unit of replication is the session, i.e. the launch of a process: iterations within a launch
share its memory layout and its moment, so their spread understates the truth (Kalibera and Jones,
"Rigorous benchmarking in reasonable time", ISMM 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_SESSIONS_FOR_BOOTSTRAP = 3


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


def _finite(values: Sequence[float], what: str) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{what} must be a non-empty row of finite numbers")
    return array


def percentile(values: Sequence[float], percent: float) -> float:
    """Percentile by linear interpolation (Hyndman and Fan 1996, definition 7: numpy's default)."""
    return float(np.percentile(_finite(values, "values"), percent))


def median_of_medians(sessions: Sequence[Sequence[float]]) -> float:
    """The median over sessions of each session's median.

    Two steps, so that a session with many iterations weighs no more than one with few. Robust
    against single slow iterations and against a minority of disturbed sessions.
    """
    return float(np.median([np.median(_finite(session, "a session")) for session in sessions]))


def bootstrap_interval(
    session_values: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile-bootstrap interval of the median over sessions (Efron 1979), one value each.

    With fewer than `MIN_SESSIONS_FOR_BOOTSTRAP` sessions it gives up and returns the range, which
    is no confidence interval: callers flag it. Even with three to five sessions, resampling a
    median cannot leave the range of the data, so the interval is a rough one; it narrows honestly
    only with more sessions.
    """
    values = _finite(session_values, "session_values")
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    if values.size < MIN_SESSIONS_FOR_BOOTSTRAP:
        return Interval(float(values.min()), float(values.max()))
    generator = np.random.default_rng(seed)
    drawn = values[generator.integers(0, values.size, size=(resamples, values.size))]
    medians = np.median(drawn, axis=1)
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(medians, [tail, 100.0 - tail])
    # The estimate itself always lies inside: a skewed resampling must not shut it out.
    estimate = float(np.median(values))
    return Interval(min(float(low), estimate), max(float(high), estimate))


def drift_factors(
    at_s: Sequence[float],
    sentinel_at_s: Sequence[float],
    sentinel_ms: Sequence[float],
    reference_ms: float,
) -> np.ndarray:
    """How much slower than at the reference the device was around each session.

    The logs of the sentinel's times, interpolated between neighbours.
    """
    order = np.argsort(_finite(sentinel_at_s, "sentinel_at_s"))
    times = _finite(sentinel_at_s, "sentinel_at_s")[order]
    logs = np.log(_finite(sentinel_ms, "sentinel_ms")[order] / reference_ms)
    return np.exp(np.interp(_finite(at_s, "at_s"), times, logs))
