"""What a number of sessions can find.

Effects are shares: 0.03 is 3 % slower. Noise is the standard deviation of a session's logarithm,
the drift taken out, which for small values is its relative standard deviation.

Sources: power of the t test by the noncentral t (Cohen, "Statistical Power Analysis for the
Behavioral Sciences", 2nd edition, chapter 2); of the signed-rank test by its efficiency beside t
under normal noise, 3/pi (Hodges and Lehmann 1956). What is allowed for disturbed launches
(`_UNMET`) is measured: `benchmarks/claims.py --part finds`.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.optimize
import scipy.stats

from device_runner.statistics.arrays import Row, finite, require_share
from device_runner.statistics.intervals import MIN_SESSIONS_FOR_BOOTSTRAP
from device_runner.statistics.paired import MIN_ROUNDS_FOR_RANKS, signed_rank_tail

# How sure the bound of the noise is from which effects are told.
NOISE_CONFIDENCE = 0.975
RANK_EFFICIENCY = 3 / math.pi
# How much more noise than few rounds show is allowed for disturbed launches that they did not meet:
# by t; by ranks where every round has to point one way; where none, or one, of those that lie
# furthest out may point back.
_UNMET_BY_T, _UNMET_ALL_ONE_WAY, _UNMET_NONE_BACK, _UNMET_ONE_BACK = 1.3, 1.65, 1.48, 1.18
# Beyond this the noise hides everything: no effect is named.
LARGEST_EFFECT = 10.0


def paired_power(effect: float, log_sd: float, sessions: int, *, alpha: float = 0.05) -> float:
    """Chance that `paired_ratio` claims a slowdown of `effect`, both as noisy as `log_sd`.

    0 where `sessions` rounds cannot reach the level `alpha` at all.
    """
    _require_noise(log_sd)
    require_share(alpha, "alpha")
    if sessions < MIN_SESSIONS_FOR_BOOTSTRAP:
        return 0.0
    if log_sd == 0:
        return 1.0 if effect > 0 else 0.0
    # In standard deviations of a round's ratio, which carries the noise of both.
    shift = math.log1p(effect) / (math.sqrt(2.0) * log_sd)
    efficiency = 1.0
    if sessions >= MIN_ROUNDS_FOR_RANKS:
        # Ranks come in steps: the level really used is the greatest one not above alpha.
        usable = _usable_levels(sessions, alpha)
        if usable.size == 0:
            return 0.0
        if usable.size == 1:
            # Only rounds that all point one way will do.
            return float(scipy.stats.norm.cdf(shift) ** sessions)
        alpha, efficiency = 2 * float(usable[-1]), RANK_EFFICIENCY
    centre = shift * math.sqrt(sessions * efficiency)
    critical = float(scipy.stats.t.ppf(1 - alpha / 2, sessions - 1))
    # Beyond forty the noncentral t's tail is 1 to every digit, and scipy's series gives out.
    return (
        1.0 if centre > 40 + critical else float(scipy.stats.nct.sf(critical, sessions - 1, centre))
    )


def minimum_detectable_effect(
    log_sd: float, sessions: int, *, alpha: float = 0.05, power: float = 0.95
) -> float:
    """The least slowdown, as a share, that `paired_ratio` finds with the given power.

    Infinity where `sessions` rounds cannot claim anything at the level `alpha`, or only beyond a
    slowdown tenfold.
    """
    require_share(power, "power")
    if log_sd == 0 and paired_power(1.0, log_sd, sessions, alpha=alpha) == 1.0:
        return 0.0
    if paired_power(LARGEST_EFFECT, log_sd, sessions, alpha=alpha) < power:
        return math.inf
    return float(
        scipy.optimize.brentq(
            lambda effect: paired_power(effect, log_sd, sessions, alpha=alpha) - power,
            0.0,
            LARGEST_EFFECT,
            xtol=1e-9,
        )
    )


def upper_noise(log_values: Row, confidence: float = NOISE_CONFIDENCE) -> float:
    """A bound that the standard deviation of such values stays below, with this confidence.

    By chi-square, for normal noise; few values say little about their spread, so the bound of
    nine lies 1.9 times as high as what they show. Infinite for a single value.
    """
    values = finite(log_values, "log_values")
    require_share(confidence, "confidence")
    if values.size < 2:
        return math.inf
    freedom = values.size - 1
    least = float(scipy.stats.chi2.ppf(1 - confidence, freedom))
    return float(np.std(values, ddof=1)) * math.sqrt(freedom / least)


def detectable_difference(log_ratios: Row, *, alpha: float = 0.05, power: float = 0.95) -> float:
    """The least slowdown that so many more rounds like these find with the given power, a share.

    From the upper bound of their noise (`upper_noise`), raised by the root of their kurtosis where
    they show heavier tails than normal ones, and up to sixteen rounds by a fixed part, because one
    or two disturbed rounds can hide a difference there and few rounds may have met none. Assumes
    that launches are alike and independent, and disturbed no more often and no worse than one in
    twelve by up to fifteen standard deviations of the others: then the true power at what is told
    is 0.9 or more in four of five cases, and in nearly all where nothing is disturbed. Rarer
    disturbances can be worse, since fewer rounds show one: of 4 to 6 % of launches, three of four.
    Infinity: see `minimum_detectable_effect`.
    """
    values = finite(log_ratios, "log_ratios")
    # A round's ratio carries the noise of both.
    noise = upper_noise(values) * _excess_tails(values) / math.sqrt(2.0)
    if not math.isfinite(noise):
        return math.inf
    noise *= _allowed_for_unmet(values.size, alpha)
    return minimum_detectable_effect(noise, values.size, alpha=alpha, power=power)


def _excess_tails(values: np.ndarray) -> float:
    """Root of the kurtosis over that of as many normal values, 3 (n - 1) / (n + 1); 1 at least."""
    centred = values - values.mean()
    squared = float(np.mean(centred**2))
    if squared == 0:
        return 1.0
    normal = 3 * (values.size - 1) / (values.size + 1)
    return max(1.0, math.sqrt(float(np.mean(centred**4)) / squared**2 / normal))


def _allowed_for_unmet(sessions: int, alpha: float) -> float:
    """Factor on the noise for disturbed launches that these rounds may not have met."""
    if sessions < MIN_ROUNDS_FOR_RANKS:
        return _UNMET_BY_T
    may_point_back = _usable_levels(sessions, alpha).size - 1
    if may_point_back <= 0:
        return _UNMET_ALL_ONE_WAY
    if may_point_back < sessions:
        return _UNMET_NONE_BACK
    return _UNMET_ONE_BACK if may_point_back < 2 * sessions - 1 else 1.0


def _usable_levels(sessions: int, alpha: float) -> np.ndarray:
    """One-sided levels of the signed-rank test that keep to `alpha`, by its sum of ranks 0, 1..."""
    reached = signed_rank_tail(sessions)
    return reached[2 * reached <= alpha]


def _require_noise(log_sd: float) -> None:
    if not (math.isfinite(log_sd) and log_sd >= 0):
        raise ValueError("log_sd must be a finite number, zero or above")
