"""How far a measurement is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`done` of `total` launches, and what comes next or is waited for."""

    done: int
    total: int
    next_step: str


Tell = Callable[[Progress], None]
