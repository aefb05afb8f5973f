"""What a precision means for the directly written graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from models.deployment import Precision
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import DataType, Kernel
from models.quantization.layers import INT8_LAYERS, LayerKind


@dataclass(frozen=True)
class Numerics:
    """The type that is computed in, and the linear layers that are in int8 instead."""

    float_type: DataType = DataType.FP32
    int8: frozenset[LayerKind] = frozenset()

    def kernel(
        self, graph: XnnpackGraph, kind: LayerKind, weight: Tensor, bias: Tensor | None
    ) -> Kernel:
        """The weights (out, in) of a linear layer of this kind, in the type it computes in."""
        make: Callable[[Tensor, Tensor | None], Kernel] = graph.kernel
        if kind in self.int8:
            make = graph.int8_kernel
        return make(weight, bias)


EXACT = Numerics()
NUMERICS: Mapping[Precision, Numerics] = {
    "fp32": EXACT,
    "fp16": Numerics(float_type=DataType.FP16),
    "int8": Numerics(int8=INT8_LAYERS),
}
