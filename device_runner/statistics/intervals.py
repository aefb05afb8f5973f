"""How far to trust the median of a few sessions.

Few is the rule here (3 to 12), and there the percentile bootstrap alone is too sure of itself:
its 95 % interval holds the truth in 74 % of cases with three sessions (normal noise). So the
interval is the hull of two: the bootstrap's, which asks nothing of the noise's shape, and
Student's t carried over to the median, which knows how little three sessions say about the spread.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from device_runner.statistics.arrays import Interval, Row, finite, logs, require_share

MIN_SESSIONS_FOR_BOOTSTRAP = 3


def bootstrap_interval(
    session_values: Row,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile-bootstrap interval of the median over sessions (Efron 1979), one value each.

    With fewer than `MIN_SESSIONS_FOR_BOOTSTRAP` sessions it gives up and returns the range, which
    is no confidence interval: callers flag it. It cannot leave the range of the data either, so
    it is too narrow for few sessions: `session_interval` is the one to report.
    """
    values = finite(session_values, "session_values")
    require_share(confidence, "confidence")
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


@lru_cache(maxsize=256)
def median_variance_ratio(count: int) -> float:
    """Variance of the median of `count` normal values, over that of their mean.

    1 for one or two, towards pi/2 for many (Kendall and Stuart, The Advanced Theory of Statistics
    I, chapter 14). Odd counts by integrating the density of the middle order statistic; even ones
    from their odd neighbours, less what averaging two middle values saves: at most 4 % too much.
    """
    import scipy.stats  # a second that --help need not wait for

    if count <= 2:
        return 1.0
    if count % 2 == 0:
        neighbours = median_variance_ratio(count - 1) + median_variance_ratio(count + 1)
        return 0.5 * neighbours * (1.0 - 0.5 / count)
    x = np.linspace(-9.0, 9.0, 4001)
    middle = (count + 1) // 2
    below = scipy.stats.norm.cdf(x)
    density = scipy.stats.norm.pdf(x) * scipy.stats.beta.pdf(below, middle, middle)
    return float(count * np.sum(x * x * density) * (x[1] - x[0]))


def t_half_width(log_values: np.ndarray, confidence: float) -> float:
    """Half the width of Student's interval, carried over to the median of the row.

    Student (1908) for the mean, widened by the median's greater variance under normal noise. An
    outlier widens it, so it errs on the safe side where the noise has heavy tails.
    """
    import scipy.stats  # a second that --help need not wait for

    count = log_values.size
    quantile = float(scipy.stats.t.ppf(0.5 + confidence / 2, count - 1))
    spread = float(np.std(log_values, ddof=1))
    return quantile * spread * float(np.sqrt(median_variance_ratio(count) / count))


def session_interval(
    session_ms: Row, *, confidence: float = 0.95, seed: int = 0, inflation: float = 1.0
) -> Interval:
    """Interval for the median over sessions, one value each, that is honest for few sessions.

    Computed on logarithms, as a device's noise multiplies; so all values must be above zero. The
    result is in the unit of the values. `inflation` multiplies the variance: for values whose
    errors are correlated (see `drift.corrected_interval`).

    95 % intervals held the truth in at least 96 % of cases with 3, 5 and 9 sessions of normal,
    skewed and outlying noise (`python benchmarks/coverage.py`); of noise with two modes, three
    sessions show too little (84 %), five are enough.

    With fewer than `MIN_SESSIONS_FOR_BOOTSTRAP` sessions it gives up and returns the range, which
    is no confidence interval: callers flag it.
    """
    # Sorted, so that the order of the sessions does not change what is drawn.
    values = np.sort(logs(session_ms, "session_ms"))
    require_share(confidence, "confidence")
    if values.size < MIN_SESSIONS_FOR_BOOTSTRAP:
        return Interval(float(np.exp(values.min())), float(np.exp(values.max())))
    centre = float(np.median(values))
    bootstrap = bootstrap_interval(values, confidence=confidence, seed=seed)
    half = t_half_width(values, confidence)
    below = max(centre - bootstrap.low, half) * float(np.sqrt(inflation))
    above = max(bootstrap.high - centre, half) * float(np.sqrt(inflation))
    return Interval(float(np.exp(centre - below)), float(np.exp(centre + above)))
