"""Ranking: in which order does measuring put candidates, against the order that is true?

    python benchmarks/ranking.py             20 made-up candidates on a heating simulated phone
    python benchmarks/ranking.py --host      and 12 real ones, twice, on this computer

On the simulated phone the truth is known: Kendall's tau between it and three ways of measuring,
with equal device time: all candidates interleaved with a sentinel (`measure_together`), one after
the other each with a sentinel beside it (as a search meets them), and naively (mean of N
iterations, one after the other). On this computer it is not: there, two runs are compared.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from aa import cache_folder, tell
from nights import TIMING, artifact_folder, iterations_ms, phone_of_night
from scipy.stats import kendalltau

from device_runner import (
    HostDevice,
    Measurement,
    MeasurePlan,
    TimingPlan,
    measure,
    measure_together,
)
from device_runner.devices.simulated import SimulatedDevice, synthetic_artifact
from device_runner.measuring import Gate
from device_runner.measuring.usual_speed import SessionsBeside, UsualSpeed
from foundation import Artifact
from foundation.console import err, quiet_libraries
from models.config import MobileSRConfig
from models.cost import macs

FASTEST_MS, SLOWEST_MS, SENTINEL_MS = 40.0, 80.0, 45.0
# What an interval of one run that is exact for the truth holds of another run's estimates.
EXPECTED_COVERAGE = 0.834
HOST_CONFIGS, HOST_SIDE = 12, 64
# Where launches differ by a sixth, as on a shared machine, many short ones tell more.
HOST_TIMING = TimingPlan(min_warmup=2, max_warmup=5, min_iterations=5, min_time_s=0.1)
WAYS = ("interleaved, with sentinel", "one by one, with sentinel", "naive")


def candidates(folder: Path, count: int, seed: int) -> list[Artifact]:
    """Evenly spaced on a logarithmic scale, in random order."""
    latencies = np.geomspace(FASTEST_MS, SLOWEST_MS, count)
    order = np.random.default_rng([seed, 7]).permutation(count)
    return [synthetic_artifact(folder, f"candidate {i}", float(latencies[i])) for i in order]


def tau(found_ms: Sequence[float], truth_ms: Sequence[float]) -> float:
    """Kendall's tau-b."""
    return float(kendalltau(found_ms, truth_ms).statistic)


def estimates(found: Sequence[object]) -> list[float]:
    """Latencies, ms; anything but a measurement ends the benchmark."""
    return [one.estimate.latency_ms for one in found if isinstance(one, Measurement)]


def one_seed(folder: Path, count: int, sessions: int, seed: int) -> tuple[list[float], float]:
    """Tau of each of `WAYS` on the same phone, and the device time of one of them."""
    artifacts = candidates(folder, count, seed)
    sentinel = synthetic_artifact(folder, "sentinel", SENTINEL_MS)
    phone = phone_of_night(seed)
    threads = phone.suggest_threads().threads
    truth = [phone.true_latency_ms(artifact, threads) for artifact in artifacts]
    plan = MeasurePlan(sessions=sessions, threads=threads, timing=TIMING, seed=seed)

    together = measure_together(phone, artifacts, plan, sentinel=sentinel)
    budget_s = phone.clock.monotonic_s()
    return [
        tau(estimates(together), truth),
        tau(one_by_one(phone_of_night(seed), artifacts, sentinel, plan), truth),
        tau(naively(phone_of_night(seed), artifacts, budget_s), truth),
    ], budget_s


def one_by_one(
    phone: SimulatedDevice, artifacts: list[Artifact], sentinel: Artifact, plan: MeasurePlan
) -> list[float]:
    """As a search measures: each beside the sentinel, and all told for the usual speed."""
    gate = Gate(phone, plan.cooldown_s)
    found = [measure(phone, artifact, plan, sentinel=sentinel, gate=gate) for artifact in artifacts]
    besides = [beside for one in found if (beside := SessionsBeside.of(one)) is not None]
    speed = UsualSpeed.of(besides)
    return [speed.told(beside).latency_ms for beside in besides]


def naively(phone: SimulatedDevice, artifacts: list[Artifact], budget_s: float) -> list[float]:
    """Means of N iterations, in order, each with its part of the device time."""
    with phone.lease(600):
        return [
            float(iterations_ms(phone, artifact, budget_s / len(artifacts)).mean())
            for artifact in artifacts
        ]


