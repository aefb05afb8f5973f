"""The whole network as one graph: (1, 3, H, W) in [0, 1] -> (1, 3, scale*H, scale*W)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import nn

from models.deployment import Io
from models.lowering.direct.numerics import EXACT, Numerics
from models.lowering.direct.picture import picture_in, picture_out, strips_out
from models.lowering.direct.strips import (
    Strips,
    channel_parts,
    convolution_weight,
    cut,
    depthwise_weight,
    with_halo,
)
from models.lowering.direct.tail import DirectTail
from models.lowering.direct.transformer import DirectTransformer
from models.lowering.strips import StripPlan
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import DataType, Kernel, Padding, Value
from models.network import LEAKY_SLOPE, MobileSR, ResBlock, WindowTransformer
from models.quantization.layers import LayerKind, Place

FUSE = Place(None, LayerKind.FUSE)


class DirectResBlock:
    """One block's constants, and the writing of it for any list of strips."""

    def __init__(self, graph: XnnpackGraph, block: ResBlock, at: int, numerics: Numerics) -> None:
        """`at`: the block's number in the body."""
        self.graph = graph
        expand, _, depthwise, _, reduce = (cast(nn.Conv2d, layer) for layer in block.net)
        self.expand, self.depthwise, self.reduce = (
            numerics.kernel(graph, Place(at, kind), weight, layer.bias)
            for kind, layer, weight in (
                (LayerKind.EXPAND, expand, expand.weight.flatten(1)),
                (LayerKind.DEPTHWISE, depthwise, depthwise_weight(depthwise)),
                (LayerKind.REDUCE, reduce, reduce.weight.flatten(1)),
            )
        )

    def write(self, strips: Strips) -> list[Value]:
        return [self._write_strip(strips, at) for at in range(len(strips))]

    def _write_strip(self, strips: Strips, at: int) -> Value:
        graph = self.graph
        picture, padding = with_halo(graph, strips, at, self.expand.takes)
        hidden = graph.linear(picture, self.expand)
        hidden = graph.leaky_relu(hidden, LEAKY_SLOPE, self.depthwise.takes)
        hidden = graph.depthwise_convolution(hidden, self.depthwise, padding)
        hidden = graph.leaky_relu(hidden, LEAKY_SLOPE, self.reduce.takes)
        return graph.add(strips[at], graph.as_float(graph.linear(hidden, self.reduce)))


def write_network(
    model: MobileSR, height: int, width: int, plan: StripPlan, numerics: Numerics = EXACT,
    io: Io = "float",
) -> XnnpackGraph:  # fmt: skip
    """`model` for one LR size, cut as `plan` says.

    The bilinear base, to which all else is added, is float32 in every precision.
    """
    config, graph = model.config, XnnpackGraph(numerics.float_type)
    larger = (height * config.scale, width * config.scale)
    picture = picture_in(graph, io, height, width)
    base = None if numerics.sparing else graph.resize_bilinear(picture, *larger)
    head = graph.convolution(
        graph.convert(picture, numerics.float_type),
        graph.kernel(convolution_weight(model.head), model.head.bias),
        Padding(1, 1, 1),
        held=not numerics.sparing,
    )
    features: Strips = cut(graph, head, plan.window_rows * config.window_size)
    blocks = _blocks(graph, model, plan, numerics)
    for _ in range(config.body_passes - 1):
        features = _through(blocks, features)
    before = [graph.on_grid(strip, numerics.takes(FUSE)) for strip in features]
    features = _through(blocks, features)
    after = [graph.on_grid(strip, numerics.takes(FUSE)) for strip in features]
    both = [graph.concatenate(pair, axis=3) for pair in zip(before, after, strict=True)]
    fuse = _fuse_kernels(graph, model, numerics)
    fused = []
    for at in range(len(both)):
        wide, padding = with_halo(graph, both, at, fuse[0].takes)
        parts = [
            graph.convolution(wide, kernel, padding, held=not numerics.sparing) for kernel in fuse
        ]
        fused.append(graph.concatenate(parts, axis=3))
    tail = DirectTail(graph, model, plan.tail_rows, numerics)
    if base is None:
        strips_out(graph, io, picture, tail.write_in_turn(fused))
    else:
        residual = graph.convert(graph.concatenate(tail.write(fused), axis=1), DataType.FP32)
        picture_out(graph, io, graph.add(residual, base))
    return graph


def _through(blocks: Sequence[DirectTransformer | DirectResBlock], features: Strips) -> Strips:
    for block in blocks:
        features = block.write(features)
    return features


def _fuse_kernels(graph: XnnpackGraph, model: MobileSR, numerics: Numerics) -> list[Kernel]:
    """One for each part of the channels; in static int8 one, whose output has one grid."""
    weight, bias = convolution_weight(model.fuse), model.fuse.bias
    assert bias is not None
    whole = LayerKind.FUSE in numerics.int8.static
    parts = [slice(None)] if whole else channel_parts(model.fuse.out_channels)
    return [numerics.kernel(graph, FUSE, weight[part], bias[part]) for part in parts]


def _blocks(
    graph: XnnpackGraph, model: MobileSR, plan: StripPlan, numerics: Numerics
) -> list[DirectTransformer | DirectResBlock]:
    """The body's, in their order, numbered as `models.deploy_graph` has them."""
    blocks: list[DirectTransformer | DirectResBlock] = []
    for block in (one for layer in model.body.layers for one in cast(nn.ModuleList, layer)):
        at = len(blocks)
        if isinstance(block, WindowTransformer):
            blocks.append(DirectTransformer(graph, block, at, plan.windows, numerics))
        else:
            blocks.append(DirectResBlock(graph, cast(ResBlock, block), at, numerics))
    return blocks
