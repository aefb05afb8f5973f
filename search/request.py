"""What a user asks of a search: defaults, then a TOML file, then flags; flags win."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from device_runner.commands.runner_option import STOCK
from foundation.databases import masked, sqlite_url
from foundation.errors import RequestError
from foundation.places import expanded
from foundation.records import first_problem
from foundation.toml import read_toml
from foundation.wording import shown
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

# What earlier runs wrote down and no search needs to know any more: how many exports ran at once.
_RETIRED = ("export_jobs",)


class SearchRequest(BaseModel):
    """One search, fully resolved. Paths are absolute; None means the built-in default.

    Attributes:
        hr, lr: evaluation images (folders); without `hr`, the bundled samples.
        train: training images (folder); without it, the bundled samples.
        weights: a checkpoint to slice candidates from. Without it: the supernet that comes with
            the package where it contains the space and neither `train` nor `train_steps` asks
            for training; else one is trained.
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
    train_steps: Annotated[int, Field(ge=10, le=10_000_000)] | None = None
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
        return None if value is None else expanded(value).absolute()

    @field_validator("storage", mode="after")
    @classmethod
    def _absolute_storage(cls, value: str | None) -> str | None:
        return None if value is None else _absolute_sqlite(value)

    @field_validator("runner", mode="after")
    @classmethod
    def _absolute_runner(cls, value: str | None) -> str | None:
        if value is None:
            return None
        stock = STOCK if value.startswith(STOCK) else ""
        return stock + str(expanded(Path(value.removeprefix(stock))).absolute())

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
        if lowering is None and request.strip_kb is None:
            lowering = request._begun_with()
        chosen = request.deployment(lowering=lowering, strip_kb=request.strip_kb)
        for precision in request.space.precisions:
            chosen = chosen.in_precision(precision)
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

    def _begun_with(self) -> Lowering | None:
        """The lowering of the run in this run directory; None where none has begun."""
        if self.run_dir is None:
            return None
        with contextlib.suppress(SearchError):  # told where the run is entered
            begun = self.stored(self.run_dir / "run.toml")
            return begun.lowering if begun.graph == self.graph else None
        return None

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
        if self.space.precisions == ("fp32",):
            # As it was when there was no other: a study of that time is found again.
            del values["space"]["precisions"]
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
        """TOML that `resolve` reads back; unset options and every password are left out."""
        fields = self.model_dump(mode="json")
        if self.storage is not None:
            fields["storage"] = masked(self.storage)
        return tomli_w.dumps(_without_none(fields))


def _without_none(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(v) if isinstance(v, dict) else v
        for name, v in value.items()
        if v is not None
    }


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise SearchError(f"no configuration file at {path}")
    try:
        fields = read_toml(path)
    except RequestError as error:
        raise SearchError(str(error)) from error
    return {name: value for name, value in fields.items() if name not in _RETIRED}


def _absolute_sqlite(address: str) -> str:
    """The address of a storage; of an SQLite file the whole path, whoever opens it from where."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        return address  # refused with its sentence when it is opened
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return address
    if str(url.database).startswith("file:"):
        return address
    return sqlite_url(expanded(Path(str(url.database)))).render_as_string(hide_password=False)


def _refuse_unknown(fields: dict[str, Any], request: type[BaseModel], toml: Path | None) -> None:
    tables: list[tuple[str, Any, type[BaseModel]]] = [("", fields, request)]
    if "space" in fields:
        if not isinstance(fields["space"], dict):
            raise SearchError(f"{toml}: 'space' must be a table, [space]")
        tables.append(("space.", fields["space"], SearchSpace))
    for prefix, table, model in tables:
        for key in table:
            if key not in model.model_fields:
                if not prefix and key in SearchSpace.model_fields:
                    raise SearchError(
                        f"{toml}: {shown(key)} is a choice of the search space: write it below a "
                        "line [space]"
                    )
                near = difflib.get_close_matches(key, model.model_fields, n=1, cutoff=0.5)
                hint = (
                    f"did you mean {prefix}{near[0]!s}?"
                    if near
                    else f"known keys: {', '.join(sorted(model.model_fields))}"
                )
                raise SearchError(f"{toml}: unknown key {prefix}{shown(key)}: {hint}")
