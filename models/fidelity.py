"""How well a supernet's PSNR stands for that of a network trained alone.

Kendall's tau tells whether the order is right, the slope whether a decibel costs what it costs
(below 1 the supernet understates differences), the residual what is left: the error by which a
single config is misjudged, which `quality_interval` adds to that of the pictures.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

FEWEST_CONFIGS = 5
# Both scores of the same configs, as `benchmarks/fidelity.py` wrote them for the shipped supernet.
SHIPPED_TABLE = Path(__file__).with_name("shipped_weights") / "fidelity_x4.csv"
Row = dict[str, str]


@dataclass(frozen=True)
class Fidelity:
    """Agreement of two scores of the same configs.

    Attributes:
        tau, tau_low, tau_high: Kendall's tau-b and its percentile bootstrap interval (95 %)
            over configs.
        slope: regression of the supernet's PSNR on that of training alone.
        residual_sd_db: what a single config's PSNR alone departs from the line through the
            supernet's, in dB of training alone.
        rank_sd_db: the same in dB of the supernet, whose decibel may be worth more or less: what
            its PSNRs may be shifted by before they are ordered.
    """

    configs: int
    tau: float
    tau_low: float
    tau_high: float
    slope: float
    residual_sd_db: float
    rank_sd_db: float


def fidelity(
    supernet_db: ArrayLike, alone_db: ArrayLike, *, resamples: int = 2000, seed: int = 0
) -> Fidelity:
    """Compare two rows of PSNRs, one number a config.

    Raises:
        ValueError: rows of unlike length, fewer than five configs, values that are not finite,
            or a row without any difference.
    """
    supernet, alone = np.asarray(supernet_db, float), np.asarray(alone_db, float)
    if supernet.ndim != 1 or supernet.shape != alone.shape or supernet.size < FEWEST_CONFIGS:
        raise ValueError(f"two rows of at least {FEWEST_CONFIGS} configs are needed")
    if not (np.isfinite(supernet).all() and np.isfinite(alone).all()):
        raise ValueError("PSNRs must be finite")
    if np.ptp(supernet) == 0.0 or np.ptp(alone) == 0.0:
        raise ValueError("a row in which all are equal orders nothing")
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, supernet.size, (resamples, supernet.size))
    taus = [stats.kendalltau(supernet[pick], alone[pick]).statistic for pick in picks]
    low, high = np.nanquantile(taus, [0.025, 0.975])
    line = stats.linregress(supernet, alone)
    residuals = alone - (line.intercept + line.slope * supernet)
    residual_sd = float(np.sqrt(np.sum(residuals**2) / (supernet.size - 2)))
    return Fidelity(
        configs=supernet.size,
        tau=float(stats.kendalltau(supernet, alone).statistic),
        tau_low=float(low),
        tau_high=float(high),
        slope=float(stats.linregress(alone, supernet).slope),
        residual_sd_db=residual_sd,
        # A supernet that orders backwards, or not at all, may be shifted by anything.
        rank_sd_db=residual_sd / line.slope if line.slope > 0 else math.inf,
    )


def regret_db(
    picked_by_db: ArrayLike, truth_db: ArrayLike, cost: ArrayLike, budget: float
) -> float:
    """What is lost by picking the best config within a budget by another score than the truth.

    Raises:
        ValueError: no config is within the budget.
    """
    within = np.asarray(cost, float) <= budget
    if not within.any():
        raise ValueError(f"no config costs {budget} or less")
    picked, truth = np.asarray(picked_by_db, float)[within], np.asarray(truth_db, float)[within]
    return float(truth.max() - truth[picked.argmax()])


def read_fidelity_table(table: Path) -> list[Row]:
    """The rows of a table as `benchmarks/fidelity.py` writes it; none where there is no file."""
    if not table.is_file():
        return []
    with table.open(newline="") as stream:
        return list(csv.DictReader(stream))


@cache
def shipped_source_sd_db() -> float | None:
    """The error by which the shipped supernet misorders a single config: `Fidelity.rank_sd_db`.

    None where no table says it.
    """
    rows = read_fidelity_table(SHIPPED_TABLE)
    if len(rows) < FEWEST_CONFIGS:
        return None
    supernet, alone = ([float(row[name]) for row in rows] for name in ("supernet_db", "alone_db"))
    found = fidelity(supernet, alone, resamples=1).rank_sd_db
    return found if math.isfinite(found) else None
