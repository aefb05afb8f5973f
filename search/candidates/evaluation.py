"""The life of one candidate on a device, from its artifact to its result.

Latency first: a candidate that breaks a constraint, or that not even the supernet's best PSNR
could bring onto the front, is set aside before its pictures are computed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
from device_runner.flags import Flag
from foundation.artifact import Artifact
from foundation.wording import amount
from models.deployment import Candidate
from models.evaluation import score_outputs
from models.images import ImagePair
from models.inference import plan_for, upscale_images
from models.origin import WeightsOrigin
from search.constraints import Constraints
from search.study.crops import CropKeeper
from search.study.records import (
    ArtifactFacts,
    CandidateResult,
    ImageQuality,
    PictureQuality,
    Status,
    Timing,
)
from search.study.usual_speed import StudySpeeds, at_usual_speed

# PSNR by which the bound from the supernet's largest config may be wrong before it misleads.
BOUND_MARGIN_DB = 0.1


@dataclass
class Evaluator:
    """Measures and judges artifacts on one device.

    Attributes:
        best_psnr_db: PSNR of the supernet's largest configs: what no candidate is expected to
            exceed by more than `BOUND_MARGIN_DB`. Raised when one does.
        origin: of the artifacts' weights; goes with each PSNR.
        measurements: folder for the raw samples.
        sets_aside: whether what breaks a limit or cannot reach the front is not judged.
        crops: keeps some of the device's pictures for the report; None keeps none.
        sentinel: the reference model to run beside each candidate; without it latencies are not
            corrected for drift. What it takes on a device as it usually was is found in the
            results that are known (`search.study.usual_speed`): by the first candidate, in its own.
        say: told what is being done, for a progress line.
    """

    device: Device
    plan: MeasurePlan
    pairs: Sequence[ImagePair]
    constraints: Constraints
    measurements: Path
    best_psnr_db: float
    overlap: int | None
    origin: WeightsOrigin | None = None
    sets_aside: bool = True
    crops: CropKeeper | None = None
    sentinel: Artifact | None = None
    say: Callable[[str], None] = lambda text: None

    def __post_init__(self) -> None:
        # One for all candidates: a phone that never cools is waited for once.
        self._gate = Gate(self.device, self.plan.cooldown_s)
        # Of each artifact the last, in the order they came in.
        self._known: dict[str, CandidateResult] = {}

    @property
    def front(self) -> list[tuple[float, float]]:
        """(latency_ms, psnr_y_db) of the feasible candidates judged so far, for one speed."""
        return [
            (result.latency_ms, result.psnr_y_db)
            for result in at_usual_speed(list(self._known.values()))
            if result.feasible and result.latency_ms is not None and result.psnr_y_db is not None
        ]

    def evaluate(self, number: int, candidate: Candidate, artifact: Artifact) -> CandidateResult:
        """Push, verify, measure, judge. A candidate's failure is a result, not an exception."""
        started = time.monotonic()
        found = self._found_out(number, candidate, artifact)
        facts = ArtifactFacts.of(artifact.manifest)
        result = self._result(number, candidate, found, facts, time.monotonic() - started)
        self._remember(result)
        return result

    def failure(self, number: int, candidate: Candidate, reason: str) -> CandidateResult:
        """The result of a candidate that never became an artifact."""
        return self._result(number, candidate, _FoundOut("failed", reason))

    def _found_out(self, number: int, candidate: Candidate, artifact: Artifact) -> _FoundOut:
        """What the device says about a candidate, as far as it gets."""
        found = _FoundOut("failed")
        try:
            measurement = self._measured(number, candidate, artifact)
            found = self._timed(number, candidate, artifact, measurement)
            reason = self._why_stop(found)
            if reason:
                return replace(found, status="stopped", reason=reason)
            self.say(f"judging {candidate.config.key}")
            quality = self._quality(number, artifact, candidate.config.scale)
        except MeasurementFailed as error:
            return replace(found, status="failed", reason=str(error))
        broken = self.constraints.violations(psnr_y_db=quality.psnr_y_db)
        return replace(found, status="ok", quality=quality, violations=found.violations | broken)

    def _measured(self, number: int, candidate: Candidate, artifact: Artifact) -> Measurement:
        name = candidate.config.key
        self.say(f"pushing {name}")
        self.device.push(artifact)
        self.say(f"measuring {name}")
        return measure(
            self.device,
            artifact,
            # An order of its own for each candidate, and the same again for the same study.
            self.plan.model_copy(update={"seed": self.plan.seed + number}),
            **self._beside(),
            on_progress=lambda progress: self.say(f"{name}: {progress.next_step}"),
            gate=self._gate,
        )

    def _timed(
        self, number: int, candidate: Candidate, artifact: Artifact, measurement: Measurement
    ) -> _FoundOut:
        """Keep the raw samples; what they come to at the speed that all show."""
        file = self._file(number)
        measurement.save(file)
        timing = Timing.of(measurement, f"measurements/{file.name}")
        found = _FoundOut(
            "failed",
            timing=timing,
            violations=self.constraints.violations(timing.latency_ms, timing.peak_memory_mb),
            flags=measurement.flags,
        )
        result = self._result(number, candidate, found, ArtifactFacts.of(artifact.manifest))
        told = self._speeds_with(result).told(result)
        return replace(
            found, timing=told.timing, violations=told.constraint_violations, flags=told.flags
        )

    def _speeds_with(self, *results: CandidateResult) -> StudySpeeds:
        """The speeds that all known show, these results in the place of what they replace."""
        return StudySpeeds(list((self._known | {_place_of(one): one for one in results}).values()))

    def _result(
        self,
        number: int,
        candidate: Candidate,
        found: _FoundOut,
        artifact: ArtifactFacts | None = None,
        device_s: float = 0.0,
    ) -> CandidateResult:
        profile = self.device.profile()
        return CandidateResult(
            number=number,
            config=candidate.config,
            deployment=candidate.deployment,
            status=found.status,
            reason=found.reason,
            device_serial=self.device.serial,
            profile_key=profile.key,
            stand_in_note=profile.stand_in_note,
            artifact=artifact,
            timing=found.timing,
            quality=found.quality,
            constraint_violations=found.violations,
            flags=found.flags,
            device_s=device_s,
            finished_at=_now(),
        )

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
            result
            if isinstance(more, MeasurementFailed)
            else self._sharper(result, artifact, combined(first, more))
            for result, artifact, first, more in zip(
                results, artifacts, earlier, found, strict=True
            )
        ]

    def time_anew(self, result: CandidateResult, artifact: Artifact) -> CandidateResult:
        """A known candidate with the timing of fresh sessions alone; it is not remembered.

        Raises:
            MeasurementFailed: it gave no measurement this time.
            DeviceFailure: the device is in trouble.
        """
        measurement = self._measured(result.number, result.candidate, artifact)
        found = self._timed(result.number, result.candidate, artifact, measurement)
        return result.model_copy(
            update={
                "timing": found.timing,
                "flags": found.flags,
                "constraint_violations": result.constraint_violations | found.violations,
                "finished_at": _now(),
            }
        )

    def _beside(self) -> dict[str, Any]:
        """The sentinel and its reference, as `measure` takes them; nothing where there is none."""
        if self.sentinel is None:
            return {}
        reference_ms = self._speeds_with().reference_ms(
            self.device.profile().key, self.sentinel.manifest.sha256, self.plan.threads
        )
        return {"sentinel": self.sentinel, "sentinel_reference_ms": reference_ms}

    def _sharper(
        self, result: CandidateResult, artifact: Artifact, measurement: Measurement
    ) -> CandidateResult:
        found = self._timed(result.number, result.candidate, artifact, measurement)
        # No measurement tells it: it happened to the candidate.
        lost = [flag for flag in result.flags if flag == Flag.DEVICE_LOST]
        sharper = result.model_copy(
            update={
                "timing": found.timing,
                "flags": tuple(dict.fromkeys((*found.flags, *lost))),
                "constraint_violations": result.constraint_violations | found.violations,
            }
        )
        self._remember(sharper)
        return sharper

    def why_stop(self, result: CandidateResult) -> str:
        """Why a timed result is set aside, by all that is known now; empty where it is not."""
        return self._why_stop(
            _FoundOut("failed", timing=result.timing, violations=result.constraint_violations)
        )

    def remember(self, results: Sequence[CandidateResult]) -> None:
        """Take up the front where an earlier run left it."""
        for result in results:
            self._remember(result)

    def _remember(self, result: CandidateResult) -> None:
        self._known[_place_of(result)] = result
        if result.latency_ms is not None and result.psnr_y_db is not None:
            self.best_psnr_db = max(self.best_psnr_db, result.psnr_y_db)

    def _file(self, number: int) -> Path:
        return self.measurements / f"trial-{number:05d}.json"

    def _why_stop(self, found: _FoundOut) -> str:
        memory_mb = found.timing.peak_memory_mb if found.timing else None
        broken = self.constraints.sentence(found.violations) if self.sets_aside else ""
        if broken or (broken := self.constraints.unjudged(memory_mb)):
            return broken
        if not self.sets_aside:
            return ""
        bound = self.best_psnr_db + BOUND_MARGIN_DB
        fastest = found.timing.latency_low_ms if found.timing else None
        for latency, psnr in self.front:
            # Its whole interval lies behind a candidate as good as any can be expected to be.
            if fastest is not None and latency < fastest and psnr >= bound:
                return (
                    f"out of reach of the front: a candidate of {amount(latency)} ms already has "
                    f"{psnr:.2f} dB, and the supernet's best is {self.best_psnr_db:.2f} dB"
                )
        return ""

    def _quality(self, number: int, artifact: Artifact, scale: int) -> PictureQuality:
        run = partial(
            infer, self.device, artifact, threads=self.plan.threads, timeout_s=self.plan.timeout_s
        )
        outputs = upscale_images(
            run, artifact, [pair.lr for pair in self.pairs], overlap=self.overlap
        )
        if self.crops is not None:
            self.crops.keep(number, outputs)
        scored = score_outputs(self.pairs, outputs, scale)
        return PictureQuality(
            psnr_y_db=scored.model.psnr_y_db,
            psnr_rgb_db=scored.model.psnr_rgb_db,
            ssim_y=scored.model.ssim_y,
            bicubic_psnr_y_db=scored.bicubic.psnr_y_db,
            origin=self.origin,
            images=tuple(
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
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _place_of(result: CandidateResult) -> str:
    """A finetuned candidate is another artifact than the slice of the same trial."""
    return result.artifact.sha256 if result.artifact else f"trial {result.number}"


@dataclass(frozen=True)
class _FoundOut:
    """A candidate's standing on one device, and the parts of its result that are known so far."""

    status: Status
    reason: str = ""
    timing: Timing | None = None
    quality: PictureQuality | None = None
    violations: dict[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
