"""How often kernels that err in some executions are found, and right ones accused.

    python benchmarks/unstable.py
    python benchmarks/unstable.py --wrong-share 0.02 --latencies-ms 5 20

Measures, with the default plan, a stand-in whose output is wrong in a share of its executions, and
one that is always right: the Python runner's own code, on a clock that leaps instead of waiting.
How many executions there are to compare is a question of how long one takes: so it is asked for
several latencies. Ends with 1 if fewer than 99 % are found, or any right one is accused.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "lab"))

import unstable_runner

from device_runner.flags import Flag
from device_runner.launching.repeats import repeats_of
from device_runner.measuring.estimates import estimate_of, flags_of
from device_runner.records import MeasurePlan


def is_accused(rng: np.random.Generator, latency_ms: float, wrong_share: float) -> tuple[bool, int]:
    """Whether one measurement is flagged, and of how many executions that is said."""
    plan = MeasurePlan()
    sessions = unstable_runner.sessions(rng, plan, latency_ms=latency_ms, wrong_share=wrong_share)
    flags = flags_of("phone", sessions, estimate_of(sessions), plan.threads)
    repeats = repeats_of(sessions)
    assert repeats is not None
    return Flag.UNSTABLE in flags, repeats.executions


def main() -> None:
    """Print a line for each latency."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measurements", type=int, default=200)
    parser.add_argument("--wrong-share", type=float, default=0.05)
    parser.add_argument("--latencies-ms", type=float, nargs="+", default=[1, 5, 20, 60])
    options = parser.parse_args()
    good = True
    for latency_ms in options.latencies_ms:
        rng = np.random.default_rng(7)
        found, compared = 0, []
        for _ in range(options.measurements):
            accused, executions = is_accused(rng, latency_ms, options.wrong_share)
            found += accused
            compared.append(executions)
        falsely = sum(is_accused(rng, latency_ms, 0.0)[0] for _ in range(options.measurements))
        good = good and found >= 0.99 * options.measurements and not falsely
        print(
            f"{latency_ms:6g} ms: found {found} of {options.measurements} that err in "
            f"{100 * options.wrong_share:g} % of executions, accused {falsely} of "
            f"{options.measurements} right ones; {np.median(compared):.0f} executions compared"
        )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
