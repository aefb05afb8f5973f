"""Does it matter that a sampler keeps what it was told in a slow spell?

    python benchmarks/sampler_in_spells.py --seed 1 --studies 60
    python benchmarks/sampler_in_spells.py --seed 1 --studies 60 --begins-slow

Optuna's values are final: each trial's latency is told for the device's usual speed as known at
that moment, while reports tell all anew by what is known in the end. Whole searches over the
default space on the phone of `slow_spells.py` (and, for the worst case, on one with spells of 100 s
that begins in one), by a search's own sampler, whose trials are told in three ways: as a search
tells them; all anew before each proposal; the truth. Random proposals beside them. Judged by the
candidates that were tried, at their true latencies: the area (hypervolume, logarithm of latency)
that their front lacks of the front of the whole space.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import optuna
from nights import artifact_folder
from slow_spells import DB_APART, REACTS, SENTINEL_MS, TIMING, phone_of

from device_runner import MeasurePlan, measure
from device_runner.devices.simulated import SimulatedDevice, synthetic_artifact
from device_runner.devices.simulated.foreign import SlowSpells
from device_runner.measuring.usual_speed import SessionsBeside, UsualSpeed
from foundation import Artifact
from models.config import MobileSRConfig
from models.cost import macs
from search.front.dominance import hypervolume, pareto_front
from search.request import SearchRequest
from search.scheduling.lane import MAX_DUPLICATES_IN_A_ROW
from search.space import SearchSpace
from search.study.study import DIRECTIONS, make_sampler

SPACE = SearchSpace()
SIDE, SESSIONS = 64, 5
LEAST_MS, MOST_MS = 3.0, 40.0
# Of the worst case: a search of twelve trials takes some two minutes.
LONG = SlowSpells(usual_s=200.0, slow_s=100.0)
WAYS = ("as told at the moment", "told anew", "the truth", "random proposals")


@dataclass
class World:
    """Made-up candidates of the default space on one phone: true latency, ms, and PSNR, dB."""

    seed: int
    folder: Path
    begins_slow: bool
    artifacts: dict[str, Artifact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sentinel = synthetic_artifact(self.folder, "sentinel", SENTINEL_MS)
        phone = self.phone()
        self.threads = phone.suggest_threads().threads
        work = {config.key: macs(config, SIDE, SIDE) for config in SPACE.configs()}
        most = max(work.values())
        self.places: dict[str, tuple[float, float]] = {}
        for key, count in work.items():
            rng = np.random.default_rng([self.seed, *key.encode()])
            artifact = synthetic_artifact(
                self.folder, key, LEAST_MS + MOST_MS * count / most, reaction=rng.uniform(*REACTS)
            )
            self.artifacts[key] = artifact
            latency_ms = phone.true_latency_ms(artifact, self.threads)
            psnr_db = 29.0 + 0.6 * np.log(count / most) + rng.normal(0, DB_APART)
            self.places[key] = (latency_ms, float(psnr_db))

    def phone(self) -> SimulatedDevice:
        """The same at each call."""
        if not self.begins_slow:
            return phone_of(self.seed)
        calm = phone_of(self.seed)
        noise = replace(calm.spec.noise, spells=LONG)
        spec, usual_ms = replace(calm.spec, noise=noise), calm.true_latency_ms(self.sentinel, 1)
        plan = MeasurePlan(sessions=1, threads=1, timing=TIMING)
        for seed in range(self.seed * 1000, (self.seed + 1) * 1000):
            probe = measure(SimulatedDevice(spec, seed=seed), self.sentinel, plan)
            if probe.estimate.latency_ms > 1.5 * usual_ms:
                break
        return SimulatedDevice(spec, seed=seed)

    def lost_area(self, keys: list[str]) -> float:
        """Of these candidates' true front, beside that of the whole space, as a share."""
        every = [(float(np.log(ms)), db) for ms, db in self.places.values()]
        reference = (max(x for x, _ in every) + 0.05, min(y for _, y in every) - 0.05)

        def area(points: list[tuple[float, float]]) -> float:
            return hypervolume([points[i] for i in pareto_front(points)], reference)

        tried = [(float(np.log(self.places[key][0])), self.places[key][1]) for key in keys]
        return 1 - area(tried) / area(every)


