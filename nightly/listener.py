"""Who is told of a night while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device_runner import Progress


@dataclass
class NightListener:
    """Told what is going on; every part may be left out."""

    stage: Callable[[str], None] = lambda text: None
    progress: Callable[[Progress], None] = lambda progress: None
    warning: Callable[[str], None] = lambda text: None
    waiting: Callable[[str], None] = lambda who: None
