"""The speed that a device usually had: the level for which latencies of different times are told.

Whatever was measured while the device was faster or slower is carried to that level, which asks
how the model reacts (`reaction`) and is the less sure the farther it has to go. So the level lies
where most sessions ran: the median has the least sum of distances on logarithms. A level that was
taken once, at some moment, may lie in a slow spell, from which everything else is far.
"""

from __future__ import annotations

import numpy as np

from device_runner.statistics.arrays import Row, logs

# What lies between these shares of the sorted values is averaged.
_MIDDLE = (0.45, 0.55)


def usual_level(values: Row) -> float:
    """The middle of `values`, all above zero: the mean logarithm of their middle tenth, as a value.

    As insensitive to the rest as the median (a trimmed mean, P. J. Huber, "Robust Statistics",
    1981), but it moves a little with each value that is added instead of jumping from one to the
    next: in a study that spent half its time at each of two speeds it passes from one to the other
    by degrees. The order of the values does not matter.

    Raises:
        ValueError: no value, or one that is not above zero.
    """
    found = np.sort(logs(values, "values"))
    edges = np.arange(found.size + 1) / found.size
    low, high = _MIDDLE
    weights = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0.0, None)
    return float(np.exp(weights @ found / weights.sum()))
