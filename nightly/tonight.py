"""What is the same for every device of a night: the suite, what was asked, what was prepared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from device_runner import Clock, Device
from nightly.artifacts import Prepared
from nightly.history import History
from nightly.judging.cases import Rules
from nightly.listener import NightListener
from nightly.look import Pairs
from nightly.metrics import METRICS
from nightly.suite import Suite


@dataclass(frozen=True)
class Choices:
    """What one call asks for beyond the suite.

    Attributes:
        only: models to measure; all of the suite's where empty.
        since: the night that is compared with, whatever was pinned.
        aside: measured beside the row of nights, which it does not join (`--bisect`).
    """

    only: tuple[str, ...] = ()
    since: int | None = None
    aside: bool = False
    wait_s: float = 3600.0


@dataclass(frozen=True)
class Tonight:
    """One night that has begun.

    Attributes:
        started_s: by the clock that nobody sets.
        opened: serial to the name in the suite, of the devices that were opened so far.
    """

    suite: Suite
    choices: Choices
    history: History
    number: int
    started_at: datetime
    started_s: float
    prepared: Prepared
    pairs: Pairs
    listener: NightListener
    clock: Clock
    open_device: Callable[[str], Device]
    opened: dict[str, str] = field(default_factory=dict)

    @property
    def budget_spent(self) -> bool:
        """Whether the night has taken as long as it may."""
        budget_min = self.suite.measure.budget_min
        # Not by the date: a computer may learn it in the middle of the night.
        spent_s = self.clock.monotonic_s() - self.started_s
        return budget_min is not None and spent_s > 60 * budget_min

    @property
    def baseline(self) -> int | None:
        """The night that stands in for every pin; None where each model has its own."""
        return self.choices.since or self.suite.judge.baseline

    @property
    def places(self) -> int:
        """How many devices under how many conditions."""
        return len(self.suite.devices) * len(self.suite.conditions)

    def rules(self) -> Rules:
        """What the judges of the night go by."""
        suite = self.suite
        watched = [m for m in METRICS if not m.exact and (m.name != "psnr" or suite.images)]
        return Rules(
            alpha=suite.judge.alpha,
            tests=len(suite.models) * self.places * len(watched),
            floors={metric.name: suite.floor(metric.name) for metric in METRICS},
            baseline_nights=suite.judge.baseline_nights,
            baseline=self.baseline,
        )
