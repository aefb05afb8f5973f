"""What a study's results say of latency and PSNR, in the form that `probability` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.stats

from device_runner.statistics.intervals import MIN_SESSIONS_FOR_BOOTSTRAP, median_variance_ratio
from models.fidelity import shipped_source_sd_db
from models.origin import WeightsOrigin
from search.front.probability import LatencyBelief, SourceError, pooled_belief, with_modes
from search.study.records import CandidateResult

# Intervals in records are 95 % ones (`MeasurePlan.confidence`).
_TAIL = 0.975
_QUANTILE = float(scipy.stats.norm.ppf(_TAIL))


def belief_of(results: Sequence[CandidateResult]) -> LatencyBelief:
    """From results that were timed. How much sessions differ is read back from the intervals.

    A record of before sessions were counted (`sessions` 0) is taken for one of three. Where all
    records hold their sessions, launches of two kinds are known from them (`modes`).
    """
    counts = [result.sessions or MIN_SESSIONS_FOR_BOOTSTRAP for result in results]
    deviations = [_session_sd(one, count) for one, count in zip(results, counts, strict=True)]
    belief = pooled_belief(
        [np.log(result.latency_ms or np.nan) for result in results], deviations, counts
    )
    sessions = [np.log(one.timing.session_ms) for one in results if one.timing]
    if len(sessions) == len(results) and all(row.size > 0 for row in sessions):
        belief = with_modes(belief, sessions)
    return replace(belief, doubt=np.array([_doubt(result) for result in results]))


def _doubt(result: CandidateResult) -> float:
    """What more sessions at the same speed of the device do not make smaller."""
    return result.timing.log_doubt if result.timing else 0.0


def _session_sd(result: CandidateResult, sessions: int) -> float:
    """Of the sessions' logarithms; of one session nothing is known, and 0 is of no account."""
    low, high, middle = result.latency_low_ms, result.latency_high_ms, result.latency_ms
    if sessions < 2 or not low or not high or not middle:
        return 0.0
    # Nothing takes no time: an interval that reaches zero is cut off far below its middle.
    width = float(np.log(high) - np.log(max(low, middle / 1000)))
    # The doubt about the device's speed is no difference between sessions.
    width = max(width**2 - (2 * _QUANTILE * _doubt(result)) ** 2, 0.0) ** 0.5
    if sessions < MIN_SESSIONS_FOR_BOOTSTRAP:
        return width / 2**0.5
    reach = float(scipy.stats.t.ppf(_TAIL, sessions - 1))
    return width / 2 / (reach * (median_variance_ratio(sessions) / sessions) ** 0.5)


def psnrs_of(results: Sequence[CandidateResult]) -> np.ndarray:
    """(pictures, n) where all were judged by the same two pictures or more, else the means, (n,).

    A result without a PSNR has 0 dB, which nothing else has: it is dominated wherever it can be.
    """
    names = {tuple(image.name for image in result.images) for result in results}
    if len(names) == 1 and len(next(iter(names))) >= 2:
        return np.array([[image.psnr_y_db for image in one.images] for one in results]).T
    return np.array([result.psnr_y_db or 0.0 for result in results])


def source_error_of(results: Sequence[CandidateResult]) -> tuple[SourceError, int]:
    """By the origins of the weights; and of how many candidates it is not known, taken as none."""
    known = [_source_sd_db(one.quality.origin if one.quality else None) for one in results]
    keys = [one.config.key for one in results]
    config = np.array([keys.index(key) for key in keys], int)
    sd_db = np.array([0.0 if sd is None else sd for sd in known], float)
    return SourceError(sd_db, config), known.count(None)


def _source_sd_db(origin: WeightsOrigin | None) -> float | None:
    if origin is WeightsOrigin.SHIPPED:
        return shipped_source_sd_db()
    # These are what would be deployed. A checkpoint may be a supernet.
    return 0.0 if origin in (WeightsOrigin.FINETUNED, WeightsOrigin.PUBLISHED) else None