def simulated(first: int, seeds: int, count: int, sessions: int) -> None:
    """Print tau over the seeds from `first` on."""
    with tempfile.TemporaryDirectory() as base:
        folder = artifact_folder(base)
        found = [one_seed(folder, count, sessions, first + seed) for seed in range(seeds)]
    taus = np.array([one[0] for one in found])
    step = (SLOWEST_MS / FASTEST_MS) ** (1 / (count - 1)) - 1
    print(
        f"Simulated phone, {seeds} seeds, {count} candidates {100 * step:.1f} % of work apart, "
        f"{sessions} sessions each, {np.median([one[1] for one in found]):.0f} s of device time; "
        "Kendall's tau with the truth:"
    )
    for column, way in enumerate(WAYS):
        low, middle, high = np.percentile(taus[:, column], [5, 50, 95])
        print(
            f"  {way:<27} median {middle:.3f}, 5th percentile {low:.3f}, 95th {high:.3f}, "
            f"worst {taus[:, column].min():.3f}"
        )


def spread_configs(count: int) -> list[MobileSRConfig]:
    """Real configs whose multiplications are as evenly spaced, on logarithms, as they come."""
    every = [
        MobileSRConfig(n_feats=n, ratios=(ratio,) * depth, window_size=window, scale=4)
        for n, ratio, depth, window in itertools.product(
            (8, 16, 24, 32, 40), (1, 2, 4), (1, 2, 3, 4, 5), (4, 8)
        )
    ]
    work = np.log([macs(config, HOST_SIDE, HOST_SIDE) for config in every])
    wanted = np.linspace(work.min(), work.max(), count)
    return [every[int(np.argmin(np.abs(work - at)))] for at in wanted]


def real_artifacts(count: int, cache: Path) -> tuple[list[Artifact], Artifact]:
    """Configs and the sentinel; exported at the first call, minutes on two cores."""
    import torch

    from models.deployment import Candidate, Deployment
    from models.export import export
    from models.network import MobileSR
    from models.sentinel import export_sentinel
    from models.weights import Weights

    deployment = Deployment.choose(lr_height=HOST_SIDE, lr_width=HOST_SIDE)
    artifacts = []
    for config in spread_configs(count):
        torch.manual_seed(0)
        weights = Weights(dict(MobileSR(config).state_dict()), config, "seeded")
        err.print(f"exporting {config.key} ...", markup=False)
        artifacts.append(export(Candidate(config, deployment), weights, cache))
    return artifacts, export_sentinel(deployment, cache)


def on_host(count: int, sessions: int) -> None:
    """Two runs of the same configs, independent but for the sentinel's reference."""
    artifacts, sentinel = real_artifacts(count, cache_folder())
    runs: list[list[Measurement]] = []
    reference_ms = None
    with HostDevice() as device:
        threads = device.suggest_threads().threads
        for number in (1, 2):
            plan = MeasurePlan(
                sessions=sessions,
                threads=threads,
                timing=HOST_TIMING,
                seed=number,
                lease_wait_s=600,
            )
            found = measure_together(
                device,
                artifacts,
                plan,
                sentinel=sentinel,
                sentinel_reference_ms=reference_ms,
                on_progress=tell,
            )
            runs.append([one for one in found if isinstance(one, Measurement)])
            if reference_ms is None and runs[0] and runs[0][0].sentinel is not None:
                reference_ms = runs[0][0].sentinel.reference_ms
    show_host(runs, len(artifacts), sessions)


def show_host(runs: list[list[Measurement]], count: int, sessions: int) -> None:
    """Each candidate in both runs, then what they agree on."""
    if any(len(run) < count for run in runs):
        raise SystemExit("a candidate failed: nothing to compare")
    first, second = ([one.estimate for one in run] for run in runs)
    held = 0
    print(
        f"This computer, {count} configs at {HOST_SIDE}x{HOST_SIDE}, two runs of {sessions} "
        "sessions each, ms:"
    )
    for one, a, b in zip(runs[0], first, second, strict=True):
        inside = a.latency_low_ms <= b.latency_ms <= a.latency_high_ms
        held += inside
        print(
            f"  {one.candidate_key[:60]:<60} {a.latency_ms:8.2f} ({a.latency_low_ms:.2f} to "
            f"{a.latency_high_ms:.2f})  {b.latency_ms:8.2f}  {'inside' if inside else 'outside'}"
        )
    agreement = tau([one.latency_ms for one in first], [one.latency_ms for one in second])
    raw = tau(
        [one.raw_latency_ms or 0 for one in first], [one.raw_latency_ms or 0 for one in second]
    )
    print(
        f"  Kendall's tau {agreement:.3f} (without drift correction {raw:.3f}); the first run's "
        f"95 % interval holds {held} of {count} of the second's estimates "
        f"({100 * EXPECTED_COVERAGE:.0f} % to be expected, as the second has noise too)"
    )


def main() -> None:
    """Parse the command line and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--host", action="store_true")
    parser.add_argument("--host-sessions", type=int, default=40)
    arguments = parser.parse_args()
    quiet_libraries()
    began = time.monotonic()
    if arguments.seeds:
        simulated(arguments.first_seed, arguments.seeds, arguments.candidates, arguments.sessions)
    if arguments.host:
        on_host(HOST_CONFIGS, arguments.host_sessions)
    print(f"({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
