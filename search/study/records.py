"""What is remembered of one candidate: the record behind a trial, a table row and a dot."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation.records import VersionedRecord

Status = Literal["ok", "failed", "stopped"]


class ImageQuality(BaseModel):
    """Quality of one evaluation image, from the outputs that the device produced.

    `tiling` says how the image was cut (`models.tiling.TilePlan.describe`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    psnr_y_db: float
    psnr_rgb_db: float
    ssim_y: float
    bicubic_psnr_y_db: float
    tiling: dict[str, object] = Field(default_factory=dict)


class CandidateResult(VersionedRecord):
    """Everything a study knows of one candidate on one device profile.

    Attributes:
        status: `ok` (measured and judged), `failed` (with `reason`), or `stopped` (timed, then
            set aside before quality: a constraint is broken or the front is out of reach).
        number: the Optuna trial that paid for it.
        constraint_violations: constraint -> by how much it is exceeded (<= 0 is feasible), in
            the constraint's own unit.
    """

    kind: ClassVar[str] = "candidate-result"
    version: ClassVar[int] = 2
    # Version 1 knew no raw latency and did not count sessions.
    also_reads: ClassVar[tuple[int, ...]] = (1,)

    number: int
    key: str
    config: dict[str, object]
    deployment: dict[str, object]
    status: Status
    reason: str = ""
    device_serial: str
    profile_key: str
    stand_in_note: str = ""
    artifact_sha256: str = ""
    weights_sha256: str = ""
    parameters: int = 0
    macs: int = 0
    size_bytes: int = 0
    delegates: int = 0
    delegated_ops: int = 0
    undelegated_ops: int = 0
    latency_ms: float | None = None
    latency_low_ms: float | None = None
    latency_high_ms: float | None = None
    raw_latency_ms: float | None = None
    sessions: int = 0
    first_run_ms: float | None = None
    load_ms: float | None = None
    peak_memory_mb: float | None = None
    max_abs_error: float | None = None
    psnr_y_db: float | None = None
    psnr_rgb_db: float | None = None
    ssim_y: float | None = None
    bicubic_psnr_y_db: float | None = None
    images: tuple[ImageQuality, ...] = ()
    constraint_violations: dict[str, float] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()
    measurement_file: str = ""
    export_s: float = 0.0
    device_s: float = 0.0
    finished_at: str = ""

    @property
    def feasible(self) -> bool:
        """Whether every constraint that could be judged holds."""
        return all(value <= 0 for value in self.constraint_violations.values())
