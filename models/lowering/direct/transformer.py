"""`WindowTransformer` on strips: tokens are brought window by window once, and back once.

As in `models.deploy_graph` the norms' affine lies in the layers behind them, and a mean is a matmul
with one column. What differs: the mean is subtracted, where a centring matmul has as many columns
as there are channels; the position convolution's residual sits in its centre tap; a row of windows
moves in rows of `window * C` values. Attention itself is in `attention`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.deploy_graph import CentredNorm, DeployTransformer
from models.lowering.direct.attention import attention_of
from models.lowering.direct.numerics import Numerics
from models.lowering.direct.strips import (
    Strips,
    depthwise_weight,
    linear_kernel,
    with_halo,
)
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Kernel, Value
from models.network import WindowTransformer
from models.quantization.layers import LayerKind, Place


@dataclass(frozen=True)
class _Norm:
    """The mean, and the mean of squares beside eps."""

    mean: Kernel
    variance: Kernel


class DirectTransformer:
    """One block's constants, and the writing of it for any list of strips."""

    def __init__(
        self, graph: XnnpackGraph, block: WindowTransformer, at: int, windows: int,
        numerics: Numerics,
    ) -> None:  # fmt: skip
        """`at`: the block's number in the body; `windows`: how many's scores are held at once."""
        self.graph = graph
        self.side = block.window_size
        folded = DeployTransformer(block, self.side, self.side)
        position = depthwise_weight(block.pos_embed, residual=True)
        self.position = graph.kernel(position, block.pos_embed.bias)
        self.norm1, self.norm2 = self._norm(folded.norm1), self._norm(folded.norm2)
        self.attention = attention_of(graph, folded, at, windows, numerics)
        self.mlp_in, self.mlp_out = (
            numerics.kernel(graph, Place(at, kind), layer.weight, layer.bias)
            for kind, layer in (
                (LayerKind.MLP_IN, folded.mlp_in), (LayerKind.MLP_OUT, folded.mlp_out),
            )
        )  # fmt: skip

    def _norm(self, norm: CentredNorm) -> _Norm:
        return _Norm(
            self.graph.kernel(norm.variance.weight, None),
            linear_kernel(self.graph, norm.variance),
        )

    def write(self, strips: Strips) -> list[Value]:
        return [self._write_strip(strips, at) for at in range(len(strips))]

    def _write_strip(self, strips: Strips, at: int) -> Value:
        graph, side = self.graph, self.side
        _, height, width, channels = strips[at].shape
        picture, padding = with_halo(graph, strips, at)
        picture = graph.depthwise_convolution(picture, self.position, padding)
        below, right = -height % side, -width % side
        picture = graph.pad(graph.pad(picture, 1, 0, below), 2, 0, right)
        rows, columns = (height + below) // side, (width + right) // side
        # (rows, side, columns, side * C): a window's row stays in one piece.
        blocks = graph.reshape(picture, [rows, side, columns, side * channels])
        tokens = graph.reshape(
            graph.transpose(blocks, [0, 2, 1, 3]), [rows * columns, side * side, channels]
        )
        inside = _inside(rows, columns, side, below, right)
        tokens = self._windows(tokens, None if inside is None else self.attention.mask(inside))
        blocks = graph.reshape(tokens, [rows, columns, side, side * channels])
        picture = graph.reshape(
            graph.transpose(blocks, [0, 2, 1, 3]), [1, rows * side, columns * side, channels]
        )
        return graph.slice(graph.slice(picture, 1, 0, height), 2, 0, width)

    def _windows(self, tokens: Value, mask: Value | None) -> Value:
        """Attention and MLP: (windows, tokens, C) kept."""
        graph = self.graph
        tokens = graph.add(tokens, self.attention.write(self._normed(tokens, self.norm1), mask))
        hidden = graph.linear(self._normed(tokens, self.norm2), self.mlp_in)
        hidden = graph.gelu(hidden, self.mlp_out.takes)
        return graph.add(tokens, graph.as_float(graph.linear(hidden, self.mlp_out)))

    def _normed(self, tokens: Value, norm: _Norm) -> Value:
        graph = self.graph
        centred = graph.subtract(tokens, graph.linear(tokens, norm.mean))
        variance = graph.linear(graph.multiply(centred, centred), norm.variance)
        return graph.multiply(centred, graph.reciprocal_square_root(variance))


def _inside(rows: int, columns: int, side: int, below: int, right: int) -> torch.Tensor | None:
    """(windows, tokens): 1 for the picture, 0 for its padding; None where there is none."""
    if not below and not right:
        return None
    mask = torch.ones(rows * side, columns * side)
    mask[rows * side - below :] = 0
    mask[:, columns * side - right :] = 0
    blocks = mask.reshape(rows, side, columns, side).permute(0, 2, 1, 3)
    return blocks.reshape(rows * columns, side * side)
