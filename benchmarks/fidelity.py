"""Fidelity: does the supernet's PSNR order configs, and price them, as training alone does?

    python benchmarks/fidelity.py --images DIR --work DIR --hr HR --lr LR [--configs 30]
    python benchmarks/fidelity.py --table models/shipped_weights/fidelity_x4.csv

Configs are spread over the default space by their work. Each is scored (a) as a slice of the
supernet (--weights; default: the shipped one) and (b) after --steps of training alone on the same
images. The table grows by a line a config and is gone on with; the second form only reads it.
Regret is told at three budgets of MACs, which stand for latency without a device.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from foundation.console import err, quiet_libraries
from models.config import MobileSRConfig
from models.cost import macs
from models.evaluation import evaluate
from models.fidelity import FEWEST_CONFIGS, Row, fidelity, read_fidelity_table, regret_db
from models.images import ImagePair, load_pairs
from models.network import parameter_count
from models.samples import sample_pairs
from models.shipped import shipped_weights
from models.training.photographs import photographs_in, select
from models.training.plan import TrainingPlan
from models.training.space import OneConfig
from models.training.supernet import SupernetTrainer, TrainingOptions
from models.weights import Weights, build_model, load_weights
from search.space import SearchSpace

COLUMNS = ("key", "macs_64x64", "parameters", "steps_alone", "supernet_db", "alone_db")


def spread_configs(count: int, seed: int) -> list[MobileSRConfig]:
    """`count` configs of the default space, evenly spaced in log MACs, in random order."""
    every = sorted(SearchSpace().configs(), key=lambda config: macs(config, 64, 64))
    work = np.log([macs(config, 64, 64) for config in every])
    wanted = np.linspace(work[0], work[-1], count)
    picked: dict[str, MobileSRConfig] = {}
    for target in wanted:
        for index in np.argsort(np.abs(work - target)):
            if every[index].key not in picked:
                picked[every[index].key] = every[index]
                break
    configs = list(picked.values())
    return [configs[i] for i in np.random.default_rng(seed).permutation(len(configs))]


def score(config: MobileSRConfig, weights: Weights, pairs: list[ImagePair]) -> float:
    """Mean Y-PSNR of a slice, dB."""
    return evaluate(build_model(config, weights), pairs).model.psnr_y_db


def train_alone(config: MobileSRConfig, options: argparse.Namespace) -> Weights:
    """Resumed where it was; kept in the work folder."""
    plan = TrainingPlan(steps=options.steps, seed=options.seed)
    used = select(photographs_in(options.images), plan.crop * config.scale).used
    folder = options.work / config.key
    chosen = TrainingOptions(folder / f"{options.steps}.training")
    return SupernetTrainer(OneConfig(config), used, plan, chosen).run()


def fill(table: Path, options: argparse.Namespace) -> None:
    """Add what is missing, a line at a time."""
    pairs = sample_pairs(4) if options.hr is None else load_pairs(options.hr, options.lr, 4)
    weights = shipped_weights(4) if options.weights is None else load_weights(options.weights)
    known = {row["key"] for row in read_fidelity_table(table)}
    table.parent.mkdir(parents=True, exist_ok=True)
    for config in spread_configs(options.configs, options.seed):
        if config.key in known:
            continue
        supernet_db = score(config, weights, pairs)
        alone_db = score(config, train_alone(config, options), pairs)
        new = not table.is_file()
        with table.open("a", newline="") as stream:
            writer = csv.writer(stream)
            if new:
                writer.writerow(COLUMNS)
            writer.writerow(
                [config.key, macs(config, 64, 64), parameter_count(config), options.steps,
                 f"{supernet_db:.4f}", f"{alone_db:.4f}"]
            )  # fmt: skip
        err.print(f"{config.key}: supernet {supernet_db:.2f} dB, alone {alone_db:.2f} dB")


def tell(rows: list[Row]) -> None:
    """Print tau of three predictors, the slope and the regret."""
    if len(rows) < FEWEST_CONFIGS:
        print(f"{len(rows)} configs, too few for a statement: at least {FEWEST_CONFIGS}")
        return
    columns = {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS[1:]}
    alone, cost = columns["alone_db"], columns["macs_64x64"]
    print(f"{len(rows)} configs, alone {alone.min():.2f} to {alone.max():.2f} dB")
    for name in ("supernet_db", "macs_64x64", "parameters"):
        found = fidelity(columns[name], alone)
        print(f"tau of {name:12} {found.tau:.3f} ({found.tau_low:.3f} to {found.tau_high:.3f})")
    found = fidelity(columns["supernet_db"], alone)
    print(
        f"slope {found.slope:.2f}, residual {found.residual_sd_db:.3f} dB, "
        f"in dB of the supernet {found.rank_sd_db:.3f}"
    )
    for share in (0.25, 0.5, 0.75):
        budget = float(np.quantile(cost, share))
        lost = regret_db(columns["supernet_db"], alone, cost, budget)
        print(f"regret within {budget / 1e6:.0f} MMAC: {lost:.3f} dB")


def main() -> None:
    """Fill the table where images are given, and tell what it says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--work", type=Path, default=Path("fidelity"))
    parser.add_argument("--table", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--hr", type=Path)
    parser.add_argument("--lr", type=Path)
    parser.add_argument("--configs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    quiet_libraries()
    table = options.table or options.work / "fidelity.csv"
    if options.images is not None:
        fill(table, options)
    tell(read_fidelity_table(table))


if __name__ == "__main__":
    main()
