"""`Deployment`: what besides the architecture fixes a `.pte`; `Candidate`: both together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.records import first_problem
from models.config import MobileSRConfig
from models.errors import ConfigError

Graph = Literal["deploy", "reference"]

# 4096 x 4096 LR is 16 K output at x4: past any phone's memory, and past a typing slip.
MAX_LR_SIDE = 4096
Side = Annotated[int, Field(ge=1, le=MAX_LR_SIDE)]


class Deployment(BaseModel):
    """LR input size in pixels, precision, backend, and which form of the graph is exported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lr_height: Side
    lr_width: Side
    precision: Literal["fp32"] = "fp32"
    backend: Literal["xnnpack"] = "xnnpack"
    graph: Graph = "deploy"

    @property
    def key(self) -> str:
        """Canonical, stable, file-name-safe identity, e.g. `180x320_fp32_xnnpack_deploy`."""
        return f"{self.lr_height}x{self.lr_width}_{self.precision}_{self.backend}_{self.graph}"

    @classmethod
    def build(cls, **fields: Any) -> Self:
        """Validate `fields`. Raises `ConfigError` with one sentence."""
        try:
            return cls(**fields)
        except ValidationError as error:
            raise ConfigError(first_problem(error)) from error


@dataclass(frozen=True)
class Candidate:
    """A configuration as it would be deployed."""

    config: MobileSRConfig
    deployment: Deployment

    @property
    def key(self) -> str:
        return f"{self.config.key}_{self.deployment.key}"


def parse_lr_size(text: str) -> tuple[int, int]:
    """`HEIGHTxWIDTH` in LR pixels. Raises `ConfigError` for anything a model cannot have."""
    match = re.fullmatch(r"\s*(\d{1,12})\s*[xX*]\s*(\d{1,12})\s*", text)
    if match is None:
        raise ConfigError(f"LR size {text!r} is not HEIGHTxWIDTH, for example 180x320")
    height, width = int(match[1]), int(match[2])
    if not (1 <= height <= MAX_LR_SIDE and 1 <= width <= MAX_LR_SIDE):
        raise ConfigError(
            f"LR size {height}x{width} is out of range: both sides must be 1 to {MAX_LR_SIDE}"
        )
    return height, width
