"""The sentinel of a study: the model it runs beside every candidate, and what it once took."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
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


@dataclass
class StudySentinel:
    """The sentinel's artifact and, once it was timed, its reference; for all devices of a study.

    The reference is kept in `folder`, so that a resumed study goes on with it.
    """

    artifact: Artifact
    folder: Path

    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reference_ms(
        self, device: Device, plan: MeasurePlan, say: Callable[[str], None] = lambda text: None
    ) -> float | None:
        """The study's reference in ms: read back, or measured now and kept.

        None where the sentinel does not run on this device, which is said: a study may go on
        without correction. A reference of another sentinel, profile or thread count is measured
        anew.

        Raises:
            foundation.DeviceFailure: the device is in trouble.
            RequestError: the file is damaged, or cannot be written.
        """
        path, profile_key = self.folder / FILE_NAME, device.profile().key
        with self._lock:
            if path.is_file():
                known = SentinelReference.load(path)
                found = (known.artifact_sha256, known.profile_key, known.threads)
                if found == (self.artifact.manifest.sha256, profile_key, plan.threads):
                    return known.reference_ms
            say("timing the sentinel, by which drift is corrected")
            try:
                measured = measure(
                    device, self.artifact, plan.model_copy(update={"sessions": REFERENCE_SESSIONS})
                )
            except MeasurementFailed as error:
                say(f"the sentinel does not run here ({error}): no correction for drift")
                return None
            reference = SentinelReference(
                artifact_sha256=self.artifact.manifest.sha256,
                profile_key=profile_key,
                threads=plan.threads,
                reference_ms=measured.estimate.latency_ms,
            )
            reference.save(path)
            return reference.reference_ms
