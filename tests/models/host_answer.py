"""What a program answers on this host.

By the binding under `executorch.runtime`, which would import all that lowers, too: seconds, in
every worker that only collects the tests.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from torch import Tensor


def host_answer(program: bytes | Path, given: Tensor) -> Tensor:
    """The one output of method `forward`, a tensor of its own."""
    binding = importlib.import_module("executorch.extension.pybindings._portable_lib")
    if isinstance(program, bytes):
        loaded = binding._load_program_from_buffer(program)
    else:
        loaded = binding._load_program(str(program))
    method = loaded.load_method("forward")
    method.set_inputs([given])
    method.execute()
    (answer,) = method.get_outputs()
    return answer.clone()