@dataclass
class Search:
    """One search: what was proposed, and what was measured of each candidate."""

    world: World
    way: str
    trials: int
    besides: dict[str, SessionsBeside] = field(default_factory=dict)
    history: list[tuple[optuna.trial.FrozenTrial, str]] = field(default_factory=list)

    def run(self) -> list[str]:
        """The candidates that are tried, in turn."""
        world, anew = self.world, self.way == WAYS[1]
        sampler = make_sampler(
            SearchRequest(
                trials=self.trials,
                seed=world.seed,
                sampler="random" if self.way == WAYS[3] else "tpe",
            ),
            0,
        )
        phone, rng = world.phone(), np.random.default_rng([world.seed, 9])
        study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
        # As a search begins: both ends of the front.
        wanted, duplicates = [SPACE.smallest(), SPACE.largest()], 0
        while len(self.besides) < self.trials:
            if anew:
                study = self._told_anew(sampler)
            if duplicates >= MAX_DUPLICATES_IN_A_ROW:
                wanted.append(_untried(self.besides, rng))
            if wanted:
                study.enqueue_trial(SPACE.parameters_of(wanted.pop(0)))
            trial = study.ask()
            key = SPACE.suggest(trial).key
            duplicates = duplicates + 1 if key in self.besides else 0
            if key not in self.besides:
                self.besides[key] = _measured(world, phone, key, len(self.besides))
            latency_ms, psnr_db = world.places[key]
            if self.way != WAYS[2]:
                latency_ms = self._speed().told(self.besides[key]).latency_ms
            study.tell(trial, [latency_ms, psnr_db])
            self.history.append((study.trials[trial.number], key))
        return list(self.besides)

    def _speed(self) -> UsualSpeed:
        """As it is known now."""
        return UsualSpeed.of(list(self.besides.values()))

    def _told_anew(self, sampler: optuna.samplers.BaseSampler) -> optuna.Study:
        """A study in which every trial has the value that is known now."""
        study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
        if self.besides:
            speed = self._speed()
            now_ms = {key: speed.told(one).latency_ms for key, one in self.besides.items()}
            study.add_trials(
                optuna.trial.create_trial(
                    params=trial.params,
                    distributions=trial.distributions,
                    values=[now_ms[key], self.world.places[key][1]],
                )
                for trial, key in self.history
            )
        return study


def _untried(besides: dict[str, SessionsBeside], rng: np.random.Generator) -> MobileSRConfig:
    left = [config for config in SPACE.configs() if config.key not in besides]
    return left[int(rng.integers(len(left)))]


def _measured(world: World, phone: SimulatedDevice, key: str, number: int) -> SessionsBeside:
    plan = MeasurePlan(sessions=SESSIONS, threads=world.threads, timing=TIMING, seed=number)
    found = measure(phone, world.artifacts[key], plan, sentinel=world.sentinel)
    beside = SessionsBeside.of(found)
    assert beside is not None
    return beside


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--begins-slow", action="store_true", help="the worst case")
    parser.add_argument("--seed", type=int, help="of the first; default: a fresh one, printed")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    seed = secrets.randbits(31) if arguments.seed is None else arguments.seed
    lost: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(arguments.studies):
        with tempfile.TemporaryDirectory() as base:
            world = World(seed + number, artifact_folder(base), arguments.begins_slow)
            for way in WAYS:
                tried = Search(world, way, arguments.trials).run()
                lost[way].append(world.lost_area(tried))
    kind = "that begin in a long spell" if arguments.begins_slow else "with spells now and then"
    print(
        f"seed {seed}, {arguments.studies} searches of {arguments.trials} trials {kind}; area of "
        "the front that is lacking:"
    )
    for way in WAYS:
        show(way, np.array(lost[way]), np.array(lost[WAYS[0]]))


def show(way: str, lost: np.ndarray, as_told: np.ndarray) -> None:
    """Mean, and the mean difference to the first way with its standard error."""
    apart = lost - as_told
    error = apart.std(ddof=1) / np.sqrt(apart.size)
    print(
        f"  {way:<22} {lost.mean():.2%}; beside the first {100 * apart.mean():+.2f} +- "
        f"{100 * error:.2f} points",
        flush=True,
    )


if __name__ == "__main__":
    main()
