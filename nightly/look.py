"""One look at models on one device: interleaved sessions beside the sentinel, then pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from device_runner import Device, Measurement, MeasurementFailed, MeasurePlan, Progress, infer
from device_runner.measuring import measure_together
from foundation.artifact import Artifact
from models.evaluation import score_outputs
from models.export_pool import Export
from models.images import ImagePair
from models.inference import upscale_images
from nightly.records import OK, Observation, SeriesKey
from nightly.rounds import Row, corrected_ms

EXPORT_FAILED = "export_failed"
WRONG_OUTPUT = "wrong_output"
# Pictures to judge PSNR by, for each scale.
Pairs = Mapping[int, Sequence[ImagePair]]
NO_PAIRS: Pairs = {}


@dataclass(frozen=True)
class Look:
    """What one look found.

    Attributes:
        observations: one a model, in the order of the artifacts.
        sentinel_ms: the sentinel's median over its sessions; None where there was none.
        session_s: seconds that a session took at the median, launches' own overhead included.
    """

    observations: dict[str, Observation]
    sentinel_ms: float | None
    session_s: float | None
    flags: tuple[str, ...]


def look(
    device: Device,
    artifacts: Mapping[str, Export],
    plan: MeasurePlan,
    *,
    condition: str,
    attempt: int,
    sentinel: Artifact | None,
    sentinel_reference_ms: float | None,
    pairs: Pairs = NO_PAIRS,
    without_pictures: frozenset[str] = frozenset(),
    on_progress: Callable[[Progress], None] | None = None,
) -> Look:
    """Measure every model once in each round, then have each upscale the pictures.

    A model that cannot be exported, crashes or answers wrongly is an observation.

    Raises:
        foundation.DeviceFailure: the device is in trouble; nothing is returned.
    """
    names = [name for name, export in artifacts.items() if isinstance(export, Artifact)]
    ready = [export for export in artifacts.values() if isinstance(export, Artifact)]
    observations = {
        name: Observation(
            SeriesKey(name, device.serial, condition), attempt, EXPORT_FAILED, message=export
        )
        for name, export in artifacts.items()
        if isinstance(export, str)
    }
    started_s = device.clock.monotonic_s()
    with device.lease(plan.lease_wait_s):
        found = measure_together(
            device, ready, plan, sentinel=sentinel, sentinel_reference_ms=sentinel_reference_ms,
            on_progress=on_progress,
        ) if ready else []  # fmt: skip
        launches = plan.sessions * len(ready)
        session_s = (device.clock.monotonic_s() - started_s) / launches if launches else None
        latencies = _latencies_ms(found)
        for name, artifact, one, ms in zip(names, ready, found, latencies, strict=True):
            key = SeriesKey(name, device.serial, condition)
            pictures = () if name in without_pictures else pairs.get(scale_of(artifact), ())
            observations[name] = _observation(
                key, attempt, artifact, one, ms, device, plan, pictures
            )
    measured = [one for one in found if isinstance(one, Measurement)]
    tracks = [one.sentinel for one in measured if one.sentinel is not None]
    return Look(
        {name: observations[name] for name in artifacts},
        float(np.median(tracks[0].median_ms)) if tracks else None,
        session_s,
        tuple(dict.fromkeys(flag for one in measured for flag in one.flags)),
    )


def _observation(
    key: SeriesKey,
    attempt: int,
    artifact: Artifact,
    found: Measurement | MeasurementFailed,
    latency_ms: tuple[float, ...],
    device: Device,
    plan: MeasurePlan,
    pairs: Sequence[ImagePair],
) -> Observation:
    manifest = artifact.manifest
    readings: dict[str, tuple[float, ...]] = {}
    try:
        if isinstance(found, MeasurementFailed):
            raise found
        readings = _readings(found, latency_ms)
        if manifest.delegated_share is not None:
            readings["delegation"] = (100.0 * manifest.delegated_share,)  # the metric is in %
        if pairs:
            readings["psnr"] = (_psnr_y_db(device, artifact, plan, pairs),)
    except MeasurementFailed as error:
        outcome = WRONG_OUTPUT if error.verification is not None else str(error.report.outcome)
        return Observation(
            key, attempt, outcome, str(error), manifest.sha256, manifest.candidate_key,
            readings=readings,
        )  # fmt: skip
    return Observation(
        key, attempt, OK, "", manifest.sha256, manifest.candidate_key, found.flags, readings
    )


def _latencies_ms(
    found: Sequence[Measurement | MeasurementFailed],
) -> list[tuple[float, ...]]:
    """Each one's sessions without the device's drift; nothing for what failed."""
    measured = [one for one in found if isinstance(one, Measurement)]
    track = next((one.sentinel for one in measured if one.sentinel is not None), None)
    together = None if track is None else corrected_ms(
        [
            Row(tuple(slot.round for slot in one.slots), tuple(s.median_ms for s in one.sessions))
            for one in measured
        ],
        Row(track.rounds, track.median_ms),
        track.reference_ms,
    )  # fmt: skip
    rows = iter([one.session_medians_ms for one in measured] if together is None else together)
    return [next(rows) if isinstance(one, Measurement) else () for one in found]


def _readings(found: Measurement, latency_ms: tuple[float, ...]) -> dict[str, tuple[float, ...]]:
    return {
        "latency": latency_ms,
        "first_run": tuple(session.first_run_ms for session in found.sessions),
        # A model that adds less than a page is a model that adds nothing measurable.
        "memory": tuple(max(session.peak_memory_mb, 0.01) for session in found.sessions),
    }


def scale_of(artifact: Artifact) -> int:
    """The upscaling factor, by the manifest's shapes."""
    return artifact.manifest.outputs[0].shape[-1] // artifact.manifest.inputs[0].shape[-1]


def _psnr_y_db(
    device: Device, artifact: Artifact, plan: MeasurePlan, pairs: Sequence[ImagePair]
) -> float:
    """Mean over the pictures, from what the device itself computed."""
    scale = scale_of(artifact)
    run = partial(infer, device, artifact, threads=plan.threads, timeout_s=plan.timeout_s)
    outputs = upscale_images(run, artifact, [pair.lr for pair in pairs])
    return score_outputs(pairs, outputs, scale).model.psnr_y_db
