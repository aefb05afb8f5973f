"""How a picture comes into the graph and leaves it.

`float` are planes, (1, 3, H, W) of 0 to 1, as PyTorch's networks have them. `uint8` are an app's
own pixels, (1, H, W, 3) of 0 to 255: what lies between them and the network's numbers is the
arithmetic of `models.images.to_input` and `to_uint8`, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch

from models.deployment import Io
from models.lowering.xnnpack_graph import MOST_PARTS, XnnpackGraph
from models.lowering.xnnpack_values import DataType, Value

_COLOURS = 3
_MOST = 255.0


def picture_in(graph: XnnpackGraph, io: Io, height: int, width: int) -> Value:
    """The graph's input as (1, H, W, 3), float32 of 0 to 1."""
    if io == "float":
        return graph.transpose(graph.input([1, _COLOURS, height, width]), [0, 2, 3, 1])
    pixels = graph.input([1, height, width, _COLOURS], DataType.QUINT8)
    # A multiplication by 1/255 would differ in the last bit.
    return graph.divide(graph.convert(pixels, DataType.FP32), _most(graph))


def picture_out(graph: XnnpackGraph, io: Io, picture: Value) -> None:
    """Make (1, H, W, 3), float32, the graph's output."""
    graph.output(_as_output(graph, io, picture))


def strips_out(graph: XnnpackGraph, io: Io, picture: Value, residuals: Iterator[Value]) -> None:
    """Make the graph's output of residuals, (1, h, scale * W, 3), from top to bottom.

    Each is added to what it covers of the bilinear base of `picture`, (1, H, W, 3). What is done
    is joined at once, so that pieces are not held all together.
    """
    axis = 2 if io == "float" else 1
    pieces = (_as_output(graph, io, piece) for piece in _on_base(graph, picture, residuals))
    joined = []
    while some := list(islice(pieces, MOST_PARTS)):
        joined.append(graph.concatenate(some, axis))
    graph.output(graph.concatenate(joined, axis))


def _on_base(graph: XnnpackGraph, picture: Value, residuals: Iterator[Value]) -> Iterator[Value]:
    height, width = picture.shape[1:3]
    top = 0
    for residual in residuals:
        scale = residual.shape[2] // width
        bottom = top + residual.shape[1] // scale
        # A row of either neighbour; the picture's edge is repeated by the operator itself.
        first, last = max(0, top - 1), min(height, bottom + 1)
        rows = graph.slice(picture, 1, first, last)
        base = graph.resize_bilinear(rows, (last - first) * scale, width * scale, held=False)
        base = graph.slice(base, 1, (top - first) * scale, (bottom - first) * scale)
        yield graph.add(residual, base)
        top = bottom


def _as_output(graph: XnnpackGraph, io: Io, picture: Value) -> Value:
    if io == "float":
        return graph.transpose(picture, [0, 3, 1, 2])
    # A conversion with steps of 1/255 multiplies by what is not quite 255: ties would go wrong.
    return graph.convert(graph.multiply(picture, _most(graph)), DataType.QUINT8)


def _most(graph: XnnpackGraph) -> Value:
    return graph.number(torch.full((1, 1, 1, 1), _MOST))
