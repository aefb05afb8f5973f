"""Measuring one artifact on one device: first whether its answer is right, then how fast it is.

`verify`, `measure` and `infer` take the device's lease themselves; a caller that wants several of
them without another process in between holds the lease around them.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from device_runner.device import MIB, Device, RunReport, RunRequest, element_count, name_of
from device_runner.errors import DeviceStorageError, InputRefusedError, MeasurementFailed
from device_runner.records import (
    Estimate,
    Measurement,
    MeasurePlan,
    Outcome,
    SessionRecord,
    Verification,
)
from device_runner.statistics import (
    MIN_SESSIONS_FOR_BOOTSTRAP,
    bootstrap_interval,
    median_of_medians,
    percentile,
)
from foundation import Artifact

# An interval wider than this share of the latency cannot tell neighbouring candidates apart.
NOISY_RELATIVE_WIDTH = 0.10

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Progress:
    """How far a measurement is: `done` of `total` launches, and what comes next."""

    done: int
    total: int
    next_step: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _demand_ok(report: RunReport) -> RunReport:
    if report.outcome is not Outcome.OK:
        raise MeasurementFailed(report.message, report=report)
    return report


def verify(device: Device, artifact: Artifact, *, threads: int, timeout_s: float) -> Verification:
    """Run the artifact's check input on the device and compare with eager PyTorch's answer.

    A wrong answer is a result here, not an error: see `Verification.passed`.

    Raises:
        MeasurementFailed: the run did not end well; `report` holds the outcome.
        foundation.DeviceFailure: the device is in trouble.
    """
    return _verify(device, artifact, MeasurePlan(threads=threads, timeout_s=timeout_s))[0]


def _verify(
    device: Device, artifact: Artifact, plan: MeasurePlan
) -> tuple[Verification, RunReport]:
    with (
        tempfile.TemporaryDirectory(prefix="mobilesr-verify-") as folder,
        device.lease(plan.lease_wait_s),
    ):
        report = _demand_ok(
            device.run(
                RunRequest(
                    artifact=artifact,
                    inputs=(artifact.check_input_path,),
                    output_dir=Path(folder),
                    threads=plan.threads,
                    timeout_s=plan.timeout_s,
                    memory_limit_mb=plan.memory_limit_mb,
                    cpus=plan.cpus,
                )
            )
        )
        found = np.fromfile(report.outputs[0], "<f4")
    expected = np.fromfile(artifact.check_output_path, "<f4")
    if expected.size != found.size:
        raise InputRefusedError(
            f"{artifact.check_output_path} holds {expected.size} numbers, the device returned "
            f"{found.size}: export the candidate again"
        )
    return _compare(found, expected, artifact.manifest.check_tolerance), report


def _compare(found: np.ndarray, expected: np.ndarray, tolerance: float) -> Verification:
    with np.errstate(invalid="ignore", over="ignore"):
        error = float(np.max(np.abs(found.astype(np.float64) - expected.astype(np.float64))))
    if not math.isfinite(error):
        error = math.inf
    return Verification(max_abs_error=error, tolerance=tolerance, passed=error <= tolerance)


def measure(
    device: Device,
    artifact: Artifact,
    plan: MeasurePlan,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    clock: Clock = _utc_now,
) -> Measurement:
    """Verify the artifact on the device, then time it in `plan.sessions` launches.

    Raises:
        MeasurementFailed: the output is wrong (nothing is timed then; `verification` says by
            how much), or a launch did not end well (`report.outcome` says how).
        foundation.DeviceFailure: the device is in trouble, or busy.
    """
    tell = on_progress or (lambda progress: None)
    started_at = clock()
    with device.lease(plan.lease_wait_s):
        tell(Progress(0, plan.sessions + 1, "verifying the output"))
        verification, report = _verify(device, artifact, plan)
        if not verification.passed:
            raise MeasurementFailed(
                f"{name_of(artifact)} answers wrongly on device {device.serial}: it differs from "
                f"eager PyTorch by {verification.max_abs_error:.3g}, allowed is "
                f"{verification.tolerance:.3g}; nothing was timed",
                report=report,
                verification=verification,
            )
        request = RunRequest(
            artifact=artifact,
            inputs=(artifact.check_input_path,),
            threads=plan.threads,
            timing=plan.timing,
            timeout_s=plan.timeout_s,
            memory_limit_mb=plan.memory_limit_mb,
            cpus=plan.cpus,
        )
        sessions = _run_sessions(device, request, plan.sessions, tell)
        profile = device.profile()
    estimate = estimate_of(sessions, confidence=plan.confidence, seed=plan.seed)
    return Measurement(
        candidate_key=artifact.manifest.candidate_key,
        artifact_sha256=artifact.manifest.sha256,
        device=profile,
        serial=device.serial,
        verification=verification,
        sessions=tuple(sessions),
        estimate=estimate,
        flags=flags_of(profile.kind, sessions, estimate, plan.threads),
        threads=sessions[0].threads,
        plan=plan,
        started_at=started_at,
        finished_at=clock(),
    )


def _run_sessions(
    device: Device, request: RunRequest, count: int, tell: Callable[[Progress], None]
) -> list[SessionRecord]:
    sessions: list[SessionRecord] = []
    for number in range(1, count + 1):
        tell(Progress(number, count + 1, f"session {number} of {count}"))
        session = _demand_ok(device.run(request)).session
        assert session is not None
        sessions.append(session)
    tell(Progress(count + 1, count + 1, "done"))
    return sessions


def estimate_of(
    sessions: Sequence[SessionRecord], *, confidence: float = 0.95, seed: int = 0
) -> Estimate:
    """What the sessions say together. Raises `ValueError` where nothing was timed."""
    times_ms = [[ns / 1e6 for ns in session.iteration_ns] for session in sessions]
    pooled = [time for session in times_ms for time in session]
    interval = bootstrap_interval(
        [session.median_ms for session in sessions], confidence=confidence, seed=seed
    )
    return Estimate(
        latency_ms=median_of_medians(times_ms),
        latency_low_ms=interval.low,
        latency_high_ms=interval.high,
        p10_ms=percentile(pooled, 10),
        p90_ms=percentile(pooled, 90),
        first_run_ms=percentile([session.first_run_ms for session in sessions], 50),
        load_ms=percentile([session.load_ms for session in sessions], 50),
        peak_memory_mb=percentile([session.peak_memory_mb for session in sessions], 50),
        sessions=len(sessions),
        iterations=len(pooled),
    )


def flags_of(
    kind: str, sessions: Sequence[SessionRecord], estimate: Estimate, threads: int
) -> tuple[str, ...]:
    """What a reader must know before trusting the estimate; each flag by a stated rule."""
    width = estimate.latency_high_ms - estimate.latency_low_ms
    rules = {
        # The device is not a phone.
        kind: kind != "phone",
        # The interval is wider than NOISY_RELATIVE_WIDTH of the latency.
        "noisy": width > NOISY_RELATIVE_WIDTH * estimate.latency_ms,
        # The interval is the range of one or two sessions.
        "few_sessions": len(sessions) < MIN_SESSIONS_FOR_BOOTSTRAP,
        # Some session's warm-up reached its bound before the averages agreed.
        "warmup_unsettled": not all(session.warmup_settled for session in sessions),
        # The pool did not take the number of threads that was asked for.
        "threads_differ": any(session.threads != threads for session in sessions),
        # Peak memory may include what lay there before the model was loaded.
        "peak_memory_inexact": not all(session.peak_reset for session in sessions),
    }
    return tuple(name for name, holds in rules.items() if holds)


def infer(
    device: Device,
    artifact: Artifact,
    inputs: Sequence[np.ndarray],
    *,
    threads: int,
    timeout_s: float,
) -> list[np.ndarray]:
    """Run images through the artifact in one launch.

    Each input is float32 of the artifact's input shape, e.g. (1, 3, h, w); each answer is uint8
    without the batch dimension, (3, H, W), clamped and rounded on the device.

    Raises:
        InputRefusedError: an input of another shape or type.
        MeasurementFailed: the run did not end well; `report` holds the outcome.
        foundation.DeviceFailure: the device is in trouble.
    """
    if not inputs:
        return []
    wanted = artifact.manifest.inputs[0].shape
    for index, image in enumerate(inputs):
        if image.shape != wanted or image.dtype != np.float32:
            raise InputRefusedError(
                f"input {index} is {image.dtype} of shape {image.shape}, "
                f"{name_of(artifact)} takes float32 of shape {wanted}"
            )
    shape = artifact.manifest.outputs[0].shape
    with tempfile.TemporaryDirectory(prefix="mobilesr-infer-") as name, device.lease():
        folder = Path(name)
        report = _demand_ok(
            device.run(
                RunRequest(
                    artifact=artifact,
                    inputs=_write_inputs(folder, inputs),
                    output_dir=folder / "out",
                    output_dtype="uint8",
                    threads=threads,
                    timeout_s=timeout_s,
                )
            )
        )
        return [_read_output(path, shape) for path in report.outputs]


def _write_inputs(folder: Path, inputs: Sequence[np.ndarray]) -> tuple[Path, ...]:
    paths = tuple(folder / f"in-{index}.bin" for index in range(len(inputs)))
    try:
        for path, image in zip(paths, inputs, strict=True):
            image.astype("<f4", copy=False).tofile(path)
    except OSError as error:
        size_mb = sum(image.nbytes for image in inputs) / MIB
        raise DeviceStorageError(
            f"{len(inputs)} images of together {size_mb:.0f} MB do not fit into {folder.parent}: "
            "free some space, or set TMPDIR"
        ) from error
    return paths


def _read_output(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    values = np.fromfile(path, np.uint8)
    if values.size != element_count(shape):
        raise DeviceStorageError(f"{path} holds {values.size} bytes, not {element_count(shape)}")
    return values.reshape(shape[1:] if len(shape) == 4 and shape[0] == 1 else shape)
