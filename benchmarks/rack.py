"""Nights of a made-up rack through the nightly's own judge, without a database: quick.

What a night adds to each model comes from `device_runner.devices.simulated.foreign`, or from any
table of (models, nights); what is planted is added to it. A second look of the same night shares
what the night added, and has session luck of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from nightly.history.reading import Trail
from nightly.judging.cases import Rules
from nightly.judging.judge import DeviceJudge
from nightly.metrics import LATENCY, METRICS
from nightly.records import (
    OK,
    Observation,
    Point,
    SeriesKey,
    Status,
    error_of_middle,
    middle,
    of_both_looks,
)

DEVICE, CONDITION = "rack", "default"
# As a suite has it unless told otherwise.
SESSIONS, SECOND_LOOK, BASELINE_NIGHTS = 15, 2, 14
SESSION_SD = 0.012
_FIRST_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Rack:
    """One device and its models; `night` measures and judges one more night.

    Attributes:
        models: how many.
        rng: the luck of sessions.
        session_sd: of a session's logarithm.
        tests: comparisons a night that the level is shared by; latency, first run and memory of
            each model, as a suite of real models has them.
    """

    models: int
    rng: np.random.Generator
    session_sd: float = SESSION_SD
    alpha: float = 0.05
    trails: dict[str, Trail] = field(default_factory=dict)
    boots: dict[int, datetime] = field(default_factory=dict)
    base_ms: np.ndarray = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.base_ms = np.exp(self.rng.uniform(np.log(8), np.log(120), self.models))
        self.trails = {name_of(model): Trail() for model in range(self.models)}
        self.rules = Rules(
            alpha=self.alpha,
            tests=3 * self.models,
            floors={metric.name: metric.floor for metric in METRICS},
            baseline_nights=BASELINE_NIGHTS,
        )

    def _look(self, model: int, added: float, attempt: int, sessions: int) -> Observation:
        luck = self.rng.normal(0, self.session_sd, sessions)
        latency = tuple(float(ms) for ms in self.base_ms[model] * np.exp(added + luck))
        key = SeriesKey(name_of(model), DEVICE, CONDITION)
        return Observation(key, attempt, OK, readings={LATENCY.name: latency})

    def night(self, added: np.ndarray, restarted: bool | None = None) -> list[Status]:
        """Measure a night that adds so much to each model's logarithm, and judge it: (models,).

        `restarted` is whether the device was started since the last night, None what it does not
        tell.
        """
        self.number += 1
        if restarted is not None:
            last = self.boots.get(self.number - 1, _FIRST_START)
            self.boots[self.number] = last + timedelta(days=1) * restarted
        looks = {
            name_of(model): self._look(model, added[model], 0, SESSIONS)
            for model in range(self.models)
        }
        judge = DeviceJudge(
            DEVICE, CONDITION, self.number, self.trails, looks, epoch=1, rules=self.rules,
            boots=self.boots,
        )  # fmt: skip
        second = {
            name: self._look(model_of(name), added[model_of(name)], 1, SECOND_LOOK * SESSIONS)
            for name in judge.suspects()
        }
        found = {
            verdict.series.model: verdict.status
            for verdict in judge.verdicts(second)
            if verdict.metric == LATENCY.name
        }
        for name, trail in self.trails.items():
            self._keep(trail, looks[name], second.get(name), found[name])
        return [found[name_of(model)] for model in range(self.models)]

    def _keep(
        self, trail: Trail, first: Observation, second: Observation | None, status: Status
    ) -> None:
        """What the history would give back the next night."""
        night = self.number
        trail.outcomes[night], trail.epochs[night] = OK, 1
        point = point_of(night, first, 1.0)
        if second is not None:
            point = of_both_looks(point, point_of(night, second, 0.0))
        trail.points[LATENCY.name].append(point)
        if status is Status.REGRESSION:
            trail.blamed[LATENCY.name].add(night)
        elif status is Status.IMPROVED:
            trail.praised[LATENCY.name].add(night)


def point_of(night: int, look: Observation, beside: float) -> Point:
    """A look as the history keeps it."""
    sessions = look.readings[LATENCY.name]
    return Point(night, middle(sessions), error_of_middle(sessions), len(sessions), beside)


def name_of(model: int) -> str:
    """What the suite calls a model."""
    return f"model {model:03d}"


def model_of(name: str) -> int:
    """The inverse of `name_of`."""
    return int(name.split()[1])


def run(
    added: np.ndarray,
    rng: np.random.Generator,
    *,
    restarts: np.ndarray | None = None,
    **options: Any,
) -> np.ndarray:
    """All nights of a table of (models, nights): which were red, (models, nights).

    `restarts`, (nights,), is what the device tells of its restarts; nothing without it. `options`
    are numbers of `Rack`, by name.
    """
    rack = Rack(added.shape[0], rng, **options)
    told = [None] * added.shape[1] if restarts is None else map(bool, restarts)
    statuses = [rack.night(row, restarted) for row, restarted in zip(added.T, told, strict=True)]
    return np.array([[one is Status.REGRESSION for one in row] for row in statuses]).T
