"""What is remembered of one candidate: the record behind a trial, a table row and a dot.

A `CandidateResult` is made of parts, each there as a whole or not at all: what was exported, how
fast it ran, how good its pictures were. How far a candidate got is told by which parts it has.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from device_runner import Measurement
from device_runner.measuring.usual_speed import SessionsBeside
from foundation.artifact import ArtifactManifest, delegated_share
from foundation.records import VersionedRecord
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.origin import WeightsOrigin

Status = Literal["ok", "failed", "stopped"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ArtifactFacts(_Part):
    """What a candidate's artifact is, without running it."""

    sha256: str
    weights_sha256: str
    parameters: int
    macs: int
    size_bytes: int
    delegates: int
    delegated_ops: int
    undelegated_ops: int
    export_s: float

    @classmethod
    def of(cls, manifest: ArtifactManifest) -> Self:
        """What a result keeps of a manifest."""
        return cls(
            sha256=manifest.sha256,
            weights_sha256=manifest.weights_sha256,
            parameters=manifest.parameters,
            macs=manifest.macs,
            size_bytes=manifest.size_bytes,
            delegates=manifest.delegates,
            delegated_ops=manifest.delegated_op_count,
            undelegated_ops=manifest.undelegated_op_count,
            export_s=manifest.export_s,
        )

    @property
    def graph(self) -> tuple[int, ...]:
        """What is equal of two artifacts of one candidate that differ in their weights alone."""
        operators = (self.delegates, self.delegated_ops, self.undelegated_ops)
        return self.parameters, self.macs, *operators

    @property
    def delegated_share(self) -> float | None:
        """Share of the graph's operators that the backend runs, 0 to 1; None without operators."""
        return delegated_share(self.delegated_ops, self.undelegated_ops)


class Timing(_Part):
    """What a candidate's measurement came to; None is what no session tells.

    Attributes:
        latency_ms: told for the speed the device usually had, where a sentinel ran;
            `raw_latency_ms` as it was read.
        sessions: how many it was estimated from; None where the record did not count them.
        session_ms: each one's median, corrected for drift; empty where the record lacks them.
        log_doubt: standard deviation of the latency's logarithm from what is not known of how the
            candidate reacts to the device's speed; it is in the interval.
        beside: the sessions as they were read, and the sentinel's: by them the latency is told
            anew whenever it is read (`search.study.usual_speed`). None where no sentinel ran, and
            in records of earlier versions.
        measurement_file: the raw samples, relative to the run directory.
    """

    latency_ms: float
    latency_low_ms: float | None = None
    latency_high_ms: float | None = None
    raw_latency_ms: float | None = None
    sessions: int | None = Field(default=None, ge=1)
    session_ms: tuple[PositiveFloat, ...] = ()
    log_doubt: float = Field(default=0.0, ge=0)
    beside: SessionsBeside | None = None
    first_run_ms: float | None = None
    load_ms: float | None = None
    peak_memory_mb: float | None = None
    max_abs_error: float | None = None
    measurement_file: str = ""

    @classmethod
    def of(cls, measurement: Measurement, measurement_file: str) -> Self:
        """What a result keeps of a measurement."""
        estimate = measurement.estimate
        return cls(
            latency_ms=estimate.latency_ms,
            latency_low_ms=estimate.latency_low_ms,
            latency_high_ms=estimate.latency_high_ms,
            raw_latency_ms=estimate.raw_latency_ms,
            sessions=estimate.sessions,
            session_ms=measurement.session_medians_ms,
            beside=SessionsBeside.of(measurement),
            first_run_ms=estimate.first_run_ms,
            load_ms=estimate.load_ms,
            peak_memory_mb=estimate.peak_memory_mb,
            max_abs_error=measurement.verification.max_abs_error,
            measurement_file=measurement_file,
        )


class ImageQuality(_Part):
    """Quality of one evaluation image, from the outputs that the device produced.

    `tiling` says how the image was cut (`models.tiling.TilePlan.describe`).
    """

    name: str
    psnr_y_db: float
    psnr_rgb_db: float
    ssim_y: float
    bicubic_psnr_y_db: float
    tiling: dict[str, object] = Field(default_factory=dict)


class PictureQuality(_Part):
    """Mean quality over the evaluation images, and each image's own.

    `origin` is that of the weights; None where the record does not say.
    """

    psnr_y_db: float
    psnr_rgb_db: float | None = None
    ssim_y: float | None = None
    bicubic_psnr_y_db: float | None = None
    origin: WeightsOrigin | None = None
    images: tuple[ImageQuality, ...] = ()

    @property
    def gain_db(self) -> float | None:
        """PSNR on Y above bicubic's, where both are known."""
        if self.bicubic_psnr_y_db is None:
            return None
        return round(self.psnr_y_db - self.bicubic_psnr_y_db, 6)


