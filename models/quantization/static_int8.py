"""Static int8 as XNNPACK computes it: input and output on known grids, sums and bias in int32."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.quantization.grids import Grid, Grids
from models.quantization.int8 import quantised_weight

_MOST_PRODUCT = 127 * 255
# Sums become float32 before they are scaled.
_MOST_BIAS = 2**23
Layer = nn.Linear | nn.Conv2d


def least_scales(bias: Tensor, takes: Grid) -> Tensor:
    """Of the weights' channels, (out,): what keeps a bias beside far smaller weights exact."""
    return bias.detach().abs() / (takes.scale * _MOST_BIAS)


def quantised_bias(bias: Tensor, scales: Tensor) -> Tensor:
    """In steps of the sums' channels, int32; `scales` are theirs, (out,)."""
    most = torch.iinfo(torch.int32)
    steps = torch.round(bias.detach().double() / scales.double())
    return steps.clamp(most.min, most.max).to(torch.int32)


class StaticInt8(nn.Module):
    """A linear layer or a convolution in static int8; float32 values of the grids in and out."""

    weight: Tensor
    bias: Tensor
    factors: Tensor

    def __init__(self, layer: Layer, grids: Grids) -> None:
        super().__init__()
        self.grids = grids
        own = layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias
        flat, scales = quantised_weight(layer.weight.flatten(1), least_scales(own, grids.takes))
        # Integers are added exactly as long as they fit into a float's mantissa.
        short = flat.shape[1] * _MOST_PRODUCT < 2**24
        weight = flat.reshape(layer.weight.shape)
        self.register_buffer("weight", weight.float() if short else weight.double())
        sums = scales * grids.takes.scale
        self.register_buffer("bias", quantised_bias(own, sums).double())
        self.register_buffer("factors", sums / grids.gives.scale)
        self.operation = _operation(layer)
        # Channels are last in tokens, and second in pictures.
        self.behind = () if isinstance(layer, nn.Linear) else (1, 1)

    def forward(self, x: Tensor) -> Tensor:
        steps = self.grids.takes.steps(x).to(self.weight.dtype)
        sums = self.operation(steps, self.weight).double() + self._by_channel(self.bias)
        gives = self.grids.gives
        return gives.rounded_steps(sums.float() * self._by_channel(self.factors))

    def _by_channel(self, values: Tensor) -> Tensor:
        return values.reshape(-1, *self.behind)


def _operation(layer: Layer) -> Callable[[Tensor, Tensor], Tensor]:
    if isinstance(layer, nn.Linear):
        return F.linear
    assert isinstance(layer.padding, tuple)
    return partial(F.conv2d, padding=layer.padding, groups=layer.groups)
