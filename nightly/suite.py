"""The suite: which models are measured on which devices, and from when on a change counts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from foundation.databases import sqlite_url
from foundation.errors import RequestError
from foundation.places import expanded
from foundation.records import first_problem
from foundation.toml import read_toml
from foundation.wording import shell_line, shown
from models.deployment import Graph, Lowering, Precision, parse_lr_size
from models.errors import ConfigError
from nightly.errors import SuiteError
from nightly.metrics import BY_NAME, Scale

HISTORY_NAME = "nightly.db"
Positive = Annotated[float, Field(gt=0)]
# Names stand in file names, XML and tables.
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
DeviceName = Annotated[str, Field(min_length=1, max_length=200)]
_FROZEN = ConfigDict(frozen=True, extra="forbid")


def _floor(metric: str, value: Any) -> Any:
    """`"2 %"` as 0.02, `"0.1 dB"` as 0.1; numbers pass as they are."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%|dB)\s*", value)
    if match is None:
        raise ValueError(f'{metric} = {value!r} is no floor: write "2 %", or a number')
    # The share of delegated operators is counted in percentage points.
    in_percent = match[2] == "%" and BY_NAME[metric].scale is Scale.RATIO
    return float(match[1]) / (100 if in_percent else 1)


class ModelSpec(BaseModel):
    """One watched model: an artifact that lies there, or a config that is exported.

    `artifact` is a folder (or the `.pte` in it). Otherwise `preset` or `key` says the
    architecture (or the checkpoint does), `weights` is a checkpoint, and without one the weights
    are drawn from a fixed seed: fit for latency, and PSNR is not judged. Without `lowering` it is
    the best there is.

    Attributes:
        name: what nights are compared by.
        artifact: a folder of `mobilesr-tune export`, or the `.pte` in it.
        preset: an architecture by its name, `ntire2022` or `article`.
        graph: `deploy`, or `reference`, the network as written.
        lowering: how it becomes a `.pte`; without it the best that there is for the graph.
        precision: fp32, fp16 or int8; an `artifact` has one of its own.
    """

    model_config = _FROZEN

    name: Name
    artifact: Path | None = None
    preset: str | None = None
    key: str | None = None
    weights: Path | None = None
    lr_size: tuple[int, int] = (64, 64)
    graph: Graph = "deploy"
    lowering: Lowering | None = None
    precision: Precision = "fp32"

    @field_validator("lr_size", mode="before")
    @classmethod
    def _lr_size(cls, value: Any) -> Any:
        try:
            return parse_lr_size(value) if isinstance(value, str) else value
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        config = [self.preset, self.key, self.weights]
        if self.artifact is not None and any(part is not None for part in config):
            raise ValueError("give either artifact, or preset, key and weights, not both")
        if self.artifact is None and all(part is None for part in config):
            raise ValueError(
                "says nothing of what to measure: give artifact, preset, key or weights"
            )
        if self.preset is not None and self.key is not None:
            raise ValueError("give preset or key, not both")
        return self


class ConditionSpec(BaseModel):
    """One way of running on a device. Without `threads` the device's own suggestion holds.

    Attributes:
        name: what nights are compared by.
        threads: of the runtime; without it as the device suggests.
        cpus: numbers of the cores to run on; none leaves it to the device.
    """

    model_config = _FROZEN

    name: Name = "default"
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    cpus: tuple[Annotated[int, Field(ge=0, le=4095)], ...] = ()


