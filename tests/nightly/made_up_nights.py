"""Nights that nobody measured, through the real judging and the real history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from foundation.errors import DeviceFailure
from nightly.history import History
from nightly.judging.cases import Rules
from nightly.look import Look
from nightly.metrics import METRICS
from nightly.night import NightResult
from nightly.records import (
    OK,
    Night,
    NightStatus,
    Observation,
    SeriesKey,
    Verdict,
)
from nightly.turn import DeviceTurn, TurnResult

SUITE, DEVICE, CONDITION = "suite", "38021FDJH00A", "default"
FIRST_EVENING = datetime(2026, 3, 1, 2, tzinfo=UTC)
PROFILE: dict[str, object] = {
    "kind": "phone", "model": "Pixel", "os_build": "build 1", "runtime": "executorch 1.4.1",
    "ram_mb": 8192, "threads": 2,
}  # fmt: skip
Readings = dict[str, tuple[float, ...]]


def readings(
    latency_ms: float, rng: np.random.Generator, *, noise: float = 0.005, sessions: int = 7
) -> Readings:
    """A model's sessions of one look."""
    return {
        "latency": tuple(latency_ms * np.exp(rng.normal(0, noise, sessions))),
        "first_run": tuple(3 * latency_ms * np.exp(rng.normal(0, 0.02, sessions))),
        "memory": tuple(100 + rng.normal(0, 0.2, sessions)),
        "delegation": (98.0,),
    }


@dataclass
class World:
    """One device and its models over the nights; what a test changes, it changes here.

    `latency_ms` per model; `extra` replaces readings, `outcomes` makes a model fail; `second`
    replaces what the second look would see.
    """

    history: History
    latency_ms: dict[str, float]
    noise: float = 0.005
    profile: dict[str, object] = field(default_factory=lambda: dict(PROFILE))
    extra: dict[str, Readings] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    second: dict[str, Readings] = field(default_factory=dict)
    second_failure: DeviceFailure | None = None
    baseline: int | None = None
    # When the device was started; None where it does not tell.
    booted_at: datetime | None = None
    seed: int = 0
    looked_again: list[list[str]] = field(default_factory=list)
    _nights: int = 0

    def look(self, models: Sequence[str], attempt: int) -> dict[str, Observation]:
        """What a look at these models sees."""
        found = {}
        for model in models:
            key = SeriesKey(model, DEVICE, CONDITION)
            rng = np.random.default_rng([self.seed, self._nights, attempt, len(found)])
            seen = readings(self.latency_ms[model], rng, noise=self.noise)
            seen |= self.extra.get(model, {})
            if attempt:
                seen |= self.second.get(model, {})
            outcome = self.outcomes.get(model, OK)
            found[model] = Observation(
                key, attempt, outcome, "" if outcome == OK else "it fell over", "ab" * 32, "key",
                readings=seen if outcome == OK else {},
            )  # fmt: skip
        return found

    def first(self) -> Look:
        """As `nightly.look.Looks` has it."""
        return Look(self.look(list(self.latency_ms), 0))

    def again(self, models: Sequence[str]) -> Look:
        """As `nightly.look.Looks` has it."""
        self.looked_again.append(list(models))
        if self.second_failure is not None:
            raise self.second_failure
        return Look(self.look(models, 1))

    def night(self, *, days: int | None = None) -> TurnResult:
        """One more night, stored and finished."""
        self._nights += 1
        now = FIRST_EVENING + timedelta(days=self._nights if days is None else days)
        number = self.history.begin(SUITE, now)
        epoch, _ = self.history.epoch(SUITE, number, DEVICE, CONDITION, self.profile, "sentinel")

        found = DeviceTurn(
            self.history, SUITE, number, epoch, self.rules(), self, booted_at=self.booted_at
        ).run()
        self.history.finish(SUITE, number, now, 0, found.verdicts)
        return found

    def nights(self, count: int) -> TurnResult:
        """So many nights; the last one's findings."""
        for _ in range(count - 1):
            self.night()
        return self.night()

    def rules(self) -> Rules:
        """What a suite of these models asks for."""
        return Rules(
            alpha=0.05,
            tests=3 * len(self.latency_ms),
            floors={metric.name: metric.floor for metric in METRICS},
            baseline_nights=14,
            baseline=self.baseline,
        )


def of(found: TurnResult, model: str, metric: str) -> Verdict:
    """The one verdict about a model's metric."""
    (verdict,) = [v for v in found.verdicts if (v.series.model, v.metric) == (model, metric)]
    return verdict


def result_of(found: TurnResult, **changes: Any) -> NightResult:
    """A night's result as the outputs get it."""
    number = max((epoch for epoch in [changes.pop("number", 1)]), default=1)
    fields: dict[str, Any] = {
        "suite": SUITE,
        "night": Night(number, SUITE, NightStatus.FINISHED, FIRST_EVENING, FIRST_EVENING),
        "verdicts": found.verdicts,
        "devices": (found.device_night,),
        "epochs": (found.epoch,),
        "observations": found.observations,
        "notes": found.notes,
        "models": tuple(sorted({v.series.model for v in found.verdicts})),
    }
    return NightResult(**(fields | changes))
