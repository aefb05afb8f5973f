"""From a model and its deployment to the program of the directly written graph."""

from __future__ import annotations

from models.deployment import Deployment
from models.lowering.direct.network import write_network
from models.lowering.direct.numerics import numerics_of
from models.lowering.executorch_internals import make_program
from models.lowering.lowered import Lowered
from models.lowering.strips import plan_for
from models.network import MobileSR
from models.quantization.calibration import Int8Network


def lower_directly(
    model: MobileSR, deployment: Deployment, ready: Int8Network | None = None
) -> Lowered:
    """The whole model as one delegate; int8 needs it made `ready`.

    Raises `ExportError` where ExecuTorch does not allow it.
    """
    height, width = deployment.lr_height, deployment.lr_width
    plan = plan_for(model.config, height, width, deployment.strip_kb * 1024)
    numerics = numerics_of(deployment.precision, ready)
    model = model if ready is None else ready.model
    graph = write_network(model, height, width, plan, numerics, deployment.io)
    program, planned_bytes = make_program(graph)
    return Lowered(
        serialise=lambda: program,
        delegates=1,
        planned_memory_bytes=planned_bytes,
        delegated_ops=graph.operators,
    )