class MeasureSpec(BaseModel):
    """How much is measured a night.

    `budget_min` bounds the minutes of a night: the number of sessions shrinks to fit it, never
    below three, and a device whose turn would come later is left out and said so.

    Attributes:
        timeout_s: bound on one launch of the runner.
        cooldown_s: how long a hot device is waited for, at most.
        lease_wait_s: how long a device that another process uses is waited for.
        look_again_after_min: how long after the first look a device waits with the second look at
            suspects, so that it falls into another hour of the night: two looks in a row share
            whatever the device does just then. Nothing is measured meanwhile.
    """

    model_config = _FROZEN

    sessions: Annotated[int, Field(ge=3, le=200)] = 15
    budget_min: Positive | None = None
    min_iterations: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    min_time_s: Positive = 0.5
    timeout_s: Positive = 300.0
    cooldown_s: Annotated[float, Field(ge=0)] = 300.0
    lease_wait_s: Annotated[float, Field(ge=0)] = 3600.0
    look_again_after_min: Annotated[float, Field(ge=0, le=720)] = 0.0

    @model_validator(mode="after")
    def _second_look_fits(self) -> Self:
        if self.budget_min is not None and self.look_again_after_min >= self.budget_min:
            raise ValueError(
                f"look_again_after_min = {self.look_again_after_min:g} does not fit into "
                f"budget_min = {self.budget_min:g}: give less, or a larger budget"
            )
        return self


class JudgeSpec(BaseModel):
    """When a change counts.

    Attributes:
        alpha: the chance that a night on which nothing changed turns red, over the whole suite.
        baseline: a night's number to compare with; without it, what `nightly accept` pinned,
            or else the first night on the device as it is.
        baseline_nights: nights from the baseline on that make up its level.
    """

    model_config = _FROZEN

    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    baseline: Annotated[int, Field(ge=1)] | None = None
    baseline_nights: Annotated[int, Field(ge=1, le=100)] = 14


class ImagesSpec(BaseModel):
    """Pictures to judge PSNR by: a folder of ground truth, and its LR inputs beside it or made.

    Attributes:
        hr: the ground truth.
        lr: its LR versions; without it they are made by MATLAB-style bicubic shrinking.
    """

    model_config = _FROZEN

    hr: Path
    lr: Path | None = None


