"""What a nightly watches of every model: unit, which way is worse, and how it is compared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Scale(StrEnum):
    """How two values are compared: by their ratio, or by their difference."""

    RATIO = "ratio"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class Metric:
    """One watched number.

    Attributes:
        worse: +1 where more is worse, -1 where less is.
        floor: the smallest change that anyone cares about; a share for ratios (0.02 is 2 %),
            in `unit` for differences. A suite may set another.
        night_sd: standard deviation from night to night that is assumed until nights have shown
            their own, on the same scale as `floor`.
        by_sentinel: held against the night's sentinel, whose luck all models then share.
        exact: the same artifact always gives the same value: no statistics, no second look.
    """

    name: str
    title: str
    unit: str
    scale: Scale
    worse: int
    floor: float
    night_sd: float
    exact: bool = False
    by_sentinel: bool = False

    def badness(self, value: float) -> float:
        """`value` where differences add up and more is worse: a signed logarithm, or itself."""
        if self.scale is Scale.RATIO:
            return self.worse * math.log(max(value, 1e-9))
        return self.worse * value

    def value(self, badness: float) -> float:
        """The inverse of `badness`."""
        plain = self.worse * badness
        return math.exp(plain) if self.scale is Scale.RATIO else plain

    def badness_of_change(self, change: float) -> float:
        """A floor or a spread, given as a share or in units, on the scale of `badness`."""
        return math.log1p(change) if self.scale is Scale.RATIO else change

    def value_words(self, value: float) -> str:
        """A value with its unit and about three significant digits."""
        digits = 2 if abs(value) < 100 else 0 if abs(value) >= 1000 else 1
        return f"{value:.{digits}f} {self.unit}"


LATENCY = Metric("latency", "latency", "ms", Scale.RATIO, +1, 0.02, 0.02, by_sentinel=True)
FIRST_RUN = Metric("first_run", "first run", "ms", Scale.RATIO, +1, 0.10, 0.06)
MEMORY = Metric("memory", "peak memory", "MB", Scale.RATIO, +1, 0.05, 0.02)
PSNR = Metric("psnr", "PSNR (Y)", "dB", Scale.DIFFERENCE, -1, 0.05, 0.005)
DELEGATION = Metric(
    "delegation", "operators delegated", "%", Scale.DIFFERENCE, -1, 0.5, 0.0, exact=True
)
METRICS: tuple[Metric, ...] = (LATENCY, FIRST_RUN, MEMORY, PSNR, DELEGATION)
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}

# Not a number: whether the model ran at all. Judged beside the metrics, under this name.
RUNS = "runs"
