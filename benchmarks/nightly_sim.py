"""Sixty simulated nights through the nightly's own judging and history, beside a naive rule.

    python benchmarks/nightly_sim.py
    python benchmarks/nightly_sim.py --seeds 20 --nights 60 --models 20
    python benchmarks/nightly_sim.py --phone pixel --seeds 2 --first-seed 100

Planted: step regressions of 3, 5 and 15 %, a creep of 0.3 % a night, an update of the operating
system that shifts every model by its own amount, and two flaky nights. The naive rule beside it
compares the mean of a night's iterations, models measured in order and nothing corrected, with
the mean of the nights before, and calls 5 % a regression.

Without `--phone` sessions come from a few lines of noise in this file (`Phone`), which is quick;
with it, from the simulated phone through `measure_together`: interleaved rounds, sentinel, thermal
gate and all.

A finding counts on the first red night; goal: steps of 5 % or more the same night, 3 % within 3
nights, the creep within 10 nights of its start, and at most one false alarm in all model-nights.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np

from device_runner import MeasurePlan, RunRequest, TimingPlan
from device_runner.devices.simulated import PRESETS, PhoneSpec, SimulatedDevice, synthetic_artifact
from nightly.history import History, open_history
from nightly.judging.cases import Rules
from nightly.look import SECOND_LOOK, DeviceLooks, Look, Looks
from nightly.metrics import METRICS
from nightly.records import OK, Observation, SeriesKey, Status
from nightly.turn import DeviceTurn

SUITE, DEVICE, CONDITION = "simulated", "sim:phone", "default"
EVENINGS = datetime(2026, 1, 1, 2, tzinfo=UTC)
NAIVE_THRESHOLD = 0.05
PROFILE: dict[str, object] = {"kind": "simulated", "ram_mb": 8192, "os_build": "build 1"}


@dataclass(frozen=True)
class Planted:
    """A change that is really there, from night `start` (counted from 1) on."""

    label: str
    model: int
    start: int
    step: float = 0.0
    creep: float = 0.0
    within: int = 1

    def factor(self, model: int, night: int) -> float:
        """By how much the model is slower that night."""
        if model != self.model or night < self.start:
            return 1.0
        return (1 + self.step) * (1 + self.creep) ** (night - self.start + 1)


PLANTED = (
    Planted("step 3 %", 3, 20, step=0.03, within=3),
    Planted("step 5 %", 8, 28, step=0.05),
    Planted("step 15 %", 13, 14, step=0.15),
    Planted("creep 0.3 % a night", 17, 22, creep=0.003, within=10),
)
UPDATE_NIGHT = 45
FLAKY_NIGHTS = (11, 36)


class AnyNight(Looks, Protocol):
    """A night that the nightly can look at, and a rival that runs models one after the other."""

    def in_order(self, model: int) -> float: ...


@dataclass
class Phone:
    """A phone under heat: what a session takes, by the moment and by luck.

    Noise, all log-normal: 0.5 % a model and night (placement in memory, cache colours) that no
    session of the night escapes, 1.2 % a session, and a slow drift common to neighbouring
    sessions (heat) of some per cent that a sentinel sees. One session in twelve is
    throttled by 5 to 30 % unnoticed. On a flaky night all of it is four times as large.
    """

    rng: np.random.Generator
    models: int
    sessions: int
    base_ms: np.ndarray = field(init=False)
    shifts: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.base_ms = np.exp(self.rng.uniform(np.log(8), np.log(120), self.models))
        self.shifts = np.exp(self.rng.normal(0.06, 0.03, self.models))

    def truth_ms(self, model: int, night: int) -> float:
        """What the model takes on a cool phone that night."""
        factor = np.prod([one.factor(model, night) for one in PLANTED])
        update = self.shifts[model] if night >= UPDATE_NIGHT else 1.0
        return float(self.base_ms[model] * factor * update)

    def night(self, number: int) -> AnyNight:
        """The luck of one night."""
        return Night(self, number, rough(number))


def rough(night: int) -> float:
    """How many times the usual noise a night has."""
    return 4.0 if night in FLAKY_NIGHTS else 1.0


class SimulatedPhone(Phone):
    """The same models and changes on a simulated phone, with a heat and a noise of its own.

    What a model's code meets in a night beyond that (0.5 %, as in `Phone`) is put into the
    latency that the phone is told.
    """

    def __init__(
        self, rng: np.random.Generator, models: int, sessions: int, spec: PhoneSpec, folder: Path
    ) -> None:
        super().__init__(rng, models, sessions)
        self.spec, self.folder = spec, folder
        self.reference_ms: float | None = None

    def night(self, number: int) -> SimulatedNight:
        """A fresh start of the phone, with that night's noise."""
        return SimulatedNight(self, number, rough(number))


