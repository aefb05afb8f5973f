"""The life of one candidate on a device, from its artifact to its result.

Latency first: a candidate that breaks a constraint, or that not even the supernet's best PSNR
could bring onto the front, is set aside before its pictures are computed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from device_runner import (
    Device,
    Gate,
    Measurement,
    MeasurementFailed,
    MeasurePlan,
    combined,
    infer,
    measure,
    measure_together,
)
from foundation.artifact import Artifact, ArtifactManifest
from models.deployment import Candidate
from models.evaluation import score_outputs
from models.images import ImagePair
from models.inference import plan_for, upscale_images
from search.candidates.sentinel import StudySentinel
from search.constraints import Constraints
from search.study.crops import CropKeeper
from search.study.records import CandidateResult, ImageQuality

# PSNR by which the bound from the supernet's largest config may be wrong before it misleads.
BOUND_MARGIN_DB = 0.1


@dataclass
class Evaluator:
    """Measures and judges artifacts on one device.

    Attributes:
        best_psnr_db: PSNR of the supernet's largest configs: what no candidate is expected to
            exceed by more than `BOUND_MARGIN_DB`. Raised when one does.
        front: (latency_ms, psnr_y_db) of the feasible candidates judged so far.
        measurements: folder for the raw samples.
        crops: keeps some of the device's pictures for the report; None keeps none.
        sentinel: the reference model to run beside each candidate; without it latencies are not
            corrected for drift.
        say: told what is being done, for a progress line.
    """

    device: Device
    plan: MeasurePlan
    pairs: Sequence[ImagePair]
    constraints: Constraints
    measurements: Path
    best_psnr_db: float
    overlap: int | None
    crops: CropKeeper | None = None
    sentinel: StudySentinel | None = None
    front: list[tuple[float, float]] = field(default_factory=list)
    say: Callable[[str], None] = lambda text: None

    def __post_init__(self) -> None:
        # One for all candidates: a phone that never cools is waited for once.
        self._gate = Gate(self.device, self.plan.cooldown_s)

    def evaluate(self, number: int, candidate: Candidate, artifact: Artifact) -> CandidateResult:
        """Push, verify, measure, judge. A candidate's failure is a result, not an exception."""
        started = time.monotonic()
        known = self._known(number, candidate, artifact.manifest)
        try:
            self.say(f"pushing {candidate.config.key}")
            self.device.push(artifact)
            self.say(f"measuring {candidate.config.key}")
            measurement = measure(
                self.device,
                artifact,
                self.plan,
                **self._beside(),
                on_progress=lambda progress: self.say(
                    f"{candidate.config.key}: {progress.next_step}"
                ),
                gate=self._gate,
            )
            known |= self._timing(number, candidate, measurement)
            reason = self._why_stop(known)
            if reason:
                known |= {"status": "stopped", "reason": reason}
            else:
                self.say(f"judging {candidate.config.key}")
                known |= self._quality(number, artifact, candidate.config.scale)
                known["constraint_violations"] |= self.constraints.violations(
                    psnr_y_db=known["psnr_y_db"]
                )
                known["status"] = "ok"
        except MeasurementFailed as error:
            known |= {"status": "failed", "reason": str(error)}
        result = CandidateResult(**known, device_s=time.monotonic() - started, finished_at=_now())
        self._remember(result)
        return result

    def sharpen(
        self, results: Sequence[CandidateResult], artifacts: Sequence[Artifact], rounds: int
    ) -> list[CandidateResult]:
        """So many more rounds of known candidates, side by side; their results made sharper.

        One that fails this time keeps the result it had.

        Raises:
            DeviceFailure: the device is in trouble; nothing has changed.
            RequestError: a measurement's file is gone or damaged.
        """
        earlier = [Measurement.load(self._file(result.number)) for result in results]
        found = measure_together(
            self.device,
            artifacts,
            # Another order each time.
            self.plan.model_copy(
                update={"sessions": rounds, "seed": max(one.sessions for one in results)}
            ),
            **self._beside(),
            verified=[one.verification for one in earlier],
            on_progress=lambda progress: self.say(f"settling the front: {progress.next_step}"),
            gate=self._gate,
        )
        return [
            result if isinstance(more, MeasurementFailed) else self._sharper(result, first, more)
            for result, first, more in zip(results, earlier, found, strict=True)
        ]

    def _beside(self) -> dict[str, Any]:
        """The sentinel and its reference, as `measure` takes them; nothing where there is none."""
        if self.sentinel is None:
            return {}
        reference = self.sentinel.reference_ms(self.device, self.plan, self.say)
        if reference is None:
            return {}
        return {"sentinel": self.sentinel.artifact, "sentinel_reference_ms": reference}

    def _sharper(
        self, result: CandidateResult, first: Measurement, more: Measurement
    ) -> CandidateResult:
        whole = combined(first, more)
        whole.save(self._file(result.number))
        facts = self._facts(whole)
        violations = result.constraint_violations | facts.pop("constraint_violations")
        return result.model_copy(update=facts | {"constraint_violations": violations})

    def failure(self, number: int, candidate: Candidate, reason: str) -> CandidateResult:
        """The result of a candidate that never became an artifact."""
        known = self._known(number, candidate, None)
        return CandidateResult(**known, status="failed", reason=reason, finished_at=_now())

    def remember(self, results: Sequence[CandidateResult]) -> None:
        """Take up the front where an earlier run left it."""
        for result in results:
            self._remember(result)

    def _remember(self, result: CandidateResult) -> None:
        if result.latency_ms is not None and result.psnr_y_db is not None:
            self.best_psnr_db = max(self.best_psnr_db, result.psnr_y_db)
            if result.feasible:
                self.front.append((result.latency_ms, result.psnr_y_db))

    def _known(
        self, number: int, candidate: Candidate, manifest: ArtifactManifest | None
    ) -> dict[str, Any]:
        profile = self.device.profile()
        known: dict[str, Any] = {
            "number": number,
            "key": candidate.key,
            "config": candidate.config.model_dump(mode="json"),
            "deployment": candidate.deployment.model_dump(mode="json"),
            "device_serial": self.device.serial,
            "profile_key": profile.key,
            "stand_in_note": profile.stand_in_note,
        }
        if manifest is not None:
            known |= {
                "artifact_sha256": manifest.sha256,
                "weights_sha256": manifest.weights_sha256,
                "parameters": manifest.parameters,
                "macs": manifest.macs,
                "size_bytes": manifest.size_bytes,
                "delegates": manifest.delegates,
                "delegated_ops": manifest.delegated_op_count,
                "undelegated_ops": manifest.undelegated_op_count,
                "export_s": manifest.export_s,
            }
        return known

    def _timing(
        self, number: int, candidate: Candidate, measurement: Measurement
    ) -> dict[str, Any]:
        path = self._file(number)
        measurement.save(path)
        return self._facts(measurement) | {"measurement_file": f"measurements/{path.name}"}

    def _file(self, number: int) -> Path:
        return self.measurements / f"trial-{number:05d}.json"

    def _facts(self, measurement: Measurement) -> dict[str, Any]:
        """What a candidate's record takes from its measurement."""
        estimate = measurement.estimate
        return {
            "latency_ms": estimate.latency_ms,
            "latency_low_ms": estimate.latency_low_ms,
            "latency_high_ms": estimate.latency_high_ms,
            "raw_latency_ms": estimate.raw_latency_ms,
            "sessions": estimate.sessions,
            "first_run_ms": estimate.first_run_ms,
            "load_ms": estimate.load_ms,
            "peak_memory_mb": estimate.peak_memory_mb,
            "max_abs_error": measurement.verification.max_abs_error,
            "flags": measurement.flags,
            "constraint_violations": self.constraints.violations(
                estimate.latency_ms, estimate.peak_memory_mb
            ),
        }

    def _why_stop(self, known: dict[str, Any]) -> str:
        broken = self.constraints.sentence(known["constraint_violations"])
        if broken:
            return broken
        bound = self.best_psnr_db + BOUND_MARGIN_DB
        for latency, psnr in self.front:
            # Its whole interval lies behind a candidate as good as any can be expected to be.
            if latency < known["latency_low_ms"] and psnr >= bound:
                return (
                    f"out of reach of the front: a candidate of {latency:.3g} ms already has "
                    f"{psnr:.2f} dB, and the supernet's best is {self.best_psnr_db:.2f} dB"
                )
        return ""

    def _quality(self, number: int, artifact: Artifact, scale: int) -> dict[str, Any]:
        run = partial(
            infer, self.device, artifact, threads=self.plan.threads, timeout_s=self.plan.timeout_s
        )
        outputs = upscale_images(
            run, artifact, [pair.lr for pair in self.pairs], overlap=self.overlap
        )
        if self.crops is not None:
            self.crops.keep(number, outputs)
        scored = score_outputs(self.pairs, outputs, scale)
        mean = scored.model
        return {
            "psnr_y_db": mean.psnr_y_db,
            "psnr_rgb_db": mean.psnr_rgb_db,
            "ssim_y": mean.ssim_y,
            "bicubic_psnr_y_db": scored.bicubic.psnr_y_db,
            "images": tuple(
                ImageQuality(
                    name=image.name,
                    psnr_y_db=image.model.psnr_y_db,
                    psnr_rgb_db=image.model.psnr_rgb_db,
                    ssim_y=image.model.ssim_y,
                    bicubic_psnr_y_db=image.bicubic.psnr_y_db,
                    tiling=plan_for(
                        artifact, pair.lr.shape[0], pair.lr.shape[1], self.overlap
                    ).describe(),
                )
                for image, pair in zip(scored.images, self.pairs, strict=True)
            ),
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
