"""Which configs a step trains besides the largest."""

from __future__ import annotations

import random

from models.config import MobileSRConfig
from models.training.plan import TrainingPlan
from models.training.space import ConfigSpace

# Of a space of this many widths at most; more draws than any width needs to come up.
DRAWS_OF_A_WIDTH = 10_000


class Students:
    """The students of each step. They depend on the seed and the step, not on earlier draws.

    `dealt`: random configs, their widths (`n_feats`) dealt like cards, so that each width is
    trained as often as the space names it. `sandwich`: the smallest config and random ones
    (Yu & Huang, ICCV 2019, arXiv:1903.05134); trained in every step, the smallest overtakes
    larger ones, and configs come out closer to each other than they are (figures:
    docs/quality.md).
    """

    def __init__(self, space: ConfigSpace, plan: TrainingPlan) -> None:
        self.space, self.plan = space, plan
        rng = random.Random(f"pool {plan.seed}")
        self.pool = [space.sample(rng) for _ in range(plan.config_pool)]
        pooled = {config.n_feats for config in self.pool}
        self.widths = [width for width in space.widths() if not pooled or width in pooled]

    def of_step(self, step: int) -> list[MobileSRConfig]:
        """Configs to train at `step`, counted from 0; the largest is left out."""
        rng = random.Random(f"configs {self.plan.seed} {step}")
        if self.plan.students == "sandwich":
            drawn = [self.space.smallest()]
            drawn += [self._any(rng) for _ in range(self.plan.random_configs)]
        else:
            drawn = [self._of_width(width, rng) for width in self._dealt(step)]
        return [config for config in drawn if config != self.space.largest()]

    def _any(self, rng: random.Random) -> MobileSRConfig:
        return rng.choice(self.pool) if self.pool else self.space.sample(rng)

    def _of_width(self, width: int, rng: random.Random) -> MobileSRConfig:
        if self.pool:
            return rng.choice([config for config in self.pool if config.n_feats == width])
        for _ in range(DRAWS_OF_A_WIDTH):
            config = self.space.sample(rng)
            if config.n_feats == width:
                return config
        raise AssertionError(f"the space never gives its width {width}")

    def _dealt(self, step: int) -> list[int]:
        """The widths of a step: cards of a deck that is shuffled each time it is used up."""
        many, hand = len(self.widths), self.plan.random_configs
        widths = []
        for card in range(step * hand, (step + 1) * hand):
            deck = self.widths.copy()
            random.Random(f"deck {self.plan.seed} {card // many}").shuffle(deck)
            widths.append(deck[card % many])
        return widths
