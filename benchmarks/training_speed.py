"""Training speed: steps a second of the trainer against a plain one, interleaved in one run.

    python benchmarks/training_speed.py --images DIR [--rounds 5] [--steps 10]
    python benchmarks/training_speed.py --images DIR --equal-steps 500 --hr HR [--lr LR]

The plain one is what this project had: float32, the ordinary memory layout, the forward pass of
inference, Adam's loop over tensors, crops cut in the step that uses them. Both train the default
space with batch 8 and crop 24. With --equal-steps both train as long from the same plan; told is
the PSNR of the largest and the smallest config, without --hr on the bundled tiles.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foundation.console import quiet_libraries
from models.config import MobileSRConfig
from models.evaluation import evaluate
from models.images import ImagePair, load_pairs
from models.samples import sample_pairs
from models.training.batches import batches
from models.training.numerics import Numerics, choose_numerics
from models.training.photographs import photographs_in, select
from models.training.plan import TrainingPlan
from models.training.recipe import SpaceTable
from models.training.supernet import SupernetTrainer, TrainingOptions
from models.weights import build_model


class PlainTrainer(SupernetTrainer):
    """The same training without what makes it fast."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.model = self.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # torch's stubs lack it
        self.parameters = dict(self.model.named_parameters())
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=self.plan.learning_rate, foreach=False
        )

    def _forward(self, config: MobileSRConfig, low: torch.Tensor) -> torch.Tensor:
        self.model.eval()
        for shell in self.shells.values():
            shell.eval()
        return super()._forward(config, low)

    def _tensor(self, images: torch.Tensor) -> torch.Tensor:
        return images.contiguous().float().div(255)


def make(images: Path, plan: TrainingPlan) -> dict[str, SupernetTrainer]:
    """Both trainers, over the same photographs."""
    space = SpaceTable().space()
    used = select(photographs_in(images), plan.crop * space.largest().scale).used
    plain = TrainingOptions(numerics=Numerics("cpu", "float32"))
    now = TrainingOptions(numerics=choose_numerics())
    return {
        "plain": PlainTrainer(space, used, plan, plain),
        "now": SupernetTrainer(space, used, plan, now),
    }


def seconds_a_step(trainers: dict[str, SupernetTrainer], rounds: int, steps: int) -> np.ndarray:
    """(rounds, 2), plain first; two steps of each go before, unmeasured."""
    plain, now = trainers["plain"], trainers["now"]
    plan, taken = plain.plan, []
    total = rounds * steps + 2

    def plain_step() -> None:
        plain._train_step(plain.crops.draw(plan.batch_size, plan.seed, plain.step))
        plain.step += 1

    with batches(now.crops.draw, plan.batch_size, plan.seed, 0, total) as prepared:

        def now_step() -> None:
            now._train_step(next(prepared))
            now.step += 1

        for number in range(rounds + 1):
            row = []
            for step in (plain_step, now_step):
                began = time.perf_counter()
                for _ in range(steps if number else 2):
                    step()
                row.append((time.perf_counter() - began) / steps)
            taken.append(row)
    return np.array(taken[1:])


def tell_speed(trainers: dict[str, SupernetTrainer], rounds: int, steps: int) -> None:
    """Print steps a second of both and the ratio of the rounds."""
    taken = seconds_a_step(trainers, rounds, steps)
    print(f"{trainers['now'].numerics.sentence}, {torch.get_num_threads()} threads")
    for name, column in zip(trainers, taken.T, strict=True):
        print(
            f"{name:6} {1 / np.median(column):6.2f} steps/s, median of {rounds} rounds of {steps}"
        )
    ratios = taken[:, 0] / taken[:, 1]
    print(f"ratio  {np.median(ratios):6.2f} ({ratios.min():.2f} to {ratios.max():.2f})")


def tell_psnr(trainers: dict[str, SupernetTrainer], pairs: list[ImagePair]) -> None:
    """Train both to the end of their plan and print what they reached."""
    for name, trainer in trainers.items():
        weights = trainer.run()
        for config in (trainer.full, trainer.space.smallest()):
            score = evaluate(build_model(config, weights), pairs).model
            print(
                f"{name:6} {config.key:32} {score.psnr_y_db:.3f} dB on Y over {len(pairs)} images"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--equal-steps", type=int)
    parser.add_argument("--hr", type=Path)
    parser.add_argument("--lr", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    quiet_libraries()
    steps = options.equal_steps or options.rounds * options.steps + 2
    trainers = make(options.images, TrainingPlan(steps=steps, seed=options.seed))
    if options.equal_steps is None:
        tell_speed(trainers, options.rounds, options.steps)
    else:
        hr, lr = options.hr, options.lr
        tell_psnr(trainers, sample_pairs(4) if hr is None else load_pairs(hr, lr, 4))


if __name__ == "__main__":
    main()