class CandidateResult(VersionedRecord):
    """Everything a study knows of one candidate on one device profile.

    Attributes:
        number: the Optuna trial that paid for it.
        status: `ok` (measured and judged), `failed` (with `reason`), or `stopped` (timed, then
            set aside before quality: a constraint is broken or the front is out of reach).
        artifact, timing, quality: None where it did not get that far.
        constraint_violations: constraint -> by how much it is exceeded (<= 0 is feasible), in
            the constraint's own unit.
    """

    kind: ClassVar[str] = "candidate-result"
    version: ClassVar[int] = 5
    # 1 and 2 were flat, config and deployment without a type; 1 knew no raw latency and did not
    # count sessions. 3 did not keep them, 4 not the sentinel's beside them.
    also_reads: ClassVar[tuple[int, ...]] = (1, 2, 3, 4)

    number: int
    config: MobileSRConfig
    deployment: Deployment
    status: Status
    reason: str = ""
    device_serial: str
    profile_key: str
    stand_in_note: str = ""
    artifact: ArtifactFacts | None = None
    timing: Timing | None = None
    quality: PictureQuality | None = None
    constraint_violations: dict[str, float] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()
    device_s: float = 0.0
    finished_at: str = ""

    @property
    def candidate(self) -> Candidate:
        """What it is the result of."""
        return Candidate(self.config, self.deployment)

    @property
    def key(self) -> str:
        """Canonical identity of the candidate."""
        return self.candidate.key

    @property
    def feasible(self) -> bool:
        """Whether every constraint that could be judged holds."""
        return all(value <= 0 for value in self.constraint_violations.values())

    @property
    def latency_ms(self) -> float | None:
        return self.timing.latency_ms if self.timing else None

    @property
    def latency_low_ms(self) -> float | None:
        return self.timing.latency_low_ms if self.timing else None

    @property
    def latency_high_ms(self) -> float | None:
        return self.timing.latency_high_ms if self.timing else None

    @property
    def peak_memory_mb(self) -> float | None:
        return self.timing.peak_memory_mb if self.timing else None

    @property
    def sessions(self) -> int:
        """Sessions that are known to stand behind the latency."""
        return (self.timing and self.timing.sessions) or 0

    @property
    def psnr_y_db(self) -> float | None:
        return self.quality.psnr_y_db if self.quality else None

    @property
    def bicubic_psnr_y_db(self) -> float | None:
        return self.quality.bicubic_psnr_y_db if self.quality else None

    @property
    def gain_db(self) -> float | None:
        """PSNR on Y above bicubic's, where both are known."""
        return self.quality.gain_db if self.quality else None

    @property
    def images(self) -> tuple[ImageQuality, ...]:
        return self.quality.images if self.quality else ()

    def same_graph(self, other: CandidateResult) -> bool:
        """Whether both are known to be one graph on one device profile, with whatever weights.

        How long it takes does not depend on them.
        """
        if self.artifact is None or other.artifact is None:
            return False
        return (self.profile_key, self.candidate, self.artifact.graph) == (
            other.profile_key, other.candidate, other.artifact.graph,
        )  # fmt: skip

    def seen_from_above(self, folder: str) -> Self:
        """The same for a reader in the folder above `folder`, the run directory it lies in."""
        if self.timing is None or not self.timing.measurement_file:
            return self
        file = f"{folder}/{self.timing.measurement_file}"
        return self.model_copy(
            update={"timing": self.timing.model_copy(update={"measurement_file": file})}
        )

    @classmethod
    def upgraded(cls, fields: dict[str, Any], version: int) -> dict[str, Any]:
        """Flat records in parts. Zero sessions meant that nobody had counted them."""
        if version >= 3:
            return fields
        flat = {name: value for name, value in fields.items() if name != "key"}
        flat["sessions"] = flat.get("sessions") or None
        parts = {
            part: {new: flat.pop(old) for old, new in names.items() if old in flat}
            for part, names in _FLAT_NAMES.items()
        }
        for part, telling in _TELLING.items():
            # Without this one the candidate never got that far: the rest are empty defaults.
            flat[part] = parts[part] if parts[part].get(telling) not in (None, "") else None
        return flat


_FLAT_NAMES: dict[str, dict[str, str]] = {
    "artifact": {
        "artifact_sha256": "sha256",
        **{name: name for name in ArtifactFacts.model_fields if name != "sha256"},
    },
    "timing": {name: name for name in Timing.model_fields},
    "quality": {name: name for name in PictureQuality.model_fields},
}
_TELLING = {"artifact": "sha256", "timing": "latency_ms", "quality": "psnr_y_db"}