class Suite(BaseModel):
    """A whole suite; paths are absolute after `load_suite`."""

    model_config = _FROZEN

    name: Name
    history: str = HISTORY_NAME
    output: Path = Path("nightly")
    artifacts: Path = Path("nightly-artifacts")
    sentinel: str = "built-in"
    devices: Annotated[tuple[DeviceName, ...], Field(min_length=1, max_length=64)] = ("auto",)
    models: Annotated[tuple[ModelSpec, ...], Field(min_length=1, max_length=1000)]
    conditions: Annotated[tuple[ConditionSpec, ...], Field(min_length=1)] = (ConditionSpec(),)
    measure: MeasureSpec = MeasureSpec()
    judge: JudgeSpec = JudgeSpec()
    floors: dict[str, Annotated[float, Field(ge=0)]] = {}
    images: ImagesSpec | None = None

    @field_validator("floors", mode="before")
    @classmethod
    def _floors(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("must be a table, [floors]")
        for name in value:
            if name not in BY_NAME:
                raise ValueError(f"knows no metric {name!r}: use one of {', '.join(BY_NAME)}")
        return {name: _floor(name, text) for name, text in value.items()}

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (
            ("models", [model.name for model in self.models]),
            ("devices", list(self.devices)),
            ("conditions", [condition.name for condition in self.conditions]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(
                    f"{what} names {twice[0]!r} twice: the history could not tell them"
                )
        return self

    def floor(self, metric: str) -> float:
        """The smallest change of `metric` that counts: the suite's, or the usual one."""
        return self.floors.get(metric, BY_NAME[metric].floor)

    @property
    def history_url(self) -> str:
        """The history as an SQLAlchemy URL."""
        if (file := _sqlite_file(self.history)) is None:
            return self.history
        return sqlite_url(file).render_as_string(hide_password=False)


def _sqlite_file(history: str) -> Path | None:
    """The file that a history means; None where it is no SQLite database, or none that has one.

    A path stands for itself, whatever it holds. After `sqlite:///` stands what SQLAlchemy reads:
    there `%3F` is a question mark.
    """
    if "://" not in history:
        return Path(history)
    try:
        url = make_url(history)
        if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
            return None
    except (ArgumentError, NoSuchModuleError, ValueError):
        return None  # refused with its sentence when it is opened
    return Path(str(url.database))


def load_suite(path: Path, *, files: bool = True) -> Suite:
    """Read a suite; relative paths in it count from its own folder.

    Without `files` what it names need not be there: the history can be asked on any computer.

    Raises:
        SuiteError: no such file, no TOML, an unknown key (the nearest is suggested), a value out
            of range, or a path that leads nowhere; the message names file and key.
    """
    fields = _read(path)
    _refuse_unknown(fields, path)
    try:
        suite = Suite.model_validate(fields)
    except ValidationError as error:
        raise SuiteError(f"{path}: {first_problem(error)}") from error
    suite = _absolute(suite, path.absolute().parent)
    if files:
        require_files(suite, path)
    return suite


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        command = shell_line(["mobilesr-tune", "nightly", "init", str(path)])
        raise SuiteError(f"no suite at {path}: '{command}' writes one")
    try:
        return read_toml(path)
    except RequestError as error:
        raise SuiteError(str(error)) from error


_TABLES: dict[str, type[BaseModel]] = {
    "measure": MeasureSpec, "judge": JudgeSpec, "images": ImagesSpec,
    "models": ModelSpec, "conditions": ConditionSpec,
}  # fmt: skip


def _refuse_unknown(fields: dict[str, Any], path: Path) -> None:
    _refuse_in(fields, Suite, "", path)
    for name, model in _TABLES.items():
        value = fields.get(name, {})
        rows = value if isinstance(value, list) else [value]
        for place, row in enumerate(rows):
            if isinstance(row, dict):
                label = f"{name}[{place}]." if isinstance(value, list) else f"{name}."
                _refuse_in(row, model, label, path)


def _refuse_in(table: dict[str, Any], model: type[BaseModel], label: str, path: Path) -> None:
    for key in table:
        if key in model.model_fields:
            continue
        near = difflib.get_close_matches(key, model.model_fields, n=1, cutoff=0.5)
        hint = (
            f"did you mean {label}{near[0]}?"
            if near
            else f"known keys: {', '.join(sorted(model.model_fields))}"
        )
        raise SuiteError(f"{path}: unknown key {label}{shown(key)}: {hint}")


def _absolute(suite: Suite, folder: Path) -> Suite:
    def at(path: Path | None) -> Path | None:
        return None if path is None else folder / expanded(path)

    models = tuple(
        model.model_copy(update={"artifact": at(model.artifact), "weights": at(model.weights)})
        for model in suite.models
    )
    images = suite.images and ImagesSpec(
        hr=folder / expanded(suite.images.hr), lr=at(suite.images.lr)
    )
    history = suite.history
    if (file := _sqlite_file(history)) is not None:
        history = sqlite_url(folder / expanded(file)).render_as_string(hide_password=False)
    sentinel = suite.sentinel
    if sentinel not in {"built-in", "none", *(model.name for model in suite.models)}:
        sentinel = str(at(Path(sentinel)))
    return suite.model_copy(
        update={
            "models": models, "images": images, "history": history, "sentinel": sentinel,
            "output": at(suite.output), "artifacts": at(suite.artifacts),
        }
    )  # fmt: skip


def require_files(suite: Suite, path: Path, known: Collection[str] = ()) -> None:
    """Raise `SuiteError` unless all is there that the suite names; of `known` models, weights."""
    wanted: list[tuple[str, Path | None]] = []
    for model in suite.models:
        if model.name not in known:
            wanted.append((f"model {model.name!r}: artifact", model.artifact))
        wanted.append((f"model {model.name!r}: weights", model.weights))
    if suite.images is not None:
        wanted += [("images.hr", suite.images.hr), ("images.lr", suite.images.lr)]
    if suite.sentinel not in {"built-in", "none", *(model.name for model in suite.models)}:
        wanted.append(("sentinel (no model of the suite has this name)", Path(suite.sentinel)))
    for key, file in wanted:
        if file is not None and not file.exists():
            raise SuiteError(f"{path}: {key}: {file} does not exist")
