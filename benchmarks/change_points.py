"""False alarms and delays of the nightly's change points.

    python benchmarks/change_points.py

Simulated nights with 0.8 % of noise; the detector runs anew after each second night, and each
change point that was not there before counts as an alarm. Delays are nights from the step until
it is seen, among series with odd nights.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

from device_runner.statistics.change_points import change_points

SERIES = 60
NIGHTS = 60
STEP_AT = 30


def series(kind: str, random: np.random.Generator) -> np.ndarray:
    """Logarithms of nights at one level."""
    values = random.normal(0, 0.008, NIGHTS)
    if kind == "odd nights":
        values += (random.random(NIGHTS) < 0.04) * random.uniform(0.03, 0.2, NIGHTS)
    if kind == "heavy tails":
        values = 0.006 * random.standard_t(4, NIGHTS)
    if kind == "neighbours alike (0.3)":
        for night in range(1, NIGHTS):
            values[night] = 0.3 * values[night - 1] + 0.954 * values[night]
    return values


def alarms(values: np.ndarray) -> int:
    """How many different changes are claimed as the nights come in."""
    known: list[int] = []
    for count in range(8, NIGHTS + 1, 2):
        for change in change_points(np.exp(values[:count])):
            if all(abs(change.night - night) > 3 for night in known):
                known.append(change.night)
    return len(known)


def delay(step: float, random: np.random.Generator) -> float:
    """Nights until a step is seen; infinity if never in twenty."""
    values = series("odd nights", random)
    values[STEP_AT:] += np.log1p(step)
    for count in range(STEP_AT + 1, STEP_AT + 21):
        found = change_points(np.exp(values[:count]))
        if any(abs(c.night - STEP_AT) <= 3 and c.ratio > 1 for c in found):
            return count - STEP_AT
    return float("inf")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    random = np.random.default_rng(parser.parse_args().seed)
    table = Table(title=f"alarms without a change, {SERIES * (NIGHTS - 7)} model-nights")
    for column in ("nights", "alarms", "per 1,200 model-nights"):
        table.add_column(column, justify="right")
    for kind in ("normal", "odd nights", "heavy tails", "neighbours alike (0.3)"):
        count = sum(alarms(series(kind, random)) for _ in range(SERIES))
        table.add_row(kind, str(count), f"{1200 * count / (SERIES * (NIGHTS - 7)):.2f}")
    Console().print(table)
    table = Table(title="nights until a step is seen")
    for column in ("step", "median", "90 %", "seen within 20"):
        table.add_column(column, justify="right")
    for step in (0.02, 0.03, 0.05):
        delays = np.array([delay(step, random) for _ in range(SERIES)])
        middle, late = np.quantile(delays, [0.5, 0.9], method="higher")
        table.add_row(f"{step:.0%}", f"{middle:g}", f"{late:g}", f"{np.mean(delays <= 20):.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
