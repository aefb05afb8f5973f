"""A space so small that its steps take milliseconds, and what tests of training share."""

import random
from dataclasses import dataclass

import torch

from models.config import MobileSRConfig
from models.training.numerics import Numerics
from models.training.photographs import photographs_of
from models.training.plan import TrainingPlan
from models.training.supernet import SupernetTrainer, TrainingOptions

FLOAT32 = Numerics("cpu", "float32")


@dataclass(frozen=True)
class TinySpace:
    channels: tuple[int, ...] = (4, 8)
    scale: int = 2

    def config(self, n_feats, ratios):
        return MobileSRConfig(
            n_feats=n_feats, n_heads=2, ratios=ratios, window_size=4, scale=self.scale
        )

    def largest(self):
        return self.config(max(self.channels), (2, 2))

    def smallest(self):
        return self.config(min(self.channels), (1,))

    def widths(self):
        return self.channels

    def sample(self, rng: random.Random):
        ratios = tuple(rng.choice((1, 2)) for _ in range(rng.choice((1, 2))))
        return self.config(rng.choice(self.channels), ratios)


SPACE = TinySpace()
SHORT = TrainingPlan(steps=8, batch_size=2, crop=8)


def trainer(images, plan=SHORT, space=SPACE, checkpoint=None, start=None, teacher=None, **options):
    """A trainer over arrays that writes its checkpoint, where it has one, after every step."""
    chosen = TrainingOptions(
        **{"checkpoint": checkpoint, "checkpoint_every_s": -1.0, "numerics": FLOAT32} | options
    )
    return SupernetTrainer(space, photographs_of(images), plan, chosen, start, teacher)


def states_equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


class Killed(BaseException):
    pass


def kill_after(step):
    def on_step(progress):
        if progress.step == step:
            raise Killed

    return on_step