class Night:
    """One night's heat and luck, the same for whoever measures in it."""

    def __init__(self, phone: Phone, number: int, rough: float) -> None:
        self.phone, self.number, self.rough = phone, number, rough
        self.own = phone.rng.normal(0, 0.005 * rough, phone.models)
        self.first_own = phone.rng.normal(0, 0.03 * rough, phone.models)
        self.heat = 0.0

    def _step(self) -> float:
        """The phone warms as it works, and wanders."""
        self.heat += 0.0006 + self.phone.rng.normal(0, 0.004 * self.rough)
        self.heat = min(max(self.heat, -0.02), 0.25)
        return float(self.heat)

    def _luck(self) -> float:
        luck = self.phone.rng.normal(0, 0.012 * self.rough)
        if self.phone.rng.random() < 1 / 12:
            luck += self.phone.rng.uniform(0.05, 0.30)
        return float(luck)

    def first(self) -> Look:
        """At every model."""
        return Look(self.in_rounds(range(self.phone.models), 0))

    def again(self, models: Sequence[str]) -> Look:
        """At suspects."""
        return Look(self.in_rounds([int(name.split()[1]) for name in models], 1))

    def in_rounds(self, models: Sequence[int], attempt: int) -> dict[str, Observation]:
        """Interleaved sessions, corrected by what sentinels beside them saw of the heat."""
        seen: dict[int, list[float]] = {model: [] for model in models}
        first: dict[int, list[float]] = {model: [] for model in models}
        for _ in range(self.phone.sessions if attempt == 0 else SECOND_LOOK * self.phone.sessions):
            for model in self.phone.rng.permutation(list(models)):
                heat = self._step()
                # Two sentinels around the session, each with luck of its own.
                told = heat + self.phone.rng.normal(0, 0.012 * self.rough) / 2**0.5
                truth = self.phone.truth_ms(int(model), self.number)
                seen[model].append(truth * np.exp(self.own[model] + heat - told + self._luck()))
                first[model].append(
                    3 * truth * np.exp(self.first_own[model] + self.phone.rng.normal(0, 0.05))
                )
        return {
            name_of(model): Observation(
                SeriesKey(name_of(model), DEVICE, CONDITION), attempt, OK,
                readings={
                    "latency": tuple(seen[model]),
                    "first_run": tuple(first[model]),
                    "memory": tuple(
                        50.0 + model + self.phone.rng.normal(0, 0.3, len(seen[model]))
                    ),
                    "delegation": (98.0,),
                },
            )
            for model in models
        }  # fmt: skip

    def in_order(self, model: int) -> float:
        """The naive way: one session of many iterations, whatever the phone does meanwhile."""
        heat = statistics.mean(self._step() for _ in range(self.phone.sessions))
        truth = self.phone.truth_ms(model, self.number)
        return truth * float(
            np.exp(self.own[model] + heat + self._luck() / self.phone.sessions**0.5)
        )


class SimulatedNight:
    """One night on the simulated phone, measured as the nightly measures."""

    def __init__(self, phone: SimulatedPhone, number: int, rough: float) -> None:
        self.phone, self.number = phone, number
        noise = phone.spec.noise
        noise = replace(
            noise,
            launch_sigma=noise.launch_sigma * rough,
            drift_sigma=noise.drift_sigma * rough,
            misplaced_chance=min(0.5, noise.misplaced_chance * rough),
        )
        seed = int(phone.rng.integers(2**31))
        self.device = SimulatedDevice(replace(phone.spec, noise=noise), serial=DEVICE, seed=seed)
        own = phone.rng.normal(0, 0.005 * rough, phone.models)
        self.artifacts = {
            name_of(model): synthetic_artifact(
                phone.folder,
                name_of(model),
                phone.truth_ms(model, number) * float(np.exp(own[model])),
            )
            for model in range(phone.models)
        }
        self.looks = DeviceLooks(
            device=self.device,
            condition=CONDITION,
            models=self.artifacts,
            plan=MeasurePlan(
                sessions=phone.sessions,
                threads=2,
                timing=TimingPlan(min_iterations=10, min_time_s=0.2),
            ),
            night=number,
            # Interleaved with the sentinel, corrected by it, gated by the phone's own status.
            sentinel=synthetic_artifact(phone.folder, "sentinel", 15.0),
            sentinel_reference_ms=phone.reference_ms,
        )

    def first(self) -> Look:
        """At every model."""
        found = self.looks.first()
        self.phone.reference_ms = self.looks.sentinel_reference_ms
        return found

    def again(self, models: Sequence[str]) -> Look:
        """At suspects."""
        return self.looks.again(models)

    def in_order(self, model: int) -> float:
        """One launch of as many iterations, whatever state the phone is in."""
        artifact = self.artifacts[name_of(model)]
        timing = TimingPlan(
            min_iterations=10 * self.phone.sessions, min_time_s=0.2 * self.phone.sessions
        )
        with self.device.lease():
            report = self.device.run(
                RunRequest(artifact, (artifact.check_input_path,), threads=2, timing=timing)
            )
        assert report.session is not None
        return statistics.mean(report.session.iteration_ns) / 1e6


def name_of(model: int) -> str:
    """What the suite calls a model."""
    return f"model {model:02d}"


