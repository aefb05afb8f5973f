"""The least change that a night could have found: what "green" is worth.

A change is found where it is significant (`needed_p`), in nineteen nights of twenty; it must also
be larger than the metric's floor. From a verdict's own interval, taken as normal: with the few
degrees of freedom of the first nights, the true figure is a tenth larger.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from nightly.metrics import BY_NAME, Metric, Scale
from nightly.records import Verdict
from nightly.sentences import signed

POWER = 0.95
_NORMAL = statistics.NormalDist()


def least_change(verdict: Verdict, floor: float) -> float | None:
    """The least change for the worse, as `Verdict.change` has it; None where it is not known.

    Of a model without a baseline nothing can be found yet; what is read from a file needs no luck;
    a verdict over several nights tells of those, not of this one.
    """
    metric = BY_NAME.get(verdict.metric)
    if metric is None or metric.exact or verdict.nights != 1:
        return None
    if verdict.low is None or verdict.high is None or verdict.needed_p is None:
        return None
    ratio = metric.scale is Scale.RATIO
    if ratio and min(verdict.low, verdict.high) <= -1:
        return None
    low, high = (math.log1p(end) if ratio else end for end in (verdict.low, verdict.high))
    error = abs(high - low) / (2 * _NORMAL.inv_cdf(0.975))
    reach = _NORMAL.inv_cdf(1 - verdict.needed_p) + _NORMAL.inv_cdf(POWER)
    beyond_floor = metric.badness_of_change(floor) + _NORMAL.inv_cdf(POWER) * error
    worse = metric.worse * max(reach * error, beyond_floor)
    return math.expm1(worse) if ratio else worse


def least_sentence(verdicts: Sequence[Verdict], floors: Mapping[str, float]) -> str:
    """What could have been found on one device tonight, per metric; empty where nothing."""
    found: dict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        metric = BY_NAME.get(verdict.metric)
        if metric is not None:
            least = least_change(verdict, floors.get(metric.name, metric.floor))
            if least is not None:
                found[metric.name].append(least)
    parts = [_words(metric, found[name]) for name, metric in BY_NAME.items() if found[name]]
    if not parts:
        return ""
    return (
        "What tonight would have found in 19 nights of 20, for half of the models (and for the "
        f"least steady one): {'; '.join(parts)}"
    )


def _words(metric: Metric, least: Sequence[float]) -> str:
    """`latency +2.4 % (+3.1 %)`."""
    middle, worst = statistics.median(least), max(least, key=abs)
    return f"{metric.title} {signed(metric, middle)} ({signed(metric, worst)})"
