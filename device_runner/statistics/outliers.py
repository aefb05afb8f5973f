"""What is disturbed is named and counted, never dropped.

Every estimate here is a median, which a minority of disturbed values hardly moves, so nothing
need be thrown away; a reader is told how many there were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from device_runner.statistics.arrays import Row, logs

# Iglewicz and Hoaglin, "How to detect and handle outliers" (1993): their modified z-score.
ITERATION_THRESHOLD = 3.5
# A deviation below this share of the median is no disturbance, however quiet the rest is.
LEAST_SHARE = 0.01
MIN_SESSIONS_TO_JUDGE = 5
# The MAD turns into a standard deviation of normal noise by this factor.
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Outliers:
    """Which values lie apart: their places in the row, and their share of it."""

    places: tuple[int, ...]
    share: float

    @property
    def count(self) -> int:
        return len(self.places)


def _apart(values: np.ndarray, threshold: float) -> Outliers:
    away = np.abs(values - np.median(values))
    # More than half alike (a coarse clock): the mean deviation stands in for the MAD, as
    # Iglewicz and Hoaglin advise.
    scale = MAD_TO_SD * float(np.median(away)) or 1.2533 * float(away.mean())
    found = np.flatnonzero((away > threshold * scale) & (away > np.log1p(LEAST_SHARE)))
    return Outliers(tuple(int(place) for place in found), found.size / values.size)


def iteration_outliers(iteration_ms: Row) -> Outliers:
    """Iterations of one session that lie apart: modified z-score of the logarithm above 3.5."""
    return _apart(logs(iteration_ms, "iteration_ms"), ITERATION_THRESHOLD)


def session_outliers(session_ms: Row) -> Outliers:
    """Sessions (one corrected value each) that lie apart from their fellows.

    The threshold is higher for few sessions, whose MAD is itself uncertain, so that a calm row
    (normal noise) is flagged at all in at most 5 % of cases. Below `MIN_SESSIONS_TO_JUDGE`
    sessions it gives up and names none.
    """
    values = logs(session_ms, "session_ms")
    if values.size < MIN_SESSIONS_TO_JUDGE:
        return Outliers((), 0.0)
    return _apart(values, session_threshold(values.size))


def session_threshold(count: int) -> float:
    """How many standard deviations, by the MAD, a session of `count` must lie away."""
    return 3.5 + 60.0 / count**1.5
