"""Which configs a training trains: the space's protocol, and the spaces that `train` knows."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import Protocol

from models.config import MobileSRConfig
from models.errors import TrainingError


class ConfigSpace(Protocol):
    """What training needs of a search space."""

    def largest(self) -> MobileSRConfig:
        """A config that contains all others."""

    def smallest(self) -> MobileSRConfig:
        """The config with the fewest channels, blocks and hidden channels."""

    def widths(self) -> tuple[int, ...]:
        """The choices of `n_feats`, each as often as it is wanted; `sample` gives each of them."""

    def sample(self, rng: random.Random) -> MobileSRConfig:
        """A randomly drawn config."""


def choices_digest(space: ConfigSpace) -> str:
    """Eight hex digits: spaces that draw alike have the same."""
    drawn = " ".join(space.sample(random.Random(seed)).key for seed in range(64))
    return hashlib.sha256(drawn.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class PartsOf:
    """All configs that one config contains, with the given choices of each dimension.

    A choice that is given several times is drawn so much the oftener.

    Attributes:
        whole: the largest config; its window is that of the largest only.
    """

    whole: MobileSRConfig
    n_feats: tuple[int, ...]
    depths: tuple[int, ...]
    ratios: tuple[int, ...]
    window_sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raises `TrainingError` when a choice lies outside the whole, or no ratio fits it."""
        if max(self.n_feats) > self.whole.n_feats or max(self.depths) > self.whole.depth:
            raise TrainingError(
                f"{self.whole.key} does not contain n_feats {max(self.n_feats)} at depth "
                f"{max(self.depths)}: give a larger `largest` or smaller choices"
            )
        if min(self.ratios) > min(self.whole.ratios):
            raise TrainingError(
                f"no ratio of {self.ratios} fits the block of ratio {min(self.whole.ratios)} in "
                f"{self.whole.key}: add a smaller ratio"
            )
        for n_feats in self.n_feats:  # a config that does not exist is found now
            self._config(n_feats, (min(self.ratios),), self.window_sizes[0])

    def largest(self) -> MobileSRConfig:
        return self.whole

    def smallest(self) -> MobileSRConfig:
        ratios = (min(self.ratios),) * min(self.depths)
        return self._config(min(self.n_feats), ratios, min(self.window_sizes))

    def widths(self) -> tuple[int, ...]:
        return self.n_feats

    def sample(self, rng: random.Random) -> MobileSRConfig:
        """Draw channels, depth, each block's ratio among those that fit, and the window."""
        n_feats, depth = rng.choice(self.n_feats), rng.choice(self.depths)
        ratios = tuple(
            rng.choice([ratio for ratio in self.ratios if ratio <= most])
            for most in self.whole.ratios[:depth]
        )
        return self._config(n_feats, ratios, rng.choice(self.window_sizes))

    def _config(self, n_feats: int, ratios: tuple[int, ...], window: int) -> MobileSRConfig:
        fields = self.whole.model_dump() | {
            "n_feats": n_feats, "ratios": ratios, "window_size": window
        }  # fmt: skip
        return MobileSRConfig.build(**fields)


@dataclass(frozen=True)
class OneConfig:
    """A space of a single config: an ordinary training."""

    config: MobileSRConfig

    def largest(self) -> MobileSRConfig:
        return self.config

    def smallest(self) -> MobileSRConfig:
        return self.config

    def widths(self) -> tuple[int, ...]:
        return (self.config.n_feats,)

    def sample(self, rng: random.Random) -> MobileSRConfig:
        return self.config
