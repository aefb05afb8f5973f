"""Slow spells of a shared virtual machine: what a search makes of candidates measured in them.

    python benchmarks/slow_spells.py --seed 1 --studies 40

Studies of twelve candidates on a simulated phone that does not heat, but has half the speed for
10 s now and then, 40 s apart on average. Candidates lose between its square root and its power of
1.5 in a spell, as on the machine this was met on; PSNR rises with the true latency, as on a real
front. Each candidate is measured in five sessions beside the sentinel, one after the other, as a
search does it. Told in three ways: as they were read; by a reference of the sentinel timed once at
the start, each candidate's reaction for itself; for the usual speed found in all (the product).
Latencies, order and front are held against those of the usual speed, intervals against the speed
that they are told for; how many studies were told for the usual one (within 10 %) is said.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from nights import artifact_folder
from scipy.stats import kendalltau

from device_runner import MeasurePlan, TimingPlan, measure
from device_runner.devices.simulated import PRESETS, SimulatedDevice, synthetic_artifact
from device_runner.devices.simulated.foreign import SlowSpells
from device_runner.measuring.usual_speed import SessionsBeside, UsualSpeed
from search.front.dominance import pareto_front

CANDIDATES, SESSIONS = 12, 5
FASTEST_MS, SLOWEST_MS, SENTINEL_MS = 8.0, 40.0, 15.0
REACTS = (0.5, 1.5)
# PSNR, dB, that a factor of e in latency is worth, and what lies between two configs beside it.
DB_AN_E_FOLD, DB_APART = 0.4, 0.1
TIMING = TimingPlan(min_iterations=10, min_time_s=0.5)
WAYS = ("as read", "reference of the start", "usual speed")


@dataclass(frozen=True)
class Told:
    """What one way says of the candidates: latencies and intervals, ms, (n,) each.

    `slower` is the speed they are told for, as a factor on the usual latency of the sentinel.
    """

    slower: float
    latency_ms: np.ndarray
    low_ms: np.ndarray
    high_ms: np.ndarray


@dataclass(frozen=True)
class Judged:
    """How far one way is from the truth, in one study.

    `front` is how many candidates are on its front that are not on the true one, or the reverse.
    """

    worst: float
    tau: float
    front: int
    held: float
    usual: bool


def phone_of(seed: int) -> SimulatedDevice:
    """A machine that other people's work slows down."""
    pixel = PRESETS["pixel"]
    noise = replace(pixel.noise, spells=SlowSpells())
    cool = replace(pixel.heat, rise_c=0.0)
    return SimulatedDevice(replace(pixel, name="shared", noise=noise, heat=cool), seed=seed)


def study(folder: Path, seed: int) -> dict[str, Judged]:
    """One study, told in each of the ways."""
    rng = np.random.default_rng([seed, 14])
    phone = phone_of(seed)
    threads = phone.suggest_threads().threads
    sentinel = synthetic_artifact(folder, "sentinel", SENTINEL_MS)
    latencies = rng.permutation(np.geomspace(FASTEST_MS, SLOWEST_MS, CANDIDATES))
    reacts = rng.uniform(*REACTS, CANDIDATES)
    artifacts = [
        synthetic_artifact(folder, f"candidate {n}", float(ms), reaction=float(b))
        for n, (ms, b) in enumerate(zip(latencies, reacts, strict=True))
    ]
    true_ms = np.array([phone.true_latency_ms(one, threads) for one in artifacts])
    psnr_db = 28 + DB_AN_E_FOLD * np.log(true_ms) + rng.normal(0, DB_APART, CANDIDATES)
    plan = MeasurePlan(sessions=SESSIONS, threads=threads, timing=TIMING, seed=seed)
    start_ms = measure(phone, sentinel, plan).estimate.latency_ms
    found = [
        measure(
            phone,
            one,
            plan.model_copy(update={"seed": seed + number}),
            sentinel=sentinel,
            sentinel_reference_ms=start_ms,
        )
        for number, one in enumerate(artifacts)
    ]
    raw = np.array([one.estimate.raw_latency_ms for one in found])
    besides = [beside for one in found if (beside := SessionsBeside.of(one)) is not None]
    speed = UsualSpeed.of(besides)
    told = [speed.told(beside) for beside in besides]
    usual_ms = phone.true_latency_ms(sentinel, threads)
    ways = (
        Told(1.0, raw, raw, raw),
        Told(
            start_ms / usual_ms,
            np.array([one.estimate.latency_ms for one in found]),
            np.array([one.estimate.latency_low_ms for one in found]),
            np.array([one.estimate.latency_high_ms for one in found]),
        ),
        Told(
            speed.reference_ms / usual_ms,
            np.array([one.latency_ms for one in told]),
            np.array([one.low_ms for one in told]),
            np.array([one.high_ms for one in told]),
        ),
    )
    return {
        name: judged(way, true_ms, true_ms * way.slower**reacts, psnr_db)
        for name, way in zip(WAYS, ways, strict=True)
    }


def judged(told: Told, true_ms: np.ndarray, there_ms: np.ndarray, psnr_db: np.ndarray) -> Judged:
    """Beside the truth of the usual speed, and of the one that it is told for (`there_ms`)."""

    def front(latency_ms: np.ndarray) -> set[int]:
        return set(pareto_front(list(zip(latency_ms.tolist(), psnr_db.tolist(), strict=True))))

    return Judged(
        worst=float(np.abs(np.log(told.latency_ms / true_ms)).max()),
        tau=float(kendalltau(told.latency_ms, true_ms).statistic),
        front=len(front(told.latency_ms) ^ front(true_ms)),
        held=float(np.mean((told.low_ms <= there_ms) & (there_ms <= told.high_ms))),
        usual=abs(np.log(told.slower)) < np.log(1.1),
    )


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument(
        "--seed", type=int, help="of the first study; default: a fresh one, printed"
    )
    arguments = parser.parse_args()
    seed = secrets.randbits(31) if arguments.seed is None else arguments.seed
    with tempfile.TemporaryDirectory() as base:
        folder = artifact_folder(base)
        found = [study(folder, seed + number) for number in range(arguments.studies)]
    print(
        f"seed {seed}, {arguments.studies} studies of {CANDIDATES} candidates, {SESSIONS} sessions"
    )
    for way in WAYS:
        every = [one[way] for one in found]
        worst = np.array([one.worst for one in every])
        print(
            f"  {way:<23} worst latency off by {100 * np.expm1(np.median(worst)):.0f} % (median "
            f"study), {100 * np.expm1(np.percentile(worst, 90)):.0f} % (90th percentile); tau "
            f"{np.mean([one.tau for one in every]):.3f} (least "
            f"{min(one.tau for one in every):.3f}); {np.mean([one.front for one in every]):.1f} "
            f"members of the front wrong, fronts all right "
            f"{np.mean([one.front == 0 for one in every]):.0%}; 95 % intervals hold "
            f"{np.mean([one.held for one in every]):.0%}; told for the usual speed "
            f"{np.mean([one.usual for one in every]):.0%}"
        )


if __name__ == "__main__":
    main()
