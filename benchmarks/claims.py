"""What the tool claims of its own numbers, beside what is true, under noise it does not assume.

    python benchmarks/claims.py                    fresh seeds, every part
    python benchmarks/claims.py --jobs 2           two lines at a time: the same figures, sooner
    python benchmarks/claims.py --quick            a tenth of it: to see that all of it runs
    python benchmarks/claims.py --seed 7 --part against --draws 4000
    python benchmarks/claims.py --seed 7 --keep claims.jsonl

Each line is a claim, the noise it was tried under, the goal and what was measured. The noise comes
from `device_runner.devices.simulated.foreign`, the judges are the product's own functions at its
own settings. Parts: coverage, against, finds, front, winner (sessions; `claims_sessions.py`),
studies (what the candidates of a study share; `claims_studies.py`) and nights, early, memory,
rivals (nights; `claims_nights.py`). Lines are told as they end; `--keep` writes them to a file as
well, and what stands there for the same seed and draws is not measured again. Exit code 1 where a
goal is missed.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import claims_nights
import claims_sessions
import claims_studies
from claim import Claim, Line
from rich.console import Console
from rich.table import Table

Part = Callable[[int, int], list[Line]]
# Of a part, a number, what its lines found, and the seconds each took.
Key = tuple[str, int]
Done = dict[Key, tuple[list[Claim], float]]

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
DRAWS, QUICK_DRAWS = 500, 50


def measured(seed: int, draws: int, key: Key) -> tuple[list[Claim], float]:
    """One line's claims, and the seconds they took."""
    began = time.monotonic()
    part, number = key
    return PARTS[part](seed, draws)[number](), time.monotonic() - began


def kept(path: Path | None, seed: int, draws: int) -> Done:
    """What such a file has of the same seed and draws; a last line that was cut off is left out."""
    found: Done = {}
    for text in path.read_text().splitlines() if path is not None and path.exists() else ():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if (line["seed"], line["draws"]) == (seed, draws):
            claims = [Claim(**one) for one in line["claims"]]
            found[line["part"], line["number"]] = (claims, line["took_s"])
    return found


def keep(path: Path, seed: int, draws: int, key: Key, claims: list[Claim], took_s: float) -> None:
    """Add a line to the file."""
    line = {
        "seed": seed, "draws": draws, "part": key[0], "number": key[1], "took_s": took_s,
        "claims": [asdict(one) for one in claims],
    }  # fmt: skip
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def measure(arguments: argparse.Namespace, keys: list[Key], console: Console) -> Done:
    """Every line that is not kept already; each is told when it ends."""
    seed, draws, path = arguments.seed, arguments.draws, arguments.keep
    done = {key: one for key, one in kept(path, seed, draws).items() if key in keys}
    missing = [key for key in keys if key not in done]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        running = {pool.submit(measured, seed, draws, key): key for key in missing}
        for one in as_completed(running):
            key = running[one]
            claims, took_s = one.result()
            done[key] = (claims, took_s)
            if path is not None:
                keep(path, seed, draws, key, claims, took_s)
            said = "; ".join(f"{c.claim}, {c.under}: {c.measured}" for c in claims)
            console.print(f"[dim]{len(done)} of {len(keys)}, {key[0]}, {took_s:.0f} s:[/] {said}")
    return done


def show(name: str, lines: list[tuple[list[Claim], float]], console: Console) -> int:
    """One part's table; how many of its goals are missed."""
    table = Table(title=name, caption=f"{sum(took_s for _, took_s in lines):.0f} s")
    for column in ("claim", "under", "goal", "measured", ""):
        table.add_column(column)
    claims = [one for found, _ in lines for one in found]
    for one in claims:
        table.add_row(one.claim, one.under, one.goal, one.measured, "" if one.holds else "missed")
    console.print(table)
    return sum(not one.holds for one in claims)


def main() -> int:
    """Print a table for each part; 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="of everything; default: a fresh one, printed")
    parser.add_argument("--draws", type=int, help=f"measurements a line (default {DRAWS})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_DRAWS} draws: no verdicts")
    parser.add_argument("--part", choices=sorted(PARTS), action="append", help="only these")
    parser.add_argument("--jobs", type=int, default=1, help="lines at a time")
    parser.add_argument("--keep", type=Path, help="file for what was measured, to go on from")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = secrets.randbits(32)
    arguments.draws = arguments.draws or (QUICK_DRAWS if arguments.quick else DRAWS)
    console = Console(soft_wrap=True)
    console.print(f"seed {arguments.seed}, {arguments.draws} draws a line")
    names = arguments.part or list(PARTS)
    keys = [
        (name, number)
        for name in names
        for number in range(len(PARTS[name](arguments.seed, arguments.draws)))
    ]
    began = time.monotonic()
    done = measure(arguments, keys, console)
    console = Console()
    missed = sum(
        show(name, [done[key] for key in keys if key[0] == name], console) for name in names
    )
    took = f"{(time.monotonic() - began) / 60:.1f} minutes"
    console.print(
        f"{missed} of the goals are missed" if missed else "every goal is met", f"({took})"
    )
    if arguments.quick:
        console.print("--quick: chance moves its figures by several points; judge by a whole run")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
