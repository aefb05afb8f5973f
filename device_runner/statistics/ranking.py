"""How well an estimate orders candidates as the truth does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.stats

from device_runner.statistics.arrays import Interval, Row, finite, require_share

MIN_ITEMS_FOR_INTERVAL = 5


@dataclass(frozen=True)
class RankAgreement:
    """A rank correlation from -1 to 1, its interval, and the p-value of there being none."""

    value: float
    interval: Interval
    p_value: float
    items: int


def kendall_tau(first: Row, second: Row, *, confidence: float = 0.95) -> RankAgreement:
    """Kendall's tau-b (1945): concordant less discordant pairs, ties taken out.

    The interval is Fisher's z with variance 0.437 / (n - 4) (Fieller, Hartley and Pearson,
    Biometrika 44, 1957), which is meant for |tau| below 0.8 and errs wide above. A perfect
    agreement counts as half a discordant pair, so that its interval is no point. Below five
    items it gives up: -1 to 1.

    Raises:
        ValueError: unlike or too short rows, or one in which all are equal: nothing is ordered.
    """
    require_share(confidence, "confidence")
    x, y = finite(first, "first"), finite(second, "second")
    if x.shape != y.shape or x.size < 2:
        raise ValueError("a rank correlation needs two rows of the same length, two at least")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise ValueError("all are equal: there is no order to agree with")
    found = scipy.stats.kendalltau(x, y)
    value = float(found.statistic)
    if x.size < MIN_ITEMS_FOR_INTERVAL:
        return RankAgreement(value, Interval(-1.0, 1.0), float(found.pvalue), x.size)
    most = 1 - 2 / (x.size * (x.size - 1))
    z = math.atanh(min(max(value, -most), most))
    half = float(scipy.stats.norm.ppf(0.5 + confidence / 2)) * math.sqrt(0.437 / (x.size - 4))
    low, high = math.tanh(z - half), math.tanh(z + half)
    return RankAgreement(
        value=value,
        # What is perfect may be perfect: the bound of the other side only is of interest then.
        interval=Interval(min(low, value), max(high, value)),
        p_value=float(found.pvalue),
        items=x.size,
    )
