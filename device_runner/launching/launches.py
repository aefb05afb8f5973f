"""What one launch of the runner is asked for, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from device_runner.records import Outcome, SessionRecord, TimingPlan
from foundation import Artifact

OutputDtype = Literal["float32", "uint8"]


@dataclass(frozen=True)
class RunRequest:
    """One launch of the runner.

    `timing` is None for a launch that is wanted for its outputs; `output_dir` is None for one
    that is wanted for its times. `output_dtype` is how a float32 output is written; a uint8 one
    stays as it is. `cpus` empty leaves the placement to the device's scheduler.
    """

    artifact: Artifact
    inputs: tuple[Path, ...]
    output_dir: Path | None = None
    output_dtype: OutputDtype = "float32"
    threads: int = 1
    timing: TimingPlan | None = None
    timeout_s: float = 300.0
    memory_limit_mb: int | None = None
    cpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class RunReport:
    """How one launch ended. `session` and `outputs` are there only when the outcome is OK."""

    outcome: Outcome
    message: str
    duration_s: float
    session: SessionRecord | None = None
    outputs: tuple[Path, ...] = field(default=())
