"""Grids of queries and keys on which no score overflows an exponential.

Softmax needs a row's largest value only so that no exponential overflows. Where queries and keys
are in static int8 their product has a largest value that is known beforehand: the grids' ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from models.quantization.grids import Grids
from models.quantization.layers import LayerKind, Place

# ln of the largest float32 is 88.7. The margin is for what products and exponential are off.
_LARGEST = 88.0


def bounded(grids: Mapping[Place, Grids], head_dim: int, tokens: int) -> dict[Place, Grids]:
    """The same grids, queries' and keys' so narrow that their windows of `tokens` can be summed.

    What is summed are the values times the exponentials of the scores. Both grids of a block are
    narrowed by the same factor, if at all: the published network's to 0.87 in one block, which
    costs 0.001 dB of `models.quantization.sensitivity`'s crops.
    """
    found = dict(grids)
    for query in (place for place in grids if place.kind is LayerKind.QUERY):
        key = query._replace(kind=LayerKind.KEY)
        values = abs(grids[query._replace(kind=LayerKind.VALUE)].gives.farthest)
        most = _LARGEST - max(0.0, math.log(tokens * max(values, 1e-30)))
        largest = head_dim * abs(grids[query].gives.farthest * grids[key].gives.farthest)
        if largest > most:
            for place in (query, key):
                gives = grids[place].gives.narrowed(math.sqrt(most / largest))
                found[place] = replace(grids[place], gives=gives)
    return found
