"""Features as strips: what lies between two convolutions is computed strip by strip.

A strip is (1, rows, W, C): whole rows of attention windows, the last one what is left. A
convolution sees one row of either neighbour, the picture's edge is padded with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Kernel, Padding, Value

Strips = Sequence[Value]
_TILE, _SMALL_TILE = 32, 16


def cut(graph: XnnpackGraph, features: Value, rows: int) -> list[Value]:
    """(1, H, W, C) as strips of `rows`."""
    height = features.shape[1]
    return [
        graph.slice(features, 1, top, min(top + rows, height)) for top in range(0, height, rows)
    ]


def with_halo(graph: XnnpackGraph, strips: Strips, at: int) -> tuple[Value, Padding]:
    """A strip with a row of each neighbour, and the padding a 3x3 convolution needs there."""
    parts = [strips[at]]
    above = below = 1
    if at > 0:
        height = strips[at - 1].shape[1]
        parts.insert(0, graph.slice(strips[at - 1], 1, height - 1, height))
        above = 0
    if at + 1 < len(strips):
        parts.append(graph.slice(strips[at + 1], 1, 0, 1))
        below = 0
    return graph.concatenate(parts, axis=1), Padding(above, below, beside=1)


def convolution_kernel(graph: XnnpackGraph, layer: nn.Conv2d) -> Kernel:
    """PyTorch's (out, in, h, w) as XNNPACK's (out, h, w, in)."""
    return graph.kernel(layer.weight.permute(0, 2, 3, 1), layer.bias)


def convolution_kernels(graph: XnnpackGraph, layer: nn.Conv2d) -> list[Kernel]:
    """Kernels whose outputs, side by side, are the layer's.

    XNNPACK computes output channels by 32, or by 16 if there are no more: a rest of up to 16 is
    cheaper by itself (40 channels at half the price of 64, not at all of it).
    """
    channels = layer.out_channels
    rest = channels % _TILE
    if channels < _TILE or not 0 < rest <= _SMALL_TILE:
        return [convolution_kernel(graph, layer)]
    weight, bias = layer.weight.permute(0, 2, 3, 1), layer.bias
    assert bias is not None
    parts = slice(0, channels - rest), slice(channels - rest, channels)
    return [graph.kernel(weight[part], bias[part]) for part in parts]


def depthwise_kernel(graph: XnnpackGraph, layer: nn.Conv2d, *, residual: bool = False) -> Kernel:
    """PyTorch's (C, 1, h, w) as XNNPACK's (1, h, w, C); with `residual` its input is added."""
    weight = layer.weight.detach().clone()
    if residual:
        weight[:, 0, weight.shape[2] // 2, weight.shape[3] // 2] += 1
    return graph.kernel(weight.permute(1, 2, 3, 0), layer.bias)


def linear_kernel(graph: XnnpackGraph, layer: nn.Linear) -> Kernel:
    """PyTorch's (out, in), which is XNNPACK's."""
    return graph.kernel(layer.weight, layer.bias)
