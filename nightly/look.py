"""One look at models on one device: interleaved sessions beside the sentinel, then pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np

from device_runner import Device, Measurement, MeasurementFailed, MeasurePlan, infer
from device_runner.measuring import measure_together
from foundation.artifact import Artifact
from foundation.wording import count_of
from models.evaluation import score_outputs
from models.export_process import Export
from models.images import ImagePair
from models.inference import upscale_images
from nightly.listener import NightListener
from nightly.metrics import FIRST_RUN, LATENCY, MEMORY
from nightly.records import OK, Observation, SeriesKey
from nightly.rounds import Row, carried_ms, corrected_ms

EXPORT_FAILED = "export_failed"
WRONG_OUTPUT = "wrong_output"
# Pictures to judge PSNR by, for each scale.
Pairs = Mapping[int, Sequence[ImagePair]]
# Suspects are few: their second look takes so many times the sessions of the first.
SECOND_LOOK = 2


@dataclass(frozen=True)
class Look:
    """What one look found.

    Attributes:
        observations: one a model, in the order of the artifacts.
        sentinel_ms: the sentinel's median over its sessions; None where there was none.
        session_s: seconds that a session took at the median, launches' own overhead included.
        not_told: titles of the metrics that the runner there does not tell of every model.
    """

    observations: dict[str, Observation]
    sentinel_ms: float | None = None
    session_s: float | None = None
    flags: tuple[str, ...] = ()
    not_told: tuple[str, ...] = ()


class Looks(Protocol):
    """What a night's turn asks of whoever measures: see `nightly.turn.DeviceTurn`."""

    def first(self) -> Look:
        """At every model. Raises `foundation.DeviceFailure`."""

    def again(self, models: Sequence[str]) -> Look:
        """At suspects, in `SECOND_LOOK` times the sessions. Raises `foundation.DeviceFailure`."""


@dataclass
class DeviceLooks:
    """Looks at models on one open device under one condition.

    A model that cannot be exported, crashes or answers wrongly is an observation.

    Attributes:
        models: what to measure by name, or the sentence why it could not be exported.
        plan: of the first look.
        night: seeds the order of the sessions.
        sentinel_reference_ms: what latencies are held against; the first look sets it where
            nothing was known.
        pairs: pictures to judge PSNR by, for each scale.
        without_pictures: models of whose pictures nothing is asked.
        again_after_s: how long to wait with the second look, without the device's lease.
    """

    device: Device
    condition: str
    models: Mapping[str, Export]
    plan: MeasurePlan
    night: int
    sentinel: Artifact | None = None
    sentinel_reference_ms: float | None = None
    pairs: Pairs = field(default_factory=dict)
    without_pictures: frozenset[str] = frozenset()
    again_after_s: float = 0.0
    listener: NightListener = field(default_factory=NightListener)

    def first(self) -> Look:
        """At every model; see `Looks`."""
        self.listener.stage(
            f"measuring {count_of(len(self.models), 'model')} on {self.device.serial}"
        )
        found = self._look(list(self.models), 0, self.plan.sessions)
        if self.sentinel_reference_ms is None:
            self.sentinel_reference_ms = found.sentinel_ms
        return found

    def again(self, models: Sequence[str]) -> Look:
        """At suspects; see `Looks`."""
        if self.again_after_s:
            self.listener.stage(
                f"a second look at {', '.join(models)} on {self.device.serial} in "
                f"{self.again_after_s / 60:.0f} minutes"
            )
            self.device.clock.sleep(self.again_after_s)
        self.listener.stage(f"a second look at {', '.join(models)} on {self.device.serial}")
        return self._look(models, 1, SECOND_LOOK * self.plan.sessions)

    def _look(self, models: Sequence[str], attempt: int, sessions: int) -> Look:
        """Every model once in each round beside the sentinel, then have each upscale pictures."""
        exports = {name: self.models[name] for name in models}
        ready = {name: one for name, one in exports.items() if isinstance(one, Artifact)}
        observations = {
            name: Observation(self._key(name), attempt, EXPORT_FAILED, message=export)
            for name, export in exports.items()
            if isinstance(export, str)
        }
        plan = self.plan.model_copy(update={"sessions": sessions, "seed": 2 * self.night + attempt})
        clock = self.device.clock
        found: list[Measurement | MeasurementFailed] = []
        with self.device.lease(plan.lease_wait_s):
            # Waiting for another user of the device is no part of what a session takes.
            started_s = clock.monotonic_s()
            if ready:
                found = measure_together(
                    self.device,
                    list(ready.values()),
                    plan,
                    sentinel=self.sentinel,
                    on_progress=self.listener.progress,
                )
            launches = sessions * len(ready)
            session_s = (clock.monotonic_s() - started_s) / launches if launches else None
            latencies = _latencies_ms(found, self.sentinel_reference_ms)
            for (name, artifact), one, ms in zip(ready.items(), found, latencies, strict=True):
                observations[name] = self._observation(name, attempt, artifact, one, ms)
        measured = [one for one in found if isinstance(one, Measurement)]
        tracks = [one.sentinel for one in measured if one.sentinel is not None]
        return Look(
            {name: observations[name] for name in exports},
            float(np.median(tracks[0].median_ms)) if tracks else None,
            session_s,
            tuple(dict.fromkeys(flag for one in measured for flag in one.flags)),
            tuple(
                metric.title
                for metric, field in _FIELDS.items()
                if any(field in session.unknown for one in measured for session in one.sessions)
            ),
        )

    def _key(self, model: str) -> SeriesKey:
        return SeriesKey(model, self.device.serial, self.condition)

    def _observation(
        self,
        model: str,
        attempt: int,
        artifact: Artifact,
        found: Measurement | MeasurementFailed,
        latency_ms: tuple[float, ...],
    ) -> Observation:
        manifest = artifact.manifest
        readings: dict[str, tuple[float, ...]] = {}
        try:
            if isinstance(found, MeasurementFailed):
                raise found
            readings = _readings(found, latency_ms)
            if manifest.delegated_share is not None:
                readings["delegation"] = (100.0 * manifest.delegated_share,)  # the metric is in %
            pictures = self.pairs.get(scale_of(artifact), ())
            if pictures and model not in self.without_pictures:
                readings["psnr"] = (self._psnr_y_db(artifact, pictures),)
        except MeasurementFailed as error:
            outcome = WRONG_OUTPUT if error.verification is not None else str(error.report.outcome)
            return Observation(
                self._key(model), attempt, outcome, str(error), manifest.sha256,
                manifest.candidate_key, readings=readings,
            )  # fmt: skip
        return Observation(
            self._key(model), attempt, OK, "", manifest.sha256, manifest.candidate_key,
            found.flags, readings,
        )  # fmt: skip

    def _psnr_y_db(self, artifact: Artifact, pairs: Sequence[ImagePair]) -> float:
        """Mean over the pictures, from what the device itself computed."""
        run = partial(
            infer, self.device, artifact, threads=self.plan.threads, timeout_s=self.plan.timeout_s
        )
        outputs = upscale_images(run, artifact, [pair.lr for pair in pairs])
        return score_outputs(pairs, outputs, scale_of(artifact)).model.psnr_y_db


