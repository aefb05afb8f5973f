"""What an artifact's numbers mean on a device that cannot compute in them, or only emulates it."""

from __future__ import annotations

from dataclasses import replace

from device_runner.flags import Flag
from device_runner.launching.launches import RunReport
from device_runner.records import DeviceProfile, Outcome
from foundation import Artifact

# What a runner says that knows no other type.
_OLD_RUNNER = "does not take one float32 tensor"


def precision_of(artifact: Artifact) -> str:
    """`fp32`, `fp16` or `int8`; an artifact that does not tell is fp32."""
    return str(artifact.manifest.deployment.get("precision", "fp32"))


def precision_flags(artifact: Artifact, profile: DeviceProfile) -> tuple[Flag, ...]:
    """Whether the times of this precision mean anything there."""
    emulated = precision_of(artifact) == "fp16" and profile.abi.startswith("x86")
    return (Flag.FP16_EMULATED,) if emulated else ()


def explained(report: RunReport, artifact: Artifact) -> RunReport:
    """The report, with the likely reason where a file in fp16, or of uint8, could not be loaded."""
    if report.outcome is not Outcome.BAD_FILE:
        return report
    if artifact.manifest.takes_pixels and _OLD_RUNNER in report.message:
        return replace(
            report,
            message=f"{report.message}; this runner is older than models that take uint8: make its "
            "bundle anew with 'mobilesr-tune runner build', or export with --io float",
        )
    if precision_of(artifact) != "fp16":
        return report
    return replace(
        report,
        message=f"{report.message}; precision fp16 needs a processor with float16 arithmetic "
        "(ARMv8.2 on, x86-64 with AVX2): export it in fp32 or int8 for this device",
    )
