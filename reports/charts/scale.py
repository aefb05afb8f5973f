"""From values to pixels, and where the ticks stand."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A linear axis: `low` is drawn at pixel `start`, `high` at pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value, to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def ticks(self, about: int) -> list[tuple[float, str]]:
        """Round values inside the axis and their labels."""
        step = nice_step(self.high - self.low, about)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [
            (n * step, f"{n * step:.{digits}f}".replace("-", "−")) for n in range(first, last + 1)
        ]


def nice_step(span: float, about: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts `span` into about `about` parts.

    Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990.

    Raises:
        ValueError: the span is not positive, or not finite.
    """
    if not (math.isfinite(span) and span > 0 and about > 0):
        raise ValueError(f"a span of {span} cannot be cut into {about} parts")
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    factor = next((f for f in (1, 2, 5) if raw <= 1.4142 * f * power), 10)
    return factor * power
