"""Upsampling, activation and tail as patches of each LR pixel, overlaps added, strip by strip.

The arithmetic is `models.deploy_graph.PatchTail`'s: `scale + 2` rows and columns of output for an
LR pixel, of which the outermost belong to its neighbours. Columns are added within a strip, rows
across strips.
"""

from __future__ import annotations

import torch

from models.deploy_graph import fused_upsampling, patch_tail
from models.lowering.direct.numerics import Numerics
from models.lowering.direct.strips import Strips
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Value
from models.network import LEAKY_SLOPE, MobileSR
from models.quantization.layers import LayerKind, Place

_COLOURS = 3


class DirectTail:
    """The tail's constants, and the writing of it for any list of strips."""

    def __init__(self, graph: XnnpackGraph, model: MobileSR, rows: int, numerics: Numerics) -> None:
        """`rows`: LR rows computed at once."""
        self.graph, self.rows = graph, rows
        self.scale = model.config.scale
        self.patch = self.scale + 2
        self.upsampling = numerics.kernel(
            graph, Place(None, LayerKind.UPSAMPLING), *fused_upsampling(model)
        )
        # A patch's columns come first, so that those of neighbours are added over whole blocks.
        weight = patch_tail(model).reshape(self.patch, self.patch, _COLOURS, -1)
        assert model.tail.bias is not None
        bias = torch.zeros(self.patch, self.patch, _COLOURS, dtype=torch.float64)
        bias[1:-1, 1:-1] = model.tail.bias.detach().double()
        self.patches = numerics.kernel(
            graph,
            Place(None, LayerKind.PATCHES),
            weight.transpose(0, 1).reshape(self.patch**2 * _COLOURS, -1),
            bias.transpose(0, 1).reshape(-1),
        )

    def write(self, strips: Strips) -> list[Value]:
        """(1, h, W, C) each -> (1, scale * h, scale * W, 3) each."""
        rows = [self._rows(strip) for strip in strips]
        return [self._picture(rows, at) for at in range(len(rows))]

    def _rows(self, strip: Value) -> Value:
        """(1, h, W, C) -> (h, scale + 2, scale * W * 3): columns are whole, rows overlap."""
        graph, height = self.graph, strip.shape[1]
        parts = [
            self._columns(graph.slice(strip, 1, top, min(top + self.rows, height)))
            for top in range(0, height, self.rows)
        ]
        return graph.concatenate(parts, axis=0)

    def _columns(self, strip: Value) -> Value:
        graph, patch = self.graph, self.patch
        _, height, width, _ = strip.shape
        wide = graph.linear(strip, self.upsampling)
        wide = graph.leaky_relu(wide, LEAKY_SLOPE, self.patches.takes)
        patches = graph.as_float(graph.linear(wide, self.patches))
        blocks = graph.reshape(patches, [height, width, patch, patch * _COLOURS])
        first, last = graph.slice(blocks, 2, 1, 2), graph.slice(blocks, 2, patch - 2, patch - 1)
        if width > 1:
            # The last column of a patch lies on its right neighbour's first, and the other way.
            to_right = graph.slice(graph.slice(blocks, 2, patch - 1, patch), 1, 0, width - 1)
            to_left = graph.slice(graph.slice(blocks, 2, 0, 1), 1, 1, width)
            first = graph.add(first, graph.pad(to_right, 1, 1, 0))
            last = graph.add(last, graph.pad(to_left, 1, 0, 1))
        own = self._own(blocks, first, last, axis=2)
        own = graph.reshape(own, [height, width * self.scale, patch, _COLOURS])
        return graph.reshape(
            graph.transpose(own, [0, 2, 1, 3]), [height, patch, width * self.scale * _COLOURS]
        )

    def _picture(self, strips: Strips, at: int) -> Value:
        graph, patch = self.graph, self.patch
        rows = strips[at]
        height, _, length = rows.shape
        from_above, from_below = self._from_above(strips, at), self._from_below(strips, at)
        first, last = graph.slice(rows, 1, 1, 2), graph.slice(rows, 1, patch - 2, patch - 1)
        if from_above is not None:
            first = graph.add(first, from_above)
        if from_below is not None:
            last = graph.add(last, from_below)
        own = self._own(rows, first, last, axis=1)
        return graph.reshape(own, [1, height * self.scale, length // _COLOURS, _COLOURS])

    def _own(self, blocks: Value, first: Value, last: Value, axis: int) -> Value:
        """The blocks without their outermost, with these as first and last of what is left."""
        middle = [] if self.scale == 2 else [self.graph.slice(blocks, axis, 2, self.patch - 2)]
        return self.graph.concatenate([first, *middle, last], axis)

    def _from_above(self, strips: Strips, at: int) -> Value | None:
        """What each LR row's predecessor adds to its first row: (h, 1, length)."""
        graph = self.graph
        below = graph.slice(strips[at], 1, self.patch - 1, self.patch)
        count = below.shape[0]
        parts = [graph.slice(below, 0, 0, count - 1)] if count > 1 else []
        if at == 0:
            return graph.pad(parts[0], 0, 1, 0) if parts else None
        before = strips[at - 1]
        last = graph.slice(before, 0, before.shape[0] - 1, before.shape[0])
        return graph.concatenate([graph.slice(last, 1, self.patch - 1, self.patch), *parts], 0)

    def _from_below(self, strips: Strips, at: int) -> Value | None:
        """What each LR row's successor adds to its last row: (h, 1, length)."""
        graph = self.graph
        above = graph.slice(strips[at], 1, 0, 1)
        count = above.shape[0]
        parts = [graph.slice(above, 0, 1, count)] if count > 1 else []
        if at + 1 == len(strips):
            return graph.pad(parts[0], 0, 0, 1) if parts else None
        following = graph.slice(strips[at + 1], 0, 0, 1)
        return graph.concatenate([*parts, graph.slice(following, 1, 0, 1)], 0)
