"""Power: is a true 3 % slowdown found in a night, and how often is one found that is not there?

    python benchmarks/power.py

200 nights with a slowdown and 200 without, on simulated phones that throttle. Beside our way of
comparing stand two others on the same phones, with as much device time: the naive one (mean of N
iterations of one, then of the other, whichever comes first by the toss of a coin), and a fair one
(short launches of both in turn, in random order, a t test over launches, nothing corrected).
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
from nights import (
    NAIVE_THRESHOLD,
    Found,
    artifact_folder,
    compare_fairly,
    compare_fixed,
    compare_naively,
    compare_sequential,
    phone_of_night,
    share,
)

from device_runner.devices.simulated import synthetic_artifact

LATENCY_MS = 60.0


def main() -> None:
    """Parse the command line, run the nights, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--slowdown", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0, help="of the first night")
    arguments = parser.parse_args()
    began = time.monotonic()
    ways = ("ours, fixed", "ours, stopping early", "fair", "naive, t test", "naive, threshold")
    found: dict[tuple[str, bool], list[Found]] = {
        (way, slowed): [] for way in ways for slowed in (False, True)
    }
    with tempfile.TemporaryDirectory() as base:
        folder = artifact_folder(base)
        baseline = synthetic_artifact(folder, "model", LATENCY_MS, revision="baseline")
        same = synthetic_artifact(folder, "model", LATENCY_MS, revision="today")
        slow_ms = slowed_by(arguments.slowdown, baseline.manifest.delegated_op_count)
        slow = synthetic_artifact(folder, "model", slow_ms, revision="slow")
        phone = phone_of_night(0)
        threads = phone.suggest_threads().threads
        truth = phone.true_latency_ms(slow, threads) / phone.true_latency_ms(baseline, threads)
        for night in range(arguments.nights):
            for slowed, today in ((False, same), (True, slow)):
                # Each way meets the same phone in the same state.
                seed = arguments.seed + 2 * night + slowed
                pair = [today, baseline]
                fixed = compare_fixed(
                    phone_of_night(seed), pair, sessions=arguments.sessions, seed=seed
                )
                early = compare_sequential(phone_of_night(seed), pair, seed=seed)
                fair = compare_fairly(phone_of_night(seed), pair, fixed.device_s, seed)
                naive = compare_naively(phone_of_night(seed), pair, fixed.device_s, seed)
                for way, one in zip(ways, (fixed, early, fair, *naive), strict=True):
                    found[way, slowed].append(one)
    print(
        f"{arguments.nights} nights with a true slowdown of {100 * (truth - 1):.2f} % and as many "
        f"without, {threads} threads; naive threshold {100 * NAIVE_THRESHOLD:.1f} %:"
    )
    for way in ways:
        show(way, found[way, False], found[way, True])
    print(f"({time.monotonic() - began:.0f} s)")


def slowed_by(slowdown: float, operators: int) -> float:
    """The work on one thread that makes the default number of threads slower by `slowdown`."""
    phone = phone_of_night(0)
    threads = phone.suggest_threads().threads
    waiting_ms = operators * phone.spec.threads.sync_us / 1e3 * (threads - 1)
    with tempfile.TemporaryDirectory() as base:
        artifact = synthetic_artifact(artifact_folder(base), "probe", LATENCY_MS)
        all_ms = phone.true_latency_ms(artifact, threads)
    # Waiting for other threads does not grow with the work.
    return LATENCY_MS * (1 + slowdown * all_ms / (all_ms - waiting_ms))


def show(way: str, quiet: list[Found], slowed: list[Found]) -> None:
    """Two lines: what was missed, what was made up, and what it took."""
    hits = sum(one.slower for one in slowed)
    alarms = sum(one.differs for one in quiet)
    sessions = [one.sessions for one in slowed]
    seconds = np.median([one.device_s for one in slowed])
    print(f"  {way:<21} found        {share(hits, len(slowed))}")
    print(f"  {'':<21} false alarms {share(alarms, len(quiet))}")
    print(
        f"  {'':<21} sessions     {np.median(sessions):.0f} of each (median; 90th percentile "
        f"{np.percentile(sessions, 90):.0f}), {seconds:.0f} s of device time"
    )


if __name__ == "__main__":
    main()
