"""One metric of one model: its nights since the baseline, and tonight."""

from __future__ import annotations

from dataclasses import dataclass

from nightly.judging.belief import Belief
from nightly.judging.spread import Spread
from nightly.metrics import Metric
from nightly.records import Point, of_both_looks


@dataclass(frozen=True)
class Case:
    """One metric of one model: its nights since the baseline, and tonight.

    Attributes:
        before: earlier nights, oldest first, as badness.
        blamed: which of them were called a regression: no longer part of any reference.
        praised: which were called improved: not part of the baseline until they are accepted.
        red_nights: the stretch of nights up to the last one on which it was called a regression,
            on earlier levels of the device too.
        first, second: tonight's looks.
        floor: the smallest change that counts, as badness.
        unsteady: by how much more doubt tonight is judged.
        believed: what all nights before tonight say together; None of an exact metric.
    """

    metric: Metric
    before: tuple[Point, ...]
    blamed: tuple[bool, ...]
    praised: tuple[bool, ...]
    red_nights: tuple[Point, ...]
    baseline_night: int
    first: Point
    second: Point | None
    spread: Spread
    floor: float
    unsteady: float
    believed: Belief | None

    @property
    def red_on_another_level(self) -> bool:
        """Whether it was red before the device's present level began."""
        return bool(self.red_nights) and self.red_nights[0].night < self.before[0].night

    @property
    def tonight(self) -> Point:
        """Both looks, where there were two."""
        return self.first if self.second is None else of_both_looks(self.first, self.second)

    @property
    def changed(self) -> tuple[bool, ...]:
        """Which earlier nights were not as the baseline."""
        return tuple(bad or good for bad, good in zip(self.blamed, self.praised, strict=True))

    @property
    def recent(self) -> list[Point]:
        """Earlier nights that nobody complained of."""
        return [p for p, bad in zip(self.before, self.blamed, strict=True) if not bad]

    @property
    def unchanged(self) -> list[Point]:
        """Earlier nights that were as the baseline."""
        return [p for p, other in zip(self.before, self.changed, strict=True) if not other]
