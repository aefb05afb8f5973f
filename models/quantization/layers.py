"""The layers of the deployed network by kind, and what each is computed in in precision int8."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class LayerKind(StrEnum):
    """A layer of the deploy graph; a model has one of each for every block, or one at all.

    The norms' matmuls are none of them: they are arithmetic of LayerNorm, not weights. Neither are
    the head and the position convolutions, whose inputs and sums are float32.
    """

    QUERY = "query"
    KEY = "key"
    VALUE = "value"
    PROJECTION = "projection"
    MLP_IN = "mlp_in"
    MLP_OUT = "mlp_out"
    EXPAND = "expand"
    DEPTHWISE = "depthwise"
    REDUCE = "reduce"
    FUSE = "fuse"
    UPSAMPLING = "upsampling"
    PATCHES = "patches"


CONVOLUTIONS = frozenset({LayerKind.DEPTHWISE, LayerKind.FUSE})


class Place(NamedTuple):
    """A layer of a network: its block in the body, None outside it, and its kind."""

    block: int | None
    kind: LayerKind


@dataclass(frozen=True)
class Int8Layers:
    """Which kinds of layers are in int8.

    Attributes:
        static: input and output on grids that calibration found.
        dynamic: the input on a grid found row by row when the program runs, the output in float32.
            No convolution: XNNPACK has none of this kind that is worth its time here.
    """

    static: frozenset[LayerKind] = frozenset()
    dynamic: frozenset[LayerKind] = frozenset()


FLOAT_LAYERS = Int8Layers()
# docs/precision.md has the table that this follows from.
_DYNAMIC = frozenset({LayerKind.UPSAMPLING, LayerKind.PATCHES})
INT8_LAYERS = Int8Layers(static=frozenset(LayerKind) - _DYNAMIC, dynamic=_DYNAMIC)