def nightly(phone: Phone, nights: int, history: History) -> dict[int, set[int]]:
    """Night after night through judging and history; per night the models that were red."""
    rules = Rules(
        alpha=0.05, tests=3 * phone.models, baseline_nights=14,
        floors={metric.name: metric.floor for metric in METRICS},
    )  # fmt: skip
    red: dict[int, set[int]] = {}
    for number in range(1, nights + 1):
        tonight = phone.night(number)
        now = EVENINGS + timedelta(days=number)
        stored = history.begin(SUITE, now)
        profile = PROFILE | ({"os_build": "build 2"} if number >= UPDATE_NIGHT else {})
        epoch, _ = history.epoch(SUITE, stored, DEVICE, CONDITION, profile, "sentinel")
        found = DeviceTurn(history, SUITE, stored, epoch, rules, tonight).run()
        red[number] = {
            int(verdict.series.model.split()[1])
            for verdict in found.verdicts
            if verdict.status is Status.REGRESSION
        }
        history.finish(SUITE, stored, now, int(bool(red[number])), found.verdicts)
    return red


def naive(phone: Phone, nights: int) -> dict[int, set[int]]:
    """A fixed threshold on means against the mean of all nights before."""
    past: dict[int, list[float]] = {model: [] for model in range(phone.models)}
    red: dict[int, set[int]] = {}
    for number in range(1, nights + 1):
        tonight = phone.night(number)
        red[number] = set()
        for model, before in past.items():
            value = tonight.in_order(model)
            if before and value > (1 + NAIVE_THRESHOLD) * statistics.mean(before):
                red[number].add(model)
            before.append(value)
    return red


@dataclass(frozen=True)
class Score:
    """How one way did: delay in nights per planted change (None: missed), and false alarms."""

    delays: tuple[int | None, ...]
    false_alarms: int
    model_nights: int

    @property
    def as_wanted(self) -> bool:
        """Whether the goal is met."""
        in_time = all(
            delay is not None and delay < one.within
            for delay, one in zip(self.delays, PLANTED, strict=True)
        )
        return in_time and self.false_alarms <= 1


def score(red: dict[int, set[int]], models: int) -> Score:
    """A red model-night on which nothing planted was at work is a false alarm."""
    delays: list[int | None] = []
    for one in PLANTED:
        found = [night for night, bad in red.items() if night >= one.start and one.model in bad]
        delays.append(min(found) - one.start if found else None)
    # After the update the shifted levels are the baseline: a change planted before is part of it.
    at_work = {one.model: one.start for one in PLANTED}
    false = sum(
        1
        for night, bad in red.items()
        for model in bad
        if night < at_work.get(model, 10**6)
        or (
            night >= UPDATE_NIGHT
            and model in at_work
            and not next(one for one in PLANTED if one.model == model).creep
        )
    )
    return Score(tuple(delays), false, models * len(red))


def main() -> None:
    """Run the seeds, print both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=15, help="launches a model and night")
    parser.add_argument("--phone", choices=sorted(PRESETS), help="measure on a simulated phone")
    arguments = parser.parse_args()
    ways: dict[str, list[Score]] = {"nightly": [], "5 % on means": []}
    started = time.monotonic()

    def phone(seed: int, folder: str) -> Phone:
        rng = np.random.default_rng([seed, 1])
        if not arguments.phone:
            return Phone(rng, arguments.models, arguments.sessions)
        return SimulatedPhone(
            rng, arguments.models, arguments.sessions, PRESETS[arguments.phone], Path(folder)
        )

    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            with open_history(f"sqlite:///{Path(folder) / 'history.db'}") as history:
                red = nightly(phone(seed, folder), arguments.nights, history)
            ways["nightly"].append(score(red, arguments.models))
            red = naive(phone(seed, folder), arguments.nights)
            ways["5 % on means"].append(score(red, arguments.models))
    for way, scores in ways.items():
        show(way, scores)
    print(f"\n{time.monotonic() - started:.0f} s")


def show(way: str, scores: Sequence[Score]) -> None:
    """One way over all seeds."""
    print(f"\n{way}: {len(scores)} seeds of {scores[0].model_nights} model-nights")
    for place, one in enumerate(PLANTED):
        delays = [score.delays[place] for score in scores]
        found = [delay for delay in delays if delay is not None]
        in_time = sum(delay < one.within for delay in found)
        spread = ", ".join("missed" if d is None else str(d) for d in delays)
        limit = f"{one.within} night{'s' * (one.within > 1)}"
        print(f"  {one.label:22s} found {len(found)}/{len(delays)}, in time ({limit})", end=" ")
        print(f"{in_time}/{len(delays)}; nights of delay: {spread}")
    false = [score.false_alarms for score in scores]
    print(f"  false alarms: {', '.join(map(str, false))} (mean {statistics.mean(false):.2f})")
    print(f"  goal met in {sum(score.as_wanted for score in scores)}/{len(scores)}")


if __name__ == "__main__":
    main()
