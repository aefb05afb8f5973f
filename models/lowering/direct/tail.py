"""Upsampling, activation and tail as patches of each LR pixel, overlaps added, strip by strip.

The arithmetic is `models.deploy_graph.PatchTail`'s: `scale + 2` rows and columns of output for an
LR pixel, of which the outermost belong to its neighbours. Columns are added within a strip, rows
across strips.

A patch's map is mostly zeros: a row of sub-pixels reaches three rows of the patch. So each row of
sub-pixels is upsampled and mapped by itself, to what it reaches, which for scale 4 is four sevenths
of the work. What overlaps is added as planes (patch row, patch column, colour, h, W), of which
whole rows of pixels are moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from models.deploy_graph import fused_upsampling, patch_tail
from models.lowering.direct.numerics import Numerics
from models.lowering.direct.strips import Strips
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Kernel, Value
from models.network import LEAKY_SLOPE, MobileSR
from models.quantization.layers import LayerKind, Place

_COLOURS = 3
# A row of sub-pixels reaches one row of the patch above its own and one below.
_BEYOND = 2


@dataclass(frozen=True)
class _SubRows:
    """Rows of sub-pixels from `first`: their upsampling, and its map to the patch rows reached."""

    first: int
    upsampling: Kernel
    patches: Kernel


class DirectTail:
    """The tail's constants, and the writing of it for any list of strips."""

    def __init__(self, graph: XnnpackGraph, model: MobileSR, rows: int, numerics: Numerics) -> None:
        """`rows`: LR rows computed at once."""
        self.graph, self.rows = graph, rows
        self.scale = model.config.scale
        self.patch = self.scale + 2
        self.groups = self._sub_rows(model, numerics)

    def _sub_rows(self, model: MobileSR, numerics: Numerics) -> list[_SubRows]:
        scale, patch = self.scale, self.patch
        up, up_bias = (one.reshape(scale, -1, *one.shape[1:]) for one in fused_upsampling(model))
        weight = patch_tail(model).reshape(patch, patch, _COLOURS, scale, -1)
        assert model.tail.bias is not None
        # The bias is added once: by the first group that reaches a row.
        bias = torch.zeros(patch, patch, _COLOURS, dtype=torch.float64)
        bias[1:-1, 1:-1] = model.tail.bias.detach().double()
        groups = []
        step = _sub_rows_at_once(scale, numerics)
        for first in range(0, scale, step):
            own, reached = slice(first, first + step), slice(first, first + step + _BEYOND)
            upsampling = numerics.kernel(
                self.graph,
                Place(None, LayerKind.UPSAMPLING),
                up[own].flatten(0, 1),
                up_bias[own].flatten(),
            )
            patches = numerics.kernel(
                self.graph, Place(None, LayerKind.PATCHES),
                weight[reached, :, :, own].flatten(3).flatten(0, 2), bias[reached].flatten(),
            )  # fmt: skip
            bias[reached] = 0
            groups.append(_SubRows(first, upsampling, patches))
        return groups

    def write(self, strips: Strips) -> list[Value]:
        """(1, h, W, C) each -> (1, scale * h, scale * W, 3) each."""
        rows = [self._rows(strip) for strip in strips]
        return [self._picture(rows, at) for at in range(len(rows))]

    def write_in_turn(self, strips: Strips) -> Iterator[Value]:
        """The same, each strip written when it is asked for."""
        rows: list[Value] = []
        for at in range(len(strips)):
            rows += [self._rows(strip) for strip in strips[len(rows) : at + 2]]
            yield self._picture(rows, at)

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
        planes = self._patches([self._planes(strip, group) for group in self.groups])
        first, last = graph.slice(planes, 1, 1, 2), graph.slice(planes, 1, patch - 2, patch - 1)
        if width > 1:
            # The last column of a patch lies on its right neighbour's first, and the other way.
            to_right = graph.slice(graph.slice(planes, 1, patch - 1, patch), 4, 0, width - 1)
            to_left = graph.slice(graph.slice(planes, 1, 0, 1), 4, 1, width)
            first = graph.add(first, graph.pad(to_right, 4, 1, 0))
            last = graph.add(last, graph.pad(to_left, 4, 0, 1))
        own = self._own(planes, first, last, axis=1)
        own = graph.reshape(own, [patch, self.scale * _COLOURS, height, width])
        return graph.reshape(
            graph.transpose(own, [2, 0, 3, 1]), [height, patch, width * self.scale * _COLOURS]
        )

    def _planes(self, strip: Value, group: _SubRows) -> Value:
        """(1, h, W, C) -> (patch rows reached, patch columns, colours, h, W)."""
        graph = self.graph
        _, height, width, _ = strip.shape
        wide = graph.linear(strip, group.upsampling)
        wide = graph.leaky_relu(wide, LEAKY_SLOPE, group.patches.takes)
        mapped = graph.as_float(graph.linear(wide, group.patches))
        values = mapped.shape[3]
        planes = graph.transpose(graph.reshape(mapped, [height * width, values]), [1, 0])
        columns = self.patch * _COLOURS
        return graph.reshape(planes, [values // columns, self.patch, _COLOURS, height, width])

    def _patches(self, parts: list[Value]) -> Value:
        """Whole patches of what each group reaches of them."""
        graph = self.graph
        if len(parts) == 1:
            return parts[0]
        rows = []
        for row in range(self.patch):
            reaching = [
                graph.slice(part, 0, row - group.first, row - group.first + 1)
                for part, group in zip(parts, self.groups, strict=True)
                if 0 <= row - group.first < part.shape[0]
            ]
            total = reaching[0]
            for one in reaching[1:]:
                total = graph.add(total, one)
            rows.append(total)
        return graph.concatenate(rows, 0)

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


def _sub_rows_at_once(scale: int, numerics: Numerics) -> int:
    """All of them where that is no more work, and in int8, which rounds a patch's map as one."""
    in_int8 = numerics.int8.static | numerics.int8.dynamic
    if scale == 2 or {LayerKind.UPSAMPLING, LayerKind.PATCHES} & in_int8:
        return scale
    return 1
