"""What a precision means for the directly written graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from models.deployment import Precision
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import DataType, Kernel
from models.quantization.calibration import Int8Network
from models.quantization.grids import Grid, Grids
from models.quantization.layers import FLOAT_LAYERS, INT8_LAYERS, Int8Layers, LayerKind, Place

# Of a kernel in XNNPACK's layout, the axis of its output channels.
_CHANNELS = {LayerKind.DEPTHWISE: 3}


@dataclass(frozen=True)
class Numerics:
    """The type that is computed in, the layers that are in int8 instead, and the grids of those."""

    float_type: DataType = DataType.FP32
    int8: Int8Layers = FLOAT_LAYERS
    grids: Mapping[Place, Grids] = field(default_factory=dict)

    @property
    def scores_are_bounded(self) -> bool:
        """Whether queries and keys lie on grids, which `score_range` sees to."""
        return {LayerKind.QUERY, LayerKind.KEY, LayerKind.VALUE} <= self.int8.static

    @property
    def sparing(self) -> bool:
        """Whether memory is spared, where it costs 1 to 2 % of the time.

        A strip is made into a piece of the output as soon as it can be, and the largest tables of
        addresses (`XnnpackGraph.convolution`, `resize_bilinear`) are not held.
        """
        return bool(self.int8.static | self.int8.dynamic)

    def takes(self, place: Place) -> Grid | None:
        """The grid that a layer's input lies on; None where it may be anything."""
        return self.grids[place].takes if place.kind in self.int8.static else None

    def kernel(
        self, graph: XnnpackGraph, place: Place, weight: Tensor, bias: Tensor | None
    ) -> Kernel:
        """The weights of a layer, in XNNPACK's layout, in the type it computes in."""
        if place.kind in self.int8.static:
            axis = _CHANNELS.get(place.kind, 0)
            return graph.static_kernel(weight, bias, self.grids[place], axis)
        if place.kind in self.int8.dynamic:
            return graph.int8_kernel(weight, bias)
        return graph.kernel(weight, bias)


EXACT = Numerics()


def numerics_of(precision: Precision, ready: Int8Network | None = None) -> Numerics:
    """How a network is computed in a precision; int8 needs it made ready."""
    if precision == "fp32":
        return EXACT
    if precision == "fp16":
        return Numerics(float_type=DataType.FP16)
    assert ready is not None
    return Numerics(int8=INT8_LAYERS, grids=ready.grids)
