"""The sentinel of a study: the model it runs beside every candidate, and what it once took."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from device_runner import Device, MeasurementFailed, MeasurePlan, measure
from foundation.artifact import Artifact
from foundation.records import VersionedRecord

# The reference is a scale all of the study's latencies share: it need not be narrow.
REFERENCE_SESSIONS = 5
FILE_NAME = "sentinel.json"


class SentinelReference(VersionedRecord):
    """What the sentinel took on this profile when the study began, in ms."""

    kind: ClassVar[str] = "sentinel-reference"
    version: ClassVar[int] = 1

    artifact_sha256: str
    profile_key: str
    threads: int
    reference_ms: float = Field(gt=0)


def reference_ms(
    folder: Path,
    device: Device,
    sentinel: Artifact,
    plan: MeasurePlan,
    say: Callable[[str], None] = lambda text: None,
) -> float | None:
    """The study's reference in ms: read back from `folder`, or measured now and kept there.

    None where the sentinel does not run on this device, which is said: a study may go on without
    correction. A reference of another sentinel, profile or thread count is measured anew.

    Raises:
        foundation.DeviceFailure: the device is in trouble.
        RequestError: the file is damaged, or cannot be written.
    """
    path = folder / FILE_NAME
    profile_key = device.profile().key
    if path.is_file():
        known = SentinelReference.load(path)
        found = (known.artifact_sha256, known.profile_key, known.threads)
        if found == (sentinel.manifest.sha256, profile_key, plan.threads):
            return known.reference_ms
    say("timing the sentinel, by which drift is corrected")
    try:
        measured = measure(
            device, sentinel, plan.model_copy(update={"sessions": REFERENCE_SESSIONS})
        )
    except MeasurementFailed as error:
        say(f"the sentinel does not run here ({error}): latencies are not corrected for drift")
        return None
    reference = SentinelReference(
        artifact_sha256=sentinel.manifest.sha256,
        profile_key=profile_key,
        threads=plan.threads,
        reference_ms=measured.estimate.latency_ms,
    )
    reference.save(path)
    return reference.reference_ms
