"""ExecuTorch's own way: trace the network, let its partitioner hand XNNPACK what it can compute."""

from __future__ import annotations

import warnings
from collections import Counter

import torch
from torch import Tensor, nn

from models.lowering.lowered import Lowered


def lower_traced(network: nn.Module, example: Tensor) -> Lowered:
    """Any network with static shapes. torch and executorch raise all kinds of errors here."""
    # Ten seconds of imports that no other command needs.
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        exported = torch.export.export(network, (example,), strict=False)
        edge = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
        counts = _count(edge.exported_program().graph_module)
        program = edge.to_executorch()
    plan = program.executorch_program.execution_plan[0]
    delegates = counts.pop(("delegate", True), 0)
    return Lowered(
        serialise=lambda: bytes(program.buffer),
        delegates=delegates,
        planned_memory_bytes=sum(plan.non_const_buffer_sizes),
        delegated_ops={name: n for (name, inside), n in counts.items() if inside},
        undelegated_ops={name: n for (name, inside), n in counts.items() if not inside},
    )


def _count(graph_module: torch.fx.GraphModule) -> Counter[tuple[str, bool]]:
    """Count operators by (name, delegated?); delegates themselves under ("delegate", True)."""
    from executorch.exir.lowered_backend_module import LoweredBackendModule

    counts: Counter[tuple[str, bool]] = Counter()
    for node in graph_module.graph.nodes:
        if node.op == "get_attr":
            lowered = getattr(graph_module, str(node.target), None)
            if isinstance(lowered, LoweredBackendModule):
                counts["delegate", True] += 1
                for inner in lowered.original_module.graph.nodes:
                    if name := _operator_name(inner):
                        counts[name, True] += 1
        elif name := _operator_name(node):
            counts[name, False] += 1
    return counts


def _operator_name(node: torch.fx.Node) -> str:
    """`native_layer_norm` for a call of it; empty for what computes nothing."""
    name = str(getattr(node.target, "__name__", node.target))
    if node.op != "call_function" or name in ("getitem", "executorch_call_delegate", "alloc"):
        return ""
    return name.removeprefix("aten.").split(".")[0]
