"""What a user asks of a search: defaults, then a TOML file, then flags; flags win."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from device_runner.commands.runner_option import STOCK
from foundation.records import first_problem
from models.deployment import Deployment, Graph, Lowering, parse_lr_size
from search.errors import SearchError
from search.space import SearchSpace

SamplerName = Literal["tpe", "nsga2", "gp", "random"]
Positive = Annotated[float, Field(gt=0)]

# What makes two searches the same study. Budgets, parallelism and the storage may change
# between a run and its resumption; these may not.
IDENTITY = (
    "space", "lr_size", "graph", "lowering", "strip_kb", "device", "runner", "hr", "lr", "train",
    "weights", "train_steps", "batch_size", "crop", "seed", "sampler", "threads", "sessions",
    "min_iterations", "min_time_s", "max_latency_ms", "max_memory_mb", "min_psnr_db", "overlap",
)  # fmt: skip


class SearchRequest(BaseModel):
    """One search, fully resolved. Paths are absolute; None means the built-in default.

    Attributes:
        hr, lr: evaluation images (folders); without `hr`, the bundled samples.
        train: training images (folder); without it, the bundled samples.
        weights: a checkpoint to slice candidates from, instead of training a supernet.
        lr_size: (height, width) of the artifact's input.
        graph, lowering, strip_kb: see `models.deployment.Deployment`; a stored request that does
            not name a lowering is of the time when there was but `standard`. Without `strip_kb`
            it is what the device was tuned to, or the usual.
        trials: distinct candidates to try, those of earlier runs counted.
        max_latency_ms, max_memory_mb, min_psnr_db: constraints.
        settle_sessions: sessions spent after the trials on candidates whose place on the front is
            open, those of earlier runs counted.
        overlap: LR pixels that neighbouring tiles of an evaluation image share; None: as needed.
        runner: a runner bundle's folder, or `executor_runner=PATH`; None: the one made for it.
        wait_for_device: seconds for which a device that went away is waited for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: SearchSpace = SearchSpace()
    device: str = "auto"
    runner: str | None = None
    wait_for_device: Annotated[float, Field(ge=0, le=7 * 86400)] = 600.0
    lr_size: tuple[int, int] = (64, 64)
    graph: Graph = "deploy"
    lowering: Lowering = "standard"
    strip_kb: Annotated[int, Field(ge=0, le=2**20)] | None = None
    hr: Path | None = None
    lr: Path | None = None
    train: Path | None = None
    weights: Path | None = None
    train_steps: Annotated[int, Field(ge=10, le=10_000_000)] = 500
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 8
    crop: Annotated[int, Field(ge=8, le=512)] = 24
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 12
    time_budget_s: Positive | None = None
    sampler: SamplerName = "tpe"
    seed: int = 0
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    sessions: Annotated[int, Field(ge=1, le=1000)] = 5
    settle_sessions: Annotated[int, Field(ge=0, le=1_000_000)] = 40
    min_iterations: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    min_time_s: Positive = 0.5
    session_timeout_s: Positive = 300.0
    export_jobs: Annotated[int, Field(ge=1, le=64)] = 2
    export_timeout_s: Positive = 900.0
    overlap: Annotated[int, Field(ge=0, le=256)] | None = None
    max_latency_ms: Positive | None = None
    max_memory_mb: Positive | None = None
    min_psnr_db: Positive | None = None
    run_dir: Path | None = None
    storage: str | None = None

    @field_validator("lr_size", mode="before")
    @classmethod
    def _lr_size(cls, value: Any) -> Any:
        if isinstance(value, str):
            return parse_lr_size(value)
        if isinstance(value, list | tuple) and len(value) == 2:
            return parse_lr_size(f"{value[0]}x{value[1]}")
        return value

    @field_validator("hr", "lr", "train", "weights", "run_dir", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("runner", mode="after")
    @classmethod
    def _absolute_runner(cls, value: str | None) -> str | None:
        if value is None:
            return None
        stock = STOCK if value.startswith(STOCK) else ""
        return stock + str(Path(value.removeprefix(stock)).expanduser().absolute())

    @classmethod
    def resolve(cls, flags: dict[str, Any], toml: Path | None = None) -> Self:
        """Merge a TOML file and flags (None means "not given").

        Raises:
            SearchError: an unreadable file, an unknown key (the nearest is suggested), or a
                value out of range.
            ConfigError: there is no such lowering of this graph here.
        """
        fields = {} if toml is None else _read_toml(toml)
        _refuse_unknown(fields, cls, toml)
        space = dict(fields.get("space", {}))
        for name, value in flags.items():
            if value is None:
                continue
            if name in SearchSpace.model_fields:
                space[name] = value
            else:
                fields[name] = value
        fields["space"] = SearchSpace.build(**space)
        lowering = fields.pop("lowering", None)
        try:
            request = cls(**fields)
        except ValidationError as error:
            raise SearchError(first_problem(error)) from error
        chosen = request.deployment(lowering=lowering, strip_kb=request.strip_kb)
        request = request.model_copy(update={"lowering": chosen.lowering})
        if request.lr is not None and request.hr is None:
            raise SearchError("--lr was given without --hr: PSNR needs the HR images too")
        if request.max_memory_mb is not None and (request.runner or "").startswith(STOCK):
            raise SearchError(
                "--max-memory-mb cannot be judged with a stock executor_runner, which tells no "
                "memory: leave it out, or use our own runner"
            )
        return request

    @classmethod
    def stored(cls, toml: Path) -> Self:
        """The request of a run, from the file that `to_toml` made.

        Raises:
            SearchError: it cannot be read, or is none of ours.
        """
        fields = _read_toml(toml)
        _refuse_unknown(fields, cls, toml)
        try:
            return cls(**fields)
        except ValidationError as error:
            raise SearchError(f"{toml}: {first_problem(error)}") from error

    def deployment(self, *, lowering: str | None, strip_kb: int | None) -> Deployment:
        """What this search exports. Raises `ConfigError` where it cannot be had here."""
        height, width = self.lr_size
        return Deployment.choose(
            lr_height=height, lr_width=width, graph=self.graph, lowering=lowering, strip_kb=strip_kb
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What must not change between a run and its resumption."""
        values = self.model_dump(mode="json")
        return {name: values[name] for name in IDENTITY}

    @property
    def default_run_dir(self) -> Path:
        """The same command finds the same folder again."""
        identity = self.identity
        if self.lowering == "standard":
            # As it was when there was no other: a run of that time is found again.
            del identity["lowering"], identity["strip_kb"]
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode())
        size = f"{self.lr_size[0]}x{self.lr_size[1]}"
        return Path("runs") / f"x{self.space.scale}-{size}-{digest.hexdigest()[:8]}"

    def to_toml(self) -> str:
        """TOML that `resolve` reads back; unset options are left out."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


def _without_none(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(v) if isinstance(v, dict) else v
        for name, v in value.items()
        if v is not None
    }


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        raise SearchError(f"no configuration file at {path}") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SearchError(f"{path} cannot be read as TOML: {error}") from error


def _refuse_unknown(fields: dict[str, Any], request: type[BaseModel], toml: Path | None) -> None:
    tables: list[tuple[str, Any, type[BaseModel]]] = [("", fields, request)]
    if "space" in fields:
        if not isinstance(fields["space"], dict):
            raise SearchError(f"{toml}: 'space' must be a table, [space]")
        tables.append(("space.", fields["space"], SearchSpace))
    for prefix, table, model in tables:
        for key in table:
            if key not in model.model_fields:
                near = difflib.get_close_matches(key, model.model_fields, n=1, cutoff=0.5)
                hint = (
                    f"did you mean {prefix}{near[0]!s}?"
                    if near
                    else f"known keys: {', '.join(sorted(model.model_fields))}"
                )
                raise SearchError(f"{toml}: unknown key {prefix}{key}: {hint}")
