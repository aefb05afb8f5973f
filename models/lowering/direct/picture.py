"""How a picture comes into the graph and leaves it.

`float` are planes, (1, 3, H, W) of 0 to 1, as PyTorch's networks have them. `uint8` are an app's
own pixels, (1, H, W, 3) of 0 to 255: what lies between them and the network's numbers is the
arithmetic of `models.images.to_input` and `to_uint8`, to the last bit.
"""

from __future__ import annotations

import torch

from models.deployment import Io
from models.lowering.xnnpack_graph import XnnpackGraph
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
    if io == "float":
        graph.output(graph.transpose(picture, [0, 3, 1, 2]))
        return
    # A conversion with steps of 1/255 multiplies by what is not quite 255: ties would go wrong.
    graph.output(graph.convert(graph.multiply(picture, _most(graph)), DataType.QUINT8))


def _most(graph: XnnpackGraph) -> Value:
    return graph.number(torch.full((1, 1, 1, 1), _MOST))