def _latencies_ms(
    found: Sequence[Measurement | MeasurementFailed], reference_ms: float | None
) -> list[tuple[float, ...]]:
    """Each one's sessions without the device's drift; nothing for what failed.

    `reference_ms` is what the sentinel takes in the nights; None: what it took here.
    """
    measured = [one for one in found if isinstance(one, Measurement)]
    told = [one.session_medians_ms for one in measured]
    track = next((one.sentinel for one in measured if one.sentinel is not None), None)
    if track is not None:
        beside = Row(track.rounds, track.median_ms)
        rounds = [tuple(slot.round for slot in one.slots) for one in measured]
        read = [tuple(session.median_ms for session in one.sessions) for one in measured]
        nights_ms = reference_ms or track.reference_ms
        told = corrected_ms(_rows(rounds, read), beside, nights_ms) or carried_ms(
            _rows(rounds, told), beside, nights_ms
        )
    rows = iter(told)
    return [next(rows) if isinstance(one, Measurement) else () for one in found]


def _rows(rounds: Sequence[tuple[int, ...]], ms: Sequence[tuple[float, ...]]) -> list[Row]:
    return [Row(*one) for one in zip(rounds, ms, strict=True)]


# The field of a session's record that each of these rests on: a runner may not tell it.
_FIELDS = {FIRST_RUN: "first_run_ms", MEMORY: "peak_rss_mb"}


def _readings(found: Measurement, latency_ms: tuple[float, ...]) -> dict[str, tuple[float, ...]]:
    """Every metric that is read of sessions; one that no session tells is absent."""
    told = {
        metric: [one for one in found.sessions if field not in one.unknown]
        for metric, field in _FIELDS.items()
    }
    readings = {
        LATENCY.name: latency_ms,
        FIRST_RUN.name: tuple(session.first_run_ms for session in told[FIRST_RUN]),
        # A model that adds less than a page is a model that adds nothing measurable.
        MEMORY.name: tuple(max(session.peak_memory_mb, 0.01) for session in told[MEMORY]),
    }
    return {name: values for name, values in readings.items() if values}


def scale_of(artifact: Artifact) -> int:
    """The upscaling factor, by the manifest's shapes."""
    made, given = artifact.manifest.outputs[0].shape, artifact.manifest.inputs[0].shape
    axis = 2 if artifact.manifest.takes_pixels else -1
    return made[axis] // given[axis]
