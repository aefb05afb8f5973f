"""Whether a device answers as eager PyTorch does, before anything is timed."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

from device_runner.device import Device
from device_runner.errors import InputRefusedError, MeasurementFailed
from device_runner.launching.checks import name_of
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.measuring.precision import explained
from device_runner.records import MeasurePlan, Outcome, Verification
from foundation import Artifact
from foundation.artifact import RAW_TYPES


def demand_ok(report: RunReport) -> RunReport:
    """The report of a launch that ended well. Raises `MeasurementFailed` for any other."""
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


def demand_right(device: Device, artifact: Artifact, plan: MeasurePlan) -> Verification:
    """Verify, and refuse to go on with a wrong answer.

    Raises:
        MeasurementFailed: the run did not end well, or the answer is wrong (`verification`).
        foundation.DeviceFailure: the device is in trouble.
    """
    verification, report = _verify(device, artifact, plan)
    if verification.passed:
        return verification
    raise MeasurementFailed(
        f"{name_of(artifact)} answers wrongly on device {device.serial}: it differs from "
        f"eager PyTorch by {verification.max_abs_error:.3g}, allowed is "
        f"{verification.tolerance:.3g}; nothing was timed",
        report=report,
        verification=verification,
    )


def _verify(
    device: Device, artifact: Artifact, plan: MeasurePlan
) -> tuple[Verification, RunReport]:
    with (
        tempfile.TemporaryDirectory(prefix="mobilesr-verify-") as folder,
        device.lease(plan.lease_wait_s),
    ):
        report = demand_ok(
            explained(
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
                ),
                artifact,
            )
        )
        raw_type = RAW_TYPES[artifact.manifest.outputs[0].dtype]
        found = np.fromfile(report.outputs[0], raw_type)
    expected = np.fromfile(artifact.check_output_path, raw_type)
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
