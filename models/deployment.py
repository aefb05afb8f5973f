"""`Deployment`: what besides the architecture fixes a `.pte`; `Candidate`: both together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from foundation.records import first_problem
from models.config import MobileSRConfig
from models.errors import ConfigError
from models.lowering.executorch_internals import unfit

Graph = Literal["deploy", "reference"]
Lowering = Literal["standard", "direct"]
Precision = Literal["fp32", "fp16", "int8"]
Io = Literal["float", "uint8"]

# What strips are cut for where nothing is known of the device. On the two-core host this was
# tried on (1 MB of second-level cache a core), 2 to 6 MB do about equally well.
DEFAULT_STRIP_KB = 3072
# What a device is tried with: a phone's core may have a tenth of a desktop's caches.
STRIPS_TRIED_KB = (512, DEFAULT_STRIP_KB, 0)

# 4096 x 4096 LR is 16 K output at x4: past any phone's memory, and past a typing slip.
MAX_LR_SIDE = 4096
Side = Annotated[int, Field(ge=1, le=MAX_LR_SIDE)]


class Deployment(BaseModel):
    """LR input size in pixels, precision, backend, how the file is made, and what goes in and out.

    Attributes:
        precision: what is computed in. int8 is static or dynamic int8 in the layers that
            `models.quantization.layers` names, float32 elsewhere; fp16 is float16 but for GELU
            and the bilinear base, and runs on processors with float16 arithmetic alone (ARMv8.2
            on; x86-64 emulates it slowly).
        graph: the form of the network that is exported.
        lowering: how it becomes a `.pte` (`models.lowering`). Records of the time when there was
            but one do not name it: it was `standard`.
        strip_kb: kB of cache that the strips of a `direct` graph are cut for; 0 cuts none.
        io: `float` takes and gives planes, (1, 3, H, W) in float32 of 0 to 1; `uint8` an app's own
            pixels, (1, H, W, 3) of 0 to 255, clamped and rounded inside, and is made by `direct`
            alone. Records of the time before do not name it: they are `float`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lr_height: Side
    lr_width: Side
    precision: Precision = "fp32"
    backend: Literal["xnnpack"] = "xnnpack"
    graph: Graph = "deploy"
    lowering: Lowering = "standard"
    strip_kb: Annotated[int, Field(ge=0, le=2**20)] = 0
    io: Io = "float"

    @model_validator(mode="after")
    def _direct_is_a_deploy_graph(self) -> Self:
        if self.lowering == "direct" and self.graph != "deploy":
            raise ValueError(
                f"lowering direct writes the deploy graph: the {self.graph} graph needs standard"
            )
        if self.lowering == "standard" and self.precision != "fp32":
            raise ValueError(
                f"precision {self.precision} is made by lowering direct alone: leave the precision "
                "out, or take lowering direct and graph deploy"
            )
        if self.lowering == "standard" and self.io != "float":
            raise ValueError(
                "io uint8 is made by lowering direct alone: leave io out, or take lowering direct "
                "and graph deploy"
            )
        if self.lowering == "standard" and self.strip_kb:
            raise ValueError("strip_kb is for lowering direct: standard cuts no strips")
        return self

    @property
    def key(self) -> str:
        """Canonical, stable, file-name-safe identity.

        `180x320_fp32_xnnpack_deploy` is the deploy graph by the standard lowering,
        `180x320_fp32_xnnpack_direct3072` the direct one with strips for 3072 kB, and
        `180x320_fp32_xnnpack_direct3072_uint8` the same on pixels.
        """
        made = self.graph if self.lowering == "standard" else f"direct{self.strip_kb}"
        pixels = "" if self.io == "float" else f"_{self.io}"
        return f"{self.lr_height}x{self.lr_width}_{self.precision}_{self.backend}_{made}{pixels}"

    def in_precision(self, precision: Precision) -> Deployment:
        """The same in another precision. Raises `ConfigError` where there is no such deployment."""
        return Deployment.build(**{**self.model_dump(), "precision": precision})

    @classmethod
    def choose(
        cls, *, graph: str = "deploy", lowering: str | None = None, strip_kb: int | None = None,
        precision: str = "fp32", **fields: Any,
    ) -> Self:  # fmt: skip
        """`build`, with the best lowering there is where none is named.

        Raises:
            ConfigError: a field is wrong, or `direct` is asked for and cannot be had here.
        """
        chosen = lowering or default_lowering(graph)
        if chosen == "direct" and (reason := unfit()):
            raise ConfigError(f"{reason}: leave the lowering out, or name standard")
        if lowering is None and graph == "deploy" and (reason := unfit()):
            if precision != "fp32":
                raise ConfigError(f"{reason}: leave precision {precision} out")
            if fields.get("io", "float") != "float":
                raise ConfigError(f"{reason}: leave io {fields['io']} out")
        if strip_kb is None:
            strip_kb = DEFAULT_STRIP_KB if chosen == "direct" else 0
        return cls.build(
            graph=graph, lowering=chosen, strip_kb=strip_kb, precision=precision, **fields
        )

    @classmethod
    def build(cls, **fields: Any) -> Self:
        """Validate `fields`. Raises `ConfigError` with one sentence."""
        try:
            return cls(**fields)
        except ValidationError as error:
            raise ConfigError(first_problem(error)) from error


def default_lowering(graph: str) -> Lowering:
    """`direct` for the deploy graph, where the ExecuTorch that is installed allows it."""
    return "direct" if graph == "deploy" and not unfit() else "standard"


def fallback_sentence(deployment: Deployment) -> str:
    """Why a deploy graph can be lowered by `standard` only; empty where `direct` would do."""
    if deployment.lowering == "direct" or deployment.graph != "deploy" or not unfit():
        return ""
    return f"{unfit()}: ExecuTorch's own partitioner lowers the deploy graph (lowering standard)"


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
