"""What repeated sessions say together. Pure functions over numbers: no clock, no files, no torch.

The unit of replication is the session, i.e. the launch of a process: iterations within a launch
share its memory layout and its moment, so their spread understates the truth (Kalibera and Jones,
"Rigorous benchmarking in reasonable time", ISMM 2013).
"""

from device_runner.statistics.arrays import Interval
from device_runner.statistics.drift import corrected_interval, drift_factors
from device_runner.statistics.intervals import (
    MIN_SESSIONS_FOR_BOOTSTRAP,
    bootstrap_interval,
    session_interval,
)
from device_runner.statistics.outliers import iteration_outliers, session_outliers
from device_runner.statistics.paired import Comparison, paired_ratio
from device_runner.statistics.summaries import median_of_medians, percentile

__all__ = [
    "MIN_SESSIONS_FOR_BOOTSTRAP",
    "Comparison",
    "Interval",
    "bootstrap_interval",
    "corrected_interval",
    "drift_factors",
    "iteration_outliers",
    "median_of_medians",
    "paired_ratio",
    "percentile",
    "session_interval",
    "session_outliers",
]
