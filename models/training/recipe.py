"""A training as a TOML file: its space and its plan; flags of the command line win."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.errors import RequestError
from foundation.records import first_problem
from foundation.toml import read_toml
from models.config import MobileSRConfig
from models.errors import TrainingError
from models.training.plan import TrainingPlan
from models.training.space import ConfigSpace, OneConfig, PartsOf

Choices = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class SpaceTable(BaseModel):
    """The `[space]` of a recipe: choices of each dimension, as a search has them.

    A choice that is given several times is drawn so much the oftener.

    Attributes:
        largest: key of the config that is trained whole; every config must be contained in it.
            Without it: the largest choice of each dimension.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_feats: Choices = (8, 16, 24, 32)
    depths: Choices = (1, 2, 3)
    ratios: Choices = (1, 2)
    window_sizes: Choices = (4, 8)
    n_heads: Annotated[int, Field(ge=1)] = 8
    scale: Literal[2, 3, 4] = 4
    body_passes: Annotated[int, Field(ge=1, le=4)] = 1
    largest: str | None = None

    def space(self) -> PartsOf:
        """Raises `ConfigError` or `TrainingError` for a space that cannot exist."""
        if self.largest is not None:
            whole = MobileSRConfig.from_key(self.largest)
        else:
            whole = MobileSRConfig.build(
                n_feats=max(self.n_feats), n_heads=self.n_heads, scale=self.scale,
                ratios=(max(self.ratios),) * max(self.depths),
                window_size=max(self.window_sizes), body_passes=self.body_passes,
            )  # fmt: skip
        choices = (self.n_feats, self.depths, self.ratios, self.window_sizes)
        return PartsOf(whole, *(tuple(sorted(values)) for values in choices))


class TrainingRecipe(BaseModel):
    """What is trained and how.

    Attributes:
        key: a single config to train, instead of a space.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: SpaceTable = SpaceTable()
    plan: TrainingPlan = TrainingPlan()
    key: str | None = None

    @classmethod
    def resolve(cls, toml: Path | None, flags: dict[str, Any]) -> Self:
        """Merge a recipe file and flags (None means "not given").

        Raises:
            TrainingError: the file cannot be read, or a name or value is not known.
        """
        content = {} if toml is None else _read(toml)
        for name, value in flags.items():
            if value is None:
                continue
            if name == "key":
                content[name] = value
                continue
            table = "plan" if name in TrainingPlan.model_fields else "space"
            given = content.get(table, {})
            if not isinstance(given, dict):
                raise TrainingError(f"{toml}: {table} must be a table, [{table}]")
            content[table] = given | {name: value}
        try:
            return cls(**content)
        except ValidationError as error:
            where = "" if toml is None else f"{toml}: "
            raise TrainingError(f"{where}{first_problem(error)}") from error

    def config_space(self) -> ConfigSpace:
        """Raises as `SpaceTable.space`."""
        if self.key is not None:
            return OneConfig(MobileSRConfig.from_key(self.key))
        return self.space.space()


def _read(toml: Path) -> dict[str, Any]:
    if not toml.exists():
        raise TrainingError(f"no recipe at {toml}")
    try:
        return read_toml(toml)
    except RequestError as error:
        raise TrainingError(str(error)) from error
