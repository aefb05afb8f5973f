"""How often a 95 % interval holds the truth, for few sessions: ours beside the plain bootstrap.

    python benchmarks/coverage.py

Pure simulation of session medians around a known latency; the truth is the noise's median.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from device_runner.statistics import bootstrap_interval, session_interval

DRAWS = 400
TRUTH_MS = 100.0
NOISES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal, 1.5 %": lambda random, n: random.normal(0, 0.015, n),
    "skewed": lambda random, n: np.log1p(0.2 * (random.lognormal(0, 0.5, n) - 1)),
    "one in ten 5-25 % slower": lambda random, n: (
        random.normal(0, 0.015, n) + (random.random(n) < 0.1) * random.uniform(0.05, 0.25, n)
    ),
    "two modes": lambda random, n: random.normal(0, 0.005, n) + random.choice([-0.015, 0.015], n),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    random = np.random.default_rng(parser.parse_args().seed)
    table = Table(title=f"coverage of 95 % intervals, {DRAWS} draws")
    for column in ("noise", "sessions", "session_interval", "its width", "bootstrap alone"):
        table.add_column(column, justify="right")
    for name, noise in NOISES.items():
        for sessions in (3, 5, 9):
            rows = [TRUTH_MS * np.exp(noise(random, sessions)) for _ in range(DRAWS)]
            ours = [session_interval(row) for row in rows]
            plain = [bootstrap_interval(row) for row in rows]
            table.add_row(
                name,
                str(sessions),
                f"{np.mean([TRUTH_MS in interval for interval in ours]):.3f}",
                f"{np.median([interval.relative_width(TRUTH_MS) for interval in ours]):.1%}",
                f"{np.mean([TRUTH_MS in interval for interval in plain]):.3f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
