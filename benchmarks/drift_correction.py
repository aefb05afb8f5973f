"""Ways of taking drift out by the sentinel: the error of the corrected latency that each leaves.

    python benchmarks/drift_correction.py

Simulated rounds of twelve artifacts and a sentinel, each round in a random order of its own. Root
mean square error of the median over rounds of the corrected sessions, in percent: `none`, `learnt`
(ours: as much of the round's sentinel session as the artifact shares of it), `round` (all of it),
`between` (log-linear interpolation between neighbours in time), `smooth` (Gaussian kernel of 1.5
rounds), `mean` (one factor for all). The artifacts react to heat as the sentinel does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from device_runner.statistics import drift_factors
from device_runner.statistics.reaction import reaction

ARTIFACTS = 12
DRAWS = 150
Correction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def smooth(at: np.ndarray, sentinel_at: np.ndarray, sentinel_log: np.ndarray) -> np.ndarray:
    """Kernel-weighted mean of the sentinel's logarithms."""
    width = 1.5 * float(np.median(np.diff(np.sort(sentinel_at))))
    weights = np.exp(-0.5 * ((sentinel_at[None, :] - at[:, None]) / width) ** 2)
    return (weights @ sentinel_log) / weights.sum(axis=1)


def by_round(at: np.ndarray, sentinel_at: np.ndarray, sentinel_log: np.ndarray) -> np.ndarray:
    """The round's own sentinel session, taken at its word."""
    rounds = np.arange(at.size)
    factors = drift_factors(
        at, sentinel_at, np.exp(sentinel_log), 1.0, rounds=rounds, sentinel_rounds=rounds
    )
    return np.log(factors)


CORRECTIONS: dict[str, Correction] = {
    "none": lambda at, sentinel_at, sentinel_log: np.zeros(at.size),
    "learnt": by_round,
    "round": by_round,
    "between": lambda at, sentinel_at, sentinel_log: np.interp(at, sentinel_at, sentinel_log),
    "smooth": smooth,
    "mean": lambda at, sentinel_at, sentinel_log: np.full(at.size, sentinel_log.mean()),
}


def schedule(random: np.random.Generator, rounds: int) -> np.ndarray:
    """When each ran, as a share of the whole: (rounds, artifacts + 1), the sentinel last."""
    places = np.zeros((rounds, ARTIFACTS + 1), dtype=int)
    for number in range(rounds):
        places[number, random.permutation(ARTIFACTS + 1)] = np.arange(ARTIFACTS + 1)
    return (places + (ARTIFACTS + 1) * np.arange(rounds)[:, None]) / (rounds * (ARTIFACTS + 1))


def drift(kind: str, at: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Logarithm of the device's slowdown at each time."""
    if kind == "none":
        return np.zeros_like(at)
    if kind == "slow":
        return random.choice([-0.08, 0.08]) * at + 0.02 * np.sin(7 * at + random.uniform(0, 6))
    begins = random.uniform(0.1, 0.7)
    ends = begins + random.uniform(0.15, 0.5)
    heated = 0.25 * (at > begins) * (1 - np.exp(-np.clip(at - begins, 0, None) / 0.03))
    return heated * np.exp(-np.clip(at - ends, 0, None) / 0.03)


def noise(outliers: bool, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """1.5 % a session; with outliers, one in twelve is 5-25 % slower."""
    disturbed = outliers * (random.random(shape) < 0.08)
    return random.normal(0, 0.015, shape) + disturbed * random.uniform(0.05, 0.25, shape)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    random = np.random.default_rng(parser.parse_args().seed)
    table = Table(title="root mean square error of the corrected latency, %")
    for column in ("noise", "rounds", "drift", *CORRECTIONS):
        table.add_column(column, justify="right")
    for outliers in (False, True):
        for rounds in (5, 9):
            for kind in ("none", "slow", "throttling"):
                errors: dict[str, list[float]] = {name: [] for name in CORRECTIONS}
                for _ in range(DRAWS):
                    at = schedule(random, rounds)
                    logs = drift(kind, at, random) + noise(outliers, at.shape, random)
                    for name, correction in CORRECTIONS.items():
                        for place in range(4):
                            found = correction(at[:, place], at[:, -1], logs[:, -1])
                            if name == "learnt":
                                found = found * reaction([(logs[:, place], found)]).factor
                            errors[name].append(float(np.median(logs[:, place] - found)))
                shown = [f"{100 * np.mean(np.square(e)) ** 0.5:.2f}" for e in errors.values()]
                table.add_row("outliers" if outliers else "normal", str(rounds), kind, *shown)
    Console().print(table)


if __name__ == "__main__":
    main()
