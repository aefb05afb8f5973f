"""Time that passes when somebody says so: an hour takes no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)


class SimulatedClock:
    """A clock that moves by `sleep` and by what the simulated phone does, and by nothing else."""

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._jumped_s = 0.0

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s + self._jumped_s)

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass. Raises `ValueError` for a negative number."""
        if not seconds >= 0:
            raise ValueError("time does not run backwards")
        self._elapsed_s += seconds

    def jump(self, seconds: float) -> None:
        """Set the date forward or back, as a phone does when it hears of the right time."""
        self._jumped_s += seconds
