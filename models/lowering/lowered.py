"""`Lowered`: what a lowering hands over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Lowered:
    """A program, ready to be written, and what is known of it.

    Attributes:
        serialise: the `.pte` file's content; called once.
        delegates: XNNPACK delegates in the program.
        delegated_ops, undelegated_ops: operator to how often it occurs.
        planned_memory_bytes: what the runtime sets aside for tensors outside the delegates.
    """

    serialise: Callable[[], bytes]
    delegates: int
    planned_memory_bytes: int
    delegated_ops: Mapping[str, int] = field(default_factory=dict)
    undelegated_ops: Mapping[str, int] = field(default_factory=dict)
