"""A `.pte` runs once on this host, and must answer as eager PyTorch does."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor

from models.errors import ExportError


def require_right(
    path: Path, name: str, tensors: tuple[Tensor, Tensor], tolerance: float, why: Callable[[], str]
) -> None:
    """Load the program at `path`, run it on an example and compare with what is expected.

    `tensors` are both of them; `why` may add to the sentence about a wrong answer.

    Raises:
        ExportError: it does not load or run, or an output differs by more than `tolerance`.
    """
    example, expected = tensors
    try:
        with _silent():
            (answer,) = _answers(path, example)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ExportError(
            f"{name} was lowered, and the runtime of this host cannot run it: {reason[:200]}"
        ) from error
    if answer.shape != expected.shape or answer.dtype != expected.dtype:
        raise ExportError(
            f"{name} was lowered, and gives {answer.dtype} of {tuple(answer.shape)} on this host, "
            f"not {expected.dtype} of {tuple(expected.shape)}"
        )
    # Of bytes, differences would wrap around.
    largest = float((answer.float() - expected.float()).abs().max())
    # A comparison with NaN is never true.
    if not largest <= tolerance:
        raise ExportError(
            f"{name} was lowered, and answers wrongly on this host: off by up to {largest:.3g}, "
            f"at most {tolerance:g} is allowed{why()}"
        )


def _answers(path: Path, example: Tensor) -> list[Tensor]:
    # What `executorch.runtime` stands on: that would import all that lowers, too.
    binding = importlib.import_module("executorch.extension.pybindings._portable_lib")
    program = binding._load_program(str(path))
    method = program.load_method("forward")
    method.set_inputs([example])
    method.execute()
    return list(method.get_outputs())


_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what the runtime writes to the process's stderr about this host's CPU."""
    sys.stderr.flush()
    with _one_at_a_time, Path(os.devnull).open("wb") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
