"""A/A: one artifact measured as if it were two. How often is a difference claimed?

    python benchmarks/aa.py                  200 nights of the simulated phone
    python benchmarks/aa.py --host 40        and 40 times on this computer, with a real artifact

At the default level of 5 %, one claim in twenty is to be expected, and no more.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from nights import (
    Found,
    artifact_folder,
    compare_fixed,
    compare_sequential,
    medians_ms,
    phone_of_night,
    share,
)

from device_runner import HostDevice, MeasurePlan, Progress, TimingPlan, measure_together
from device_runner.devices.simulated import synthetic_artifact
from device_runner.statistics import paired_ratio
from foundation import Artifact
from foundation.console import err, quiet_libraries

LATENCY_MS = 60.0
# Forty comparisons shall take six minutes.
HOST_TIMING = TimingPlan(min_iterations=10, min_time_s=0.2)


def simulated(nights: int, sessions: int, first: int) -> None:
    """Both ways of ours on the same simulated nights."""
    fixed: list[Found] = []
    sequential: list[Found] = []
    with tempfile.TemporaryDirectory() as base:
        pair = [
            synthetic_artifact(artifact_folder(base), "model", LATENCY_MS, revision=revision)
            for revision in ("first", "second")
        ]
        for night in range(first, first + nights):
            fixed.append(compare_fixed(phone_of_night(night), pair, sessions=sessions, seed=night))
            sequential.append(compare_sequential(phone_of_night(night), pair, seed=night))
    print(f"Simulated phone, {nights} nights, the same artifact twice:")
    show(f"{sessions} sessions each", fixed)
    show("stopping early", sequential)


def show(name: str, found: list[Found]) -> None:
    """One line: the claims, how far the ratios lie from 1, and what it took."""
    claims = sum(one.differs for one in found)
    off = np.percentile([abs(one.ratio - 1) for one in found], [50, 95])
    sessions = np.median([one.sessions for one in found])
    seconds = np.median([one.device_s for one in found])
    print(
        f"  {name:<18} claims {share(claims, len(found))}; ratio off by {100 * off[0]:.2f} % "
        f"(median), {100 * off[1]:.2f} % (95th percentile); {sessions:.0f} sessions each, "
        f"{seconds:.0f} s of device time"
    )


def on_host(times: int, sessions: int, cache: Path) -> None:
    """A small real artifact, exported once: all rounds in a row, cut into comparisons."""
    artifact = small_artifact(cache)
    with HostDevice() as device:
        plan = MeasurePlan(
            sessions=times * sessions,
            threads=device.suggest_threads().threads,
            timing=HOST_TIMING,
            lease_wait_s=600,
        )
        began_s = device.clock.monotonic_s()
        rounds = medians_ms(measure_together(device, [artifact] * 2, plan, on_progress=tell))
        each_s = (device.clock.monotonic_s() - began_s) / times
    found = []
    for at in range(0, times * sessions, sessions):
        first, second = (row[at : at + sessions] for row in rounds)
        comparison = paired_ratio(first, second)
        found.append(Found(comparison.ratio, comparison.differs(), sessions, each_s))
    print(f"This computer, {times} times, the same artifact twice:")
    show(f"{sessions} sessions each", found)


def tell(progress: Progress) -> None:
    """One line that is written over, where there is a terminal."""
    if err.is_terminal:
        err.print(f"launch {progress.done} of {progress.total}  ", end="\r", markup=False)


def small_artifact(cache: Path) -> Artifact:
    """The sentinel at 64x64: some milliseconds, so that forty comparisons take minutes."""
    from models.deployment import Deployment
    from models.sentinel import export_sentinel

    return export_sentinel(Deployment.choose(lr_height=64, lr_width=64), cache)


def cache_folder() -> Path:
    """Where exported artifacts stay between benchmarks."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mobilesr-tune" / "benchmarks"


def main() -> None:
    """Parse the command line and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0, help="of the first night")
    parser.add_argument("--host", type=int, default=0, metavar="TIMES")
    parser.add_argument("--host-sessions", type=int, default=9)
    arguments = parser.parse_args()
    quiet_libraries()
    began = time.monotonic()
    if arguments.nights:
        simulated(arguments.nights, arguments.sessions, arguments.seed)
    if arguments.host:
        on_host(arguments.host, arguments.host_sessions, cache_folder())
    print(f"({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
