"""Attention within windows: (windows, tokens, C) of normalised values -> (windows, tokens, C).

K^T and V^T are one transpose of two axes each, and V^T times the scores comes out channels-first,
which needs but one transpose more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from models.deploy_graph import DeployTransformer
from models.lowering.direct.numerics import Numerics
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Value
from models.quantization.layers import LayerKind, Place


def attention_of(
    graph: XnnpackGraph, folded: DeployTransformer, at: int, windows: int, numerics: Numerics
) -> Attention:
    """Of the block of number `at`; `windows`: how many's scores are held at once."""
    kind = SummedAttention if numerics.scores_are_bounded else SoftmaxAttention
    return kind(graph, folded, at, windows, numerics)


class Attention(ABC):
    """One block's projections, and the writing of what lies between them."""

    def __init__(
        self, graph: XnnpackGraph, folded: DeployTransformer, at: int, windows: int,
        numerics: Numerics,
    ) -> None:  # fmt: skip
        self.graph, self.heads, self.head_dim = graph, folded.heads, folded.head_dim
        self.heads_at_once = windows * self.heads
        value = self._value_layer(folded, numerics, at)
        self.q, self.k, self.v, self.out = (
            numerics.kernel(graph, Place(at, kind), weight, bias)
            for kind, weight, bias in (
                (LayerKind.QUERY, folded.q.weight, folded.q.bias),
                (LayerKind.KEY, folded.k.weight, folded.k.bias),
                (LayerKind.VALUE, *value),
                (LayerKind.PROJECTION, folded.proj_out.weight, folded.proj_out.bias),
            )
        )

    def _value_layer(
        self, folded: DeployTransformer, _numerics: Numerics, _at: int
    ) -> tuple[Tensor, Tensor]:
        return folded.v.weight, folded.v.bias

    @abstractmethod
    def mask(self, inside: Tensor) -> Value:
        """What `write` takes: (windows, tokens), 1 for the picture, 0 for its padding."""

    @abstractmethod
    def write(self, normed: Value, mask: Value | None) -> Value:
        """Projections, products and softmax; no `mask` where nothing is padded."""

    def _chunks(self, *parts: Value) -> Iterator[list[Value]]:
        """Slices of as many heads as are computed at once, each written when it is asked for."""
        count, step = parts[0].shape[0], self.heads_at_once
        for start in range(0, count, step):
            stop = min(start + step, count)
            yield [self.graph.slice(part, 0, start, stop) for part in parts]


class SoftmaxAttention(Attention):
    """As it is written in the network: a softmax of each query's row of scores."""

    def mask(self, inside: Tensor) -> Value:
        return self.graph.constant(inside[:, :, None])

    def write(self, normed: Value, mask: Value | None) -> Value:
        graph = self.graph
        count, area, channels = normed.shape
        q, k, v = (
            graph.as_float(graph.linear(normed, kernel)) for kernel in (self.q, self.k, self.v)
        )
        if mask is not None:
            # The affine moved behind the norm would fill the padding, which is zero before it.
            k, v = graph.multiply(k, mask), graph.multiply(v, mask)
        q = graph.transpose(self._of_heads(q), [0, 2, 1])
        k, v = self._of_heads(k), self._of_heads(v)
        mixed = []
        for part_q, part_k, part_v in self._chunks(q, k, v):
            scores = graph.softmax(graph.batch_matmul(part_q, part_k))
            mixed.append(graph.batch_matmul(part_v, scores, transpose_b=True))
        merged = graph.reshape(graph.concatenate(mixed, axis=0), [count, channels, area])
        return graph.as_float(graph.linear(graph.transpose(merged, [0, 2, 1]), self.out))

    def _of_heads(self, tokens: Value) -> Value:
        """(windows, tokens, C) -> (windows * heads, head_dim, tokens)."""
        count, area, _ = tokens.shape
        turned = self.graph.transpose(tokens, [0, 2, 1])
        return self.graph.reshape(turned, [count * self.heads, self.head_dim, area])


class SummedAttention(Attention):
    """Exponentials and their sums, for queries and keys whose scores cannot overflow.

    Those lie on grids that see to it (`models.quantization.score_range`), so that softmax needs no
    largest value of a row. Nor is a row divided by its sum: each head has one row of values more,
    all of them alike, and what becomes of it divides the others. Scores then stand in columns, one
    for each query, as V^T takes them.
    """

    def _value_layer(
        self, folded: DeployTransformer, numerics: Numerics, at: int
    ) -> tuple[Tensor, Tensor]:
        """With the row that makes the sums, as weights of zero and a bias."""
        self.summed = numerics.grids[Place(at, LayerKind.VALUE)].gives.farthest
        weight = folded.v.weight.reshape(self.heads, self.head_dim, -1)
        bias = folded.v.bias.reshape(self.heads, self.head_dim)
        none = weight.new_zeros(self.heads, 1, weight.shape[2])
        alike = bias.new_full((self.heads, 1), self.summed)
        return torch.cat([weight, none], 1).flatten(0, 1), torch.cat([bias, alike], 1).flatten()

    def mask(self, inside: Tensor) -> Value:
        return self.graph.constant(inside[:, None])

    def write(self, normed: Value, mask: Value | None) -> Value:
        graph = self.graph
        count, area, channels = normed.shape
        # (windows, C, tokens): all that is only moved is moved in int8.
        q, k, v = (
            graph.transpose(graph.linear(normed, kernel), [0, 2, 1])
            for kernel in (self.q, self.k, self.v)
        )
        if mask is not None:
            k, v = graph.multiply(graph.as_float(k), mask), self._padded_values(v, mask)
        q, k, v = (
            graph.reshape(one, [count * self.heads, one.shape[1] // self.heads, area])
            for one in (q, k, v)
        )
        mixed = []
        for parts in self._chunks(q, k, v):
            part_q, part_k, part_v = map(graph.as_float, parts)
            # XNNPACK turns matrices of a few rows more quickly in float32 than in int8.
            part_k = graph.transpose(part_k, [0, 2, 1])
            weights = graph.exponential(graph.batch_matmul(part_k, part_q))
            mixed.append(graph.batch_matmul(part_v, weights))
        merged = self._divided(graph.concatenate(mixed, axis=0))
        merged = graph.on_grid(merged, self.out.takes)
        merged = graph.reshape(merged, [count, channels, area])
        return graph.as_float(graph.linear(graph.transpose(merged, [0, 2, 1]), self.out))

    def _padded_values(self, v: Value, mask: Value) -> Value:
        """Zero in the padding, but for the row that makes the sums, in which it counts."""
        graph = self.graph
        alike = torch.zeros(1, self.heads, self.head_dim + 1, 1)
        alike[:, :, -1] = self.summed
        summing = graph.constant(alike.flatten(1, 2))
        values = graph.subtract(graph.as_float(v), summing)
        return graph.add(graph.multiply(values, mask), summing)

    def _divided(self, merged: Value) -> Value:
        """(windows * heads, head_dim + 1, tokens) -> one row less, the last one's quotients."""
        graph, last = self.graph, self.head_dim
        inverse = graph.constant(torch.full((1, 1, 1), 1 / self.summed))
        sums = graph.multiply(graph.slice(merged, 1, last, last + 1), inverse)
        return graph.divide(graph.slice(merged, 1, 0, last), sums)
