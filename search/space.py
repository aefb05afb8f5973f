"""The search space: which configs a study may try, and how an Optuna trial becomes one.

`ratios` has variable length: the trial draws a depth, then one ratio for each block that exists
(a conditional space, which TPE and random sampling handle natively).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, get_args

import optuna
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from foundation.records import first_problem
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment, Precision
from search.errors import SpaceError

Choices = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class SearchSpace(BaseModel):
    """Choices for each dimension; the defaults are small enough for a laptop's first run.

    Attributes:
        n_feats: channels to choose from; each divisible by `n_heads`.
        depths: numbers of blocks to choose from.
        ratios: expansions each block may have.
        window_sizes: attention windows, in LR pixels.
        n_heads: attention heads.
        scale: by how much a side grows.
        body_passes: how often the blocks are run through.
        precisions: what a config may be deployed in; each is a candidate of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_feats: Choices = (8, 16, 24, 32)
    depths: Choices = (1, 2, 3)
    ratios: Choices = (1, 2)
    window_sizes: Choices = (4, 8)
    precisions: Annotated[tuple[Precision, ...], Field(min_length=1)] = ("fp32",)
    n_heads: Annotated[int, Field(ge=1)] = 8
    scale: Literal[2, 3, 4] = 4
    body_passes: Annotated[int, Field(ge=1, le=4)] = 1

    @field_validator("n_feats", "depths", "ratios", "window_sizes", mode="after")
    @classmethod
    def _sorted_and_unique(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        """Order of choices must not make a different space (and a different study)."""
        return tuple(sorted(set(value)))

    @field_validator("precisions", mode="after")
    @classmethod
    def _each_once(cls, value: tuple[Precision, ...]) -> tuple[Precision, ...]:
        return tuple(one for one in get_args(Precision) if one in value)

    @model_validator(mode="after")
    def _every_config_exists(self) -> Self:
        for n in self.n_feats:
            for ends in ((min(self.ratios),), (max(self.ratios),) * max(self.depths)):
                for window in (self.window_sizes[0], self.window_sizes[-1]):
                    self._config(n, ends, window)
        return self

    @classmethod
    def build(cls, **fields: Any) -> Self:
        """Validate `fields`. Raises `SpaceError` with one sentence."""
        try:
            return cls(**fields)
        except ValidationError as error:
            raise SpaceError(f"search space: {first_problem(error)}") from error

    def _config(self, n_feats: int, ratios: tuple[int, ...], window: int) -> MobileSRConfig:
        return MobileSRConfig(
            n_feats=n_feats, n_heads=self.n_heads, ratios=ratios, window_size=window,
            scale=self.scale, body_passes=self.body_passes,
        )  # fmt: skip

    def suggest(self, trial: optuna.Trial) -> MobileSRConfig:
        """Draw a config through an Optuna trial."""
        n_feats = trial.suggest_categorical("n_feats", list(self.n_feats))
        depth = trial.suggest_categorical("depth", list(self.depths))
        ratios = tuple(
            trial.suggest_categorical(f"ratio_{i}", list(self.ratios)) for i in range(depth)
        )
        window = trial.suggest_categorical("window_size", list(self.window_sizes))
        return self._config(n_feats, ratios, window)

    def suggest_candidate(self, trial: optuna.Trial, deployment: Deployment) -> Candidate:
        """Draw a config and, where there is a choice, the precision it is deployed in."""
        config, precision = self.suggest(trial), self.precisions[0]
        if len(self.precisions) > 1:
            drawn = trial.suggest_categorical("precision", list(self.precisions))
            precision = next(one for one in self.precisions if one == drawn)
        return Candidate(config, deployment.in_precision(precision))

    def parameters_of(
        self, config: MobileSRConfig, precision: Precision | None = None
    ) -> dict[str, int | str]:
        """The trial parameters that give `config`, for `enqueue_trial`.

        Without a precision, in the first that there is.
        """
        parameters: dict[str, int | str] = {
            "n_feats": config.n_feats,
            "depth": config.depth,
            **{f"ratio_{i}": ratio for i, ratio in enumerate(config.ratios)},
            "window_size": config.window_size,
        }
        if len(self.precisions) > 1:
            parameters["precision"] = precision or self.precisions[0]
        return parameters

    def __contains__(self, config: object) -> bool:
        return (
            isinstance(config, MobileSRConfig)
            and config.n_feats in self.n_feats
            and config.depth in self.depths
            and set(config.ratios) <= set(self.ratios)
            and config.window_size in self.window_sizes
            and (config.n_heads, config.scale, config.body_passes)
            == (self.n_heads, self.scale, self.body_passes)
        )

    @property
    def size(self) -> int:
        """Number of distinct candidates: configs times precisions."""
        shapes = sum(len(self.ratios) ** depth for depth in self.depths)
        return len(self.n_feats) * len(self.window_sizes) * shapes * len(self.precisions)

    def configs(self) -> Iterator[MobileSRConfig]:
        """Every config once, in a fixed order."""
        for n, depth, window in itertools.product(self.n_feats, self.depths, self.window_sizes):
            for ratios in itertools.product(self.ratios, repeat=depth):
                yield self._config(n, ratios, window)

    def candidates(self, deployment: Deployment) -> Iterator[Candidate]:
        """Every config in every precision once, in a fixed order."""
        for config in self.configs():
            for precision in self.precisions:
                yield Candidate(config, deployment.in_precision(precision))

    def largest(self) -> MobileSRConfig:
        """The config that contains all others (with the largest window)."""
        ratios = (max(self.ratios),) * max(self.depths)
        return self._config(max(self.n_feats), ratios, max(self.window_sizes))

    def smallest(self) -> MobileSRConfig:
        """Fewest channels, blocks and hidden channels, and the smallest window."""
        ratios = (min(self.ratios),) * min(self.depths)
        return self._config(min(self.n_feats), ratios, min(self.window_sizes))

    def widths(self) -> tuple[int, ...]:
        return self.n_feats

    def sample(self, rng: random.Random) -> MobileSRConfig:
        """Draw each dimension uniformly."""
        depth = rng.choice(self.depths)
        ratios = tuple(rng.choice(self.ratios) for _ in range(depth))
        return self._config(rng.choice(self.n_feats), ratios, rng.choice(self.window_sizes))

    def sample_candidate(self, rng: random.Random, deployment: Deployment) -> Candidate:
        """Draw each dimension uniformly, the precision among them."""
        config = self.sample(rng)
        return Candidate(config, deployment.in_precision(rng.choice(self.precisions)))
