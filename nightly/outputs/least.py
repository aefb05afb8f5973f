"""The least change that a night could have found, in words: what "green" is worth."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from nightly.metrics import BY_NAME, Metric
from nightly.records import Verdict
from nightly.sentences import signed


def least_sentence(verdicts: Sequence[Verdict]) -> str:
    """What could have been found on one device tonight, per metric; empty where nothing.

    Of a model without a baseline nothing can be found yet; what is read from a file needs no luck.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.least_change is not None:
            found[verdict.metric].append(verdict.least_change)
    parts = [_words(metric, found[name]) for name, metric in BY_NAME.items() if found[name]]
    if not parts:
        return ""
    return (
        "What tonight would have found in 19 nights of 20, for half of the models (and for the "
        f"least steady one): {'; '.join(parts)}"
    )


def least_words(verdict: Verdict) -> str:
    """Of one verdict, as a clause: `a change of +2.4 % would have been found`; empty without."""
    if verdict.least_change is None:
        return ""
    change = signed(BY_NAME[verdict.metric], verdict.least_change)
    return f"a change of {change} would have been found in 19 nights of 20"


def _words(metric: Metric, least: Sequence[float]) -> str:
    """`latency +2.4 % (+3.1 %)`."""
    middle, worst = statistics.median(least), max(least, key=abs)
    return f"{metric.title} {signed(metric, middle)} ({signed(metric, worst)})"
