"""What a number of sessions can find, and how many an effect needs.

Effects are shares: 0.03 is 3 % slower. Noise is the standard deviation of a session's logarithm,
the drift taken out, which for small values is its relative standard deviation.

Sources: power of the t test by the noncentral t (Cohen, "Statistical Power Analysis for the
Behavioral Sciences", 2nd edition, chapter 2); of the signed-rank test by its efficiency beside t
under normal noise, 3/pi (Hodges and Lehmann 1956).
"""

from __future__ import annotations

import math

import scipy.optimize
import scipy.stats

from device_runner.statistics.arrays import require_share
from device_runner.statistics.intervals import MIN_SESSIONS_FOR_BOOTSTRAP
from device_runner.statistics.paired import MIN_ROUNDS_FOR_RANKS, signed_rank_tail

MAX_SESSIONS = 1000
RANK_EFFICIENCY = 3 / math.pi
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
        reached = signed_rank_tail(sessions)
        usable = reached[2 * reached <= alpha]
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


def sessions_needed(
    effect: float, log_sd: float, *, alpha: float = 0.05, power: float = 0.95
) -> int | None:
    """The fewest sessions of each with which a slowdown of `effect` is found; None beyond 1000.

    Every number above it finds the effect as well: ranks come in steps, so a lucky small number
    does not count.
    """
    if not effect > 0:
        raise ValueError("the effect to find must be above zero")
    require_share(power, "power")

    def finds(sessions: int) -> bool:
        return paired_power(effect, log_sd, sessions, alpha=alpha) >= power

    if not finds(MAX_SESSIONS):
        return None
    needed = MAX_SESSIONS
    # Halving finds the neighbourhood; the steps of the ranks make the last few uneven.
    low = MIN_SESSIONS_FOR_BOOTSTRAP - 1
    while needed - low > 1:
        middle = (needed + low) // 2
        low, needed = (low, middle) if finds(middle) else (middle, needed)
    for sessions in range(min(needed + 3, MAX_SESSIONS), needed - 1, -1):
        if not finds(sessions):
            return sessions + 1
    return needed


def _require_noise(log_sd: float) -> None:
    if not (math.isfinite(log_sd) and log_sd >= 0):
        raise ValueError("log_sd must be a finite number, zero or above")
