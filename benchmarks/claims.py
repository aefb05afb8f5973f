"""What the tool claims of its own numbers, beside what is true, under noise it does not assume.

    python benchmarks/claims.py                    fresh seeds, every part
    python benchmarks/claims.py --seed 7 --part against --draws 4000
    python benchmarks/claims.py --jobs 2           parts side by side: the same figures, sooner

Each line is a claim, the noise it was tried under, the goal and what was measured. The noise comes
from `device_runner.devices.simulated.foreign`, the judges are the product's own functions at its
own settings. Parts: coverage, against, finds, front, winner (sessions; `claims_sessions.py`),
studies (what the candidates of a study share; `claims_studies.py`) and nights, early, memory,
rivals (nights; `claims_nights.py`). Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import claims_nights
import claims_sessions
import claims_studies
from claim import Claim
from rich.console import Console
from rich.table import Table

Part = Callable[[int, int], Iterator[Claim]]

PARTS: dict[str, Part] = {
    "coverage": claims_sessions.coverage,
    "studies": claims_studies.studies,
    "against": claims_sessions.against,
    "finds": claims_sessions.finds,
    "front": claims_sessions.front,
    "winner": claims_sessions.winner,
    "nights": claims_nights.nights,
    "early": claims_nights.early,
    "memory": claims_nights.memory,
    "rivals": claims_nights.rivals,
}


def claims_of(seed: int, draws: int, name: str) -> tuple[list[Claim], float]:
    """One part's claims, and the seconds they took."""
    began = time.monotonic()
    return list(PARTS[name](seed, draws)), time.monotonic() - began


def main() -> int:
    """Print a table for each part; 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="of everything; default: a fresh one, printed")
    parser.add_argument("--draws", type=int, default=1000, help="measurements a line")
    parser.add_argument("--part", choices=sorted(PARTS), action="append", help="only these")
    parser.add_argument("--jobs", type=int, default=1, help="parts at a time")
    arguments = parser.parse_args()
    seed = secrets.randbits(32) if arguments.seed is None else arguments.seed
    console = Console()
    console.print(f"seed {seed}, {arguments.draws} draws a line")
    missed = 0
    names = arguments.part or list(PARTS)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        parts = pool.map(partial(claims_of, seed, arguments.draws), names)
        for name, (claims, took_s) in zip(names, parts, strict=True):
            table = Table(title=name, caption=f"{took_s:.0f} s")
            for column in ("claim", "under", "goal", "measured", ""):
                table.add_column(column)
            for one in claims:
                missed += not one.holds
                mark = "" if one.holds else "missed"
                table.add_row(one.claim, one.under, one.goal, one.measured, mark)
            console.print(table)
    console.print(f"{missed} of the goals are missed" if missed else "every goal is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
