"""`MobileSRConfig`: the architecture, without weights, input size or precision."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from foundation.records import first_problem
from models.errors import ConfigError

_KEY = re.compile(r"n(\d{1,4})_h(\d{1,4})_r(\d{1,3}(?:\.\d{1,3})*)_w(\d{1,3})_x(\d)_p(\d{1,3})")

Ratio = Annotated[int, Field(ge=1, le=16)]


class MobileSRConfig(BaseModel):
    """One MobileSR architecture.

    Attributes:
        n_feats: channels of the body.
        n_heads: attention heads; must divide `n_feats`.
        ratios: one entry a block: the expansion of its MLP and of its ResBlock. Their number
            is the depth.
        window_size: side of the square attention window, in LR pixels.
        scale: upscaling factor.
        body_passes: how often the body runs over the features (the published model: once, the
            article's variant: twice with the same weights).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_feats: Annotated[int, Field(ge=1, le=512)] = 40
    n_heads: Annotated[int, Field(ge=1, le=512)] = 8
    ratios: Annotated[tuple[Ratio, ...], Field(min_length=1, max_length=32)] = (4, 2, 2, 2, 4)
    window_size: Annotated[int, Field(ge=1, le=64)] = 8
    scale: Literal[2, 3, 4] = 4
    body_passes: Annotated[int, Field(ge=1, le=4)] = 1

    @model_validator(mode="after")
    def _heads_divide_channels(self) -> Self:
        if self.n_feats % self.n_heads:
            raise ValueError(
                f"n_feats={self.n_feats} is not divisible by n_heads={self.n_heads}: choose "
                f"n_feats={self.n_feats // self.n_heads * self.n_heads or self.n_heads} or "
                "another number of heads"
            )
        return self

    @property
    def depth(self) -> int:
        return len(self.ratios)

    @property
    def head_dim(self) -> int:
        return self.n_feats // self.n_heads

    @property
    def key(self) -> str:
        """Canonical, stable, file-name-safe identity, e.g. `n40_h8_r4.2.2.2.4_w8_x4_p1`."""
        ratios = ".".join(map(str, self.ratios))
        return (
            f"n{self.n_feats}_h{self.n_heads}_r{ratios}_w{self.window_size}"
            f"_x{self.scale}_p{self.body_passes}"
        )

    @classmethod
    def from_key(cls, key: str) -> Self:
        """The config whose `key` this is. Raises `ConfigError` for any other text."""
        match = _KEY.fullmatch(key)
        if match is None:
            raise ConfigError(
                f"{key!r} is no config key: reports print them, for example {MobileSRConfig().key}"
            )
        n_feats, n_heads, ratios, window, scale, passes = match.groups()
        config = cls.build(
            n_feats=int(n_feats), n_heads=int(n_heads),
            ratios=tuple(int(ratio) for ratio in ratios.split(".")),
            window_size=int(window), scale=int(scale), body_passes=int(passes),
        )  # fmt: skip
        if config.key != key:
            raise ConfigError(f"{key!r} is no config key: did you mean {config.key}?")
        return config

    @classmethod
    def build(cls, **fields: Any) -> Self:
        """Validate `fields`. Raises `ConfigError` with one sentence."""
        try:
            return cls(**fields)
        except ValidationError as error:
            raise ConfigError(first_problem(error)) from error


PRESETS: dict[str, MobileSRConfig] = {
    # github.com/sunny2109/MobileSR-NTIRE2022, the weights of team NJUST_ESR.
    "ntire2022": MobileSRConfig(),
    # The article's listing: one head a channel, four blocks, the body applied twice.
    "article": MobileSRConfig(n_heads=40, ratios=(4, 2, 2, 4), body_passes=2),
}


def preset(name: str) -> MobileSRConfig:
    """A named configuration. Raises `ConfigError` for an unknown name."""
    try:
        return PRESETS[name]
    except KeyError:
        raise ConfigError(f"unknown preset {name!r}: choose from {', '.join(PRESETS)}") from None
