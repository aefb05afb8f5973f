"""From a model and its deployment to the program of the directly written graph."""

from __future__ import annotations

from models.deployment import Deployment
from models.lowering.direct.network import write_network
from models.lowering.direct.numerics import NUMERICS
from models.lowering.executorch_internals import make_program
from models.lowering.lowered import Lowered
from models.lowering.strips import plan_for
from models.network import MobileSR


def lower_directly(model: MobileSR, deployment: Deployment) -> Lowered:
    """The whole model as one delegate. Raises `ExportError` where ExecuTorch does not allow it."""
    height, width = deployment.lr_height, deployment.lr_width
    plan = plan_for(model.config, height, width, deployment.strip_kb * 1024)
    numerics = NUMERICS[deployment.precision]
    graph = write_network(model, height, width, plan, numerics, deployment.io)
    program, planned_bytes = make_program(graph)
    return Lowered(
        serialise=lambda: program,
        delegates=1,
        planned_memory_bytes=planned_bytes,
        delegated_ops=graph.operators,
    )
