"""Tonight's sessions beside those of past nights.

A night is a level of replication of its own: sessions of one night share its temperature, its
boot and its page placement, so they agree more than nights do. A comparison that counts sessions
only would see a regression in every warm night (Kalibera and Jones, "Rigorous benchmarking in
reasonable time", ISMM 2013, section 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

from device_runner.statistics.arrays import Interval, Row, logs, require_share
from device_runner.statistics.intervals import MIN_SESSIONS_FOR_BOOTSTRAP, median_variance_ratio
from device_runner.statistics.paired import Comparison

# A past night is set aside only when there are enough others, and it lies this far off in
# standard deviations by the MAD: one hot night must not hide regressions for weeks.
MIN_NIGHTS_TO_SET_ASIDE = 8
SET_ASIDE_THRESHOLD = 5.0


@dataclass(frozen=True)
class NightSpread:
    """Standard deviation between nights of a device's logarithms, within-night noise taken out."""

    log_sd: float
    degrees_of_freedom: float


@dataclass(frozen=True)
class _Nights:
    """Past nights as numbers: each one's centre, and the noise within them."""

    centres: np.ndarray
    # Variance of a session within its night, pooled, and its degrees of freedom.
    session_variance: float
    session_freedom: int
    # Variance of a night's centre that stems from its sessions, on average.
    centre_variance: float


def _of_median(count: int) -> float:
    return median_variance_ratio(count) / count


def _summarise(nights: Sequence[np.ndarray]) -> _Nights:
    squares = sum(float(np.sum((night - night.mean()) ** 2)) for night in nights)
    freedom = sum(night.size - 1 for night in nights)
    variance = squares / freedom if freedom else 0.0
    return _Nights(
        centres=np.array([np.median(night) for night in nights]),
        session_variance=variance,
        session_freedom=freedom,
        centre_variance=variance * float(np.mean([_of_median(night.size) for night in nights])),
    )


def night_spread(histories: Sequence[Sequence[Row]]) -> NightSpread | None:
    """The device's spread between nights, pooled over what is measured on it; None if unknown.

    A history is one model's past nights, each a row of corrected sessions (ms). It lends a model
    with two nights of its own the experience of all others on the same device. As models of one
    night share its condition, the degrees of freedom are those of the longest history only.
    """
    past = [[logs(night, "a night") for night in history] for history in histories]
    long = [_summarise(history) for history in past if len(history) >= 2]
    if not long:
        return None
    weights = np.array([nights.centres.size - 1 for nights in long], dtype=np.float64)
    excess = [float(np.var(nights.centres, ddof=1)) - nights.centre_variance for nights in long]
    variance = max(0.0, float(np.average(excess, weights=weights)))
    return NightSpread(variance**0.5, float(weights.max()))


def _without_odd_nights(nights: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    if len(nights) < MIN_NIGHTS_TO_SET_ASIDE:
        return nights, 0
    centres = np.array([np.median(night) for night in nights])
    away = np.abs(centres - np.median(centres))
    limit = SET_ASIDE_THRESHOLD * 1.4826 * float(np.median(away))
    kept = [night for night, off in zip(nights, away, strict=True) if off <= limit]
    return kept, len(nights) - len(kept)


def compare_to_past(
    tonight_ms: Row,
    past_nights: Sequence[Row],
    *,
    confidence: float = 0.95,
    spread: NightSpread | None = None,
) -> Comparison:
    """Tonight's median over the mean of the past nights' medians, as a ratio.

    Each row holds the drift-corrected sessions of one night, in ms; give only nights since the
    last change of level. A t statistic whose variance is that of a new night: the spread between
    the past nights (`spread` from other models adds its degrees of freedom), never less than the
    noise within nights explains. From eight nights on, one far off the others is set aside and
    counted in `set_aside`.

    Method `hierarchical`; `sessions-only` with a single past night and no `spread`, which cannot
    know how nights differ and claims too easily; `too-few` (claims nothing) without a past, or
    with fewer than three sessions tonight.
    """
    require_share(confidence, "confidence")
    tonight = logs(tonight_ms, "tonight_ms")
    nights, set_aside = _without_odd_nights([logs(night, "a past night") for night in past_nights])
    if not nights or tonight.size < MIN_SESSIONS_FOR_BOOTSTRAP:
        middle = np.median([np.median(night) for night in nights]) if nights else np.nan
        ratio = float(np.exp(np.median(tonight) - middle))
        return Comparison(ratio, Interval(0.0, np.inf), 1.0, "too-few", tonight.size, set_aside)
    within = _summarise([*nights, tonight])
    past = _summarise(nights)
    variance, freedom = _night_variance(past, within, tonight.size, spread)
    difference = float(np.median(tonight) - past.centres.mean())
    error = float(np.sqrt(variance))
    half = float(scipy.stats.t.ppf(0.5 + confidence / 2, freedom)) * error
    if error > 0:
        p_value = float(2 * scipy.stats.t.sf(abs(difference) / error, freedom))
    else:
        p_value = 1.0 if difference == 0 else 0.0
    known = len(nights) >= 2 or spread is not None
    return Comparison(
        ratio=float(np.exp(difference)),
        interval=Interval(float(np.exp(difference - half)), float(np.exp(difference + half))),
        p_value=p_value,
        method="hierarchical" if known else "sessions-only",
        sessions=tonight.size,
        set_aside=set_aside,
    )


def _night_variance(
    past: _Nights, within: _Nights, tonight_sessions: int, spread: NightSpread | None
) -> tuple[float, float]:
    """Variance of tonight's centre less the past's mean, and its degrees of freedom."""
    count = past.centres.size
    noise_past = (
        within.session_variance * float(past.centre_variance / past.session_variance)
        if (past.session_variance > 0)
        else 0.0
    )
    noise_tonight = within.session_variance * _of_median(tonight_sessions)
    own = count - 1
    between_sum = own * (float(np.var(past.centres, ddof=1)) - noise_past) if own else 0.0
    freedom = float(own)
    if spread is not None:
        between_sum += spread.degrees_of_freedom * spread.log_sd**2
        freedom += spread.degrees_of_freedom
    between = between_sum / freedom if freedom else 0.0
    if between <= 0:
        return noise_tonight + noise_past / count, float(within.session_freedom)
    return between * (1 + 1 / count) + noise_tonight + noise_past / count, freedom
