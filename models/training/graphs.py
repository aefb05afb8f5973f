"""Passes of configs as CUDA graphs: small networks wait for Python's launches, not for the GPU.

A graph (developer.nvidia.com/blog/cuda-graphs) replays the kernels of one config's forward and
backward pass on the same memory. The pass is captured where a config comes the second time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.config import MobileSRConfig

# What they take must not grow with the space. The shipped recipe has at most 130.
MOST_GRAPHS = 512
Pass = Callable[[MobileSRConfig, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    output: Tensor
    loss: Tensor


class GraphedPasses:
    """Runs a pass, eagerly or as a graph; the gradients it adds to must stay where they are.

    All tensors of a training have one size, and parameters and gradients are updated in place:
    a graph knows addresses, not tensors.
    """

    def __init__(self, eager: Pass, stream: torch.cuda.Stream) -> None:
        self.eager, self.stream = eager, stream
        self.seen: set[str] = set()
        self.captured: dict[str, _Captured] = {}
        self.inputs: tuple[Tensor, Tensor] | None = None
        # One pool: nothing but outputs lives on after a pass, so graphs may share what they use.
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(
        self, config: MobileSRConfig, low: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Add the gradients of `config`; its output and its loss, detached."""
        key = config.key
        if key not in self.seen:
            self.seen.add(key)
            return self.eager(config, low, target)
        if key not in self.captured:
            if len(self.captured) >= MOST_GRAPHS:
                return self.eager(config, low, target)
            self.captured[key] = self._capture(config, low, target)
        assert self.inputs is not None
        for kept, given in zip(self.inputs, (low, target), strict=True):
            kept.copy_(given)
        replayed = self.captured[key]
        replayed.graph.replay()
        return replayed.output.clone(), replayed.loss.clone()

    def _capture(self, config: MobileSRConfig, low: Tensor, target: Tensor) -> _Captured:
        if self.inputs is None:
            self.inputs = (low.clone(), target.clone())
        graph = torch.cuda.CUDAGraph()
        # Other threads prepare crops meanwhile.
        with torch.cuda.graph(
            graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"
        ):
            output, loss = self.eager(config, *self.inputs)
        return _Captured(graph, output, loss)
