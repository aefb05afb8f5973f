"""Time as a device knows it: the wall's for what is real, its own for what is simulated."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What measuring asks of time. A simulated device brings one whose hours pass at once."""

    def monotonic_s(self) -> float:
        """Seconds since some fixed moment; never runs backwards."""
        ...

    def now(self) -> datetime:
        """The date, with its time zone. May jump: never used to tell how long a thing took."""
        ...

    def sleep(self, seconds: float) -> None:
        """Come back after so many seconds."""
        ...


class SystemClock:
    """The host's own time."""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


SYSTEM_CLOCK: Clock = SystemClock()
