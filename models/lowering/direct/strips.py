"""Features as strips: what lies between two convolutions is computed strip by strip.

A strip is (1, rows, W, C): whole rows of attention windows, the last one what is left. A
convolution sees one row of either neighbour, the picture's edge is padded with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Kernel, Padding, Value
from models.quantization.grids import Grid

Strips = Sequence[Value]
_TILE, _SMALL_TILE = 32, 16


def cut(graph: XnnpackGraph, features: Value, rows: int) -> list[Value]:
    """(1, H, W, C) as strips of `rows`."""
    height = features.shape[1]
    return [
        graph.slice(features, 1, top, min(top + rows, height)) for top in range(0, height, rows)
    ]


def with_halo(
    graph: XnnpackGraph, strips: Strips, at: int, grid: Grid | None = None
) -> tuple[Value, Padding]:
    """A strip with a row of each neighbour, and the padding a 3x3 convolution needs there.

    Strips are brought onto `grid` as wholes, each once for all three that see it.
    """
    parts = [graph.on_grid(strips[at], grid)]
    above = below = 1
    if at > 0:
        before = graph.on_grid(strips[at - 1], grid)
        parts.insert(0, graph.slice(before, 1, before.shape[1] - 1, before.shape[1]))
        above = 0
    if at + 1 < len(strips):
        parts.append(graph.slice(graph.on_grid(strips[at + 1], grid), 1, 0, 1))
        below = 0
    return graph.concatenate(parts, axis=1), Padding(above, below, beside=1)


def convolution_weight(layer: nn.Conv2d) -> Tensor:
    """PyTorch's (out, in, h, w) as XNNPACK's (out, h, w, in)."""
    return layer.weight.detach().permute(0, 2, 3, 1)


def channel_parts(channels: int) -> list[slice]:
    """The output channels of a convolution as parts to be computed one after the other.

    XNNPACK computes them by 32, or by 16 where there are no more: a rest of up to 16 is cheaper by
    itself (40 channels at the price of 48, not of 64).
    """
    rest = channels % _TILE
    if channels < _TILE or not 0 < rest <= _SMALL_TILE:
        return [slice(0, channels)]
    return [slice(0, channels - rest), slice(channels - rest, channels)]


def depthwise_weight(layer: nn.Conv2d, *, residual: bool = False) -> Tensor:
    """PyTorch's (C, 1, h, w) as XNNPACK's (1, h, w, C); with `residual` its input is added."""
    weight = layer.weight.detach().clone()
    if residual:
        weight[:, 0, weight.shape[2] // 2, weight.shape[3] // 2] += 1
    return weight.permute(1, 2, 3, 0)


def linear_kernel(graph: XnnpackGraph, layer: nn.Linear) -> Kernel:
    """PyTorch's (out, in), which is XNNPACK's."""
    return graph.kernel(layer.weight, layer.bias)
