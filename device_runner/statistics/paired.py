"""Two artifacts measured in the same rounds: by what ratio does one differ from the other?

Both met the same device in each round, so what the device did cancels in the round's ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from device_runner.statistics.arrays import Interval, Row, logs, require_share
from device_runner.statistics.intervals import MIN_SESSIONS_FOR_BOOTSTRAP

# Below six rounds no sign of a difference reaches 5 % by ranks: 2 / 2**5 is 6.25 %.
MIN_ROUNDS_FOR_RANKS = 6


@dataclass(frozen=True)
class Comparison:
    """One latency over another: 1.03 means that the first is 3 % slower.

    `p_value` is two-sided; it is below `1 - confidence` just where the interval leaves 1 out.
    `method` says which statistic it was: `signed-rank`, `t`, or `too-few`, which claims nothing:
    the interval is unbounded and the p-value 1.
    """

    ratio: float
    interval: Interval
    p_value: float
    method: str
    sessions: int

    def differs(self, alpha: float = 0.05) -> bool:
        """Whether a difference may be claimed at the level `alpha`."""
        return self.p_value <= alpha

    def slower(self, alpha: float = 0.05) -> bool:
        """Whether the first may be claimed to be slower, at the level `alpha` (two-sided)."""
        return self.differs(alpha) and self.ratio > 1


@lru_cache(maxsize=64)
def signed_rank_tail(count: int) -> np.ndarray:
    """P(W+ <= w) for w = 0..count(count+1)/2 under random signs (Wilcoxon 1945), exactly."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    return np.cumsum(ways / 2.0**count)


def _walsh_averages(differences: np.ndarray) -> np.ndarray:
    first, second = np.triu_indices(differences.size)
    return np.sort((differences[first] + differences[second]) / 2)


def _by_ranks(differences: np.ndarray, confidence: float) -> tuple[float, Interval, float]:
    """Hodges-Lehmann estimate, interval and p-value, all from the Walsh averages.

    Tukey's identity: W+ is the number of Walsh averages above zero, so the p-value and the
    interval agree by construction (Hollander, Wolfe and Chicken, Nonparametric Statistical
    Methods, 3rd edition, sections 3.1-3.3). Averages of exactly zero, i.e. ties, count against a
    claim.
    """
    averages = _walsh_averages(differences)
    tail = signed_rank_tail(differences.size)
    above, below = int(np.sum(averages > 0)), int(np.sum(averages < 0))
    p_value = min(1.0, 2.0 * float(tail[averages.size - max(above, below)]))
    # The k smallest and the k largest averages may be left out while both tails keep to the level.
    k = int(np.searchsorted(tail, (1 - confidence) / 2, side="right"))
    if k == 0:
        interval = Interval(-np.inf, np.inf)
    else:
        interval = Interval(float(averages[k - 1]), float(averages[-k]))
    return float(np.median(averages)), interval, p_value


def _by_t(differences: np.ndarray, confidence: float) -> tuple[float, Interval, float]:
    import scipy.stats  # a second that --help need not wait for

    count = differences.size
    mean = float(differences.mean())
    error = float(np.std(differences, ddof=1)) / count**0.5
    half = float(scipy.stats.t.ppf(0.5 + confidence / 2, count - 1)) * error
    if error == 0:
        p_value = 1.0 if mean == 0 else 0.0
    else:
        p_value = float(2 * scipy.stats.t.sf(abs(mean) / error, count - 1))
    return mean, Interval(mean - half, mean + half), p_value


def paired_ratio(first_ms: Row, second_ms: Row, *, confidence: float = 0.95) -> Comparison:
    """The first artifact's latency over the second's, the i-th of each from the same round.

    From `MIN_ROUNDS_FOR_RANKS` rounds on, Wilcoxon's signed-rank test with the Hodges-Lehmann
    estimate: exact when the order within each round is drawn by itself (`measuring.order`),
    whatever the shape of the noise and the course of the device, and hardly moved by a disturbed
    round. Below that ranks cannot reach 5 %, so it is Student's t on
    the logarithms of the rounds' ratios, exact for normal noise only and wide under outliers.
    With fewer than three rounds it gives up: method `too-few`.

    Raises:
        ValueError: unlike numbers of rounds, or a latency that is not above zero.
    """
    require_share(confidence, "confidence")
    first, second = logs(first_ms, "first_ms"), logs(second_ms, "second_ms")
    if first.shape != second.shape:
        raise ValueError("a paired ratio needs both artifacts in the same rounds")
    return compare_log_ratios(first - second, confidence=confidence)


def compare_log_ratios(differences: np.ndarray, *, confidence: float = 0.95) -> Comparison:
    """`paired_ratio` from the natural logarithms of the rounds' ratios."""
    count = int(differences.size)
    if count < MIN_SESSIONS_FOR_BOOTSTRAP:
        middle = float(np.exp(np.median(differences)))
        return Comparison(middle, Interval(0.0, float("inf")), 1.0, "too-few", count)
    ranks = count >= MIN_ROUNDS_FOR_RANKS
    centre, interval, p_value = (_by_ranks if ranks else _by_t)(differences, confidence)
    return Comparison(
        ratio=float(np.exp(centre)),
        interval=Interval(float(np.exp(interval.low)), float(np.exp(interval.high))),
        p_value=p_value,
        method="signed-rank" if ranks else "t",
        sessions=count,
    )
