"""A delivery whose Kotlin has been compiled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Compiled:
    """A delivery, and the jar of its Kotlin with the tests' drivers."""

    delivered: Path
    jar: Path
