"""When a warm-up may end: on evidence, not on a count.

The rule is the one of Jetpack Microbenchmark's `WarmupManager`: two exponential moving averages
of the iteration time, a fast and a slow one, must agree within 4 %. Its weights (0.1 and 0.005)
are made for microseconds; ours are made for iterations of 10 ms to 2 s, of which nobody can
afford hundreds.
"""

from __future__ import annotations

from collections.abc import Sequence

FAST_WEIGHT = 0.6
SLOW_WEIGHT = 0.25
TOLERANCE = 0.04
AGREEING_ITERATIONS = 3


def is_settled(durations: Sequence[float]) -> bool:
    """Whether the averages have agreed for the last `AGREEING_ITERATIONS` durations.

    Pure and free of units: scaling every duration changes nothing. Fewer durations than
    `AGREEING_ITERATIONS` are never settled.
    """
    if len(durations) < AGREEING_ITERATIONS:
        return False
    fast = slow = float(durations[0])
    agreeing = 1
    for duration in durations[1:]:
        fast += FAST_WEIGHT * (duration - fast)
        slow += SLOW_WEIGHT * (duration - slow)
        agreeing = agreeing + 1 if abs(fast - slow) <= TOLERANCE * slow else 0
    return agreeing >= AGREEING_ITERATIONS


def may_stop(durations: Sequence[float], min_count: int, max_count: int) -> bool:
    """Whether a warm-up with these durations is over: settled and long enough, or at its bound."""
    if len(durations) >= max_count:
        return True
    return len(durations) >= min_count and is_settled(durations)
