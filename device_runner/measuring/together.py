"""Timing artifacts side by side, in interleaved sessions, with a sentinel between them.

A phone that warms up slows down: artifacts timed one after the other would differ by the order
in which they stood. Here each round runs every artifact once, in a random order of its own, and a
fixed reference model, the sentinel, runs in each round as well: what it loses, the device lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from device_runner.device import Device
from device_runner.errors import MeasurementFailed
from device_runner.flags import Flag
from device_runner.launching.launches import RunRequest
from device_runner.measuring.correcting import corrected_by, learnt
from device_runner.measuring.estimates import estimate_of, flags_of
from device_runner.measuring.gate import Gate
from device_runner.measuring.order import random_orders, sentinels_a_round
from device_runner.measuring.precision import precision_flags
from device_runner.measuring.progress import Progress, Tell
from device_runner.measuring.session import kept_session
from device_runner.measuring.verifying import demand_right
from device_runner.records import (
    DeviceProfile,
    Measurement,
    MeasurePlan,
    SentinelTrack,
    SessionRecord,
    SessionSlot,
    Verification,
)
from device_runner.statistics.reaction import Reaction
from foundation import Artifact

Outcomes = list[Measurement | MeasurementFailed]


def measure(
    device: Device,
    artifact: Artifact,
    plan: MeasurePlan,
    *,
    sentinel: Artifact | None = None,
    sentinel_reference_ms: float | None = None,
    on_progress: Tell | None = None,
    gate: Gate | None = None,
) -> Measurement:
    """Verify the artifact on the device, then time it in `plan.sessions` launches.

    Raises:
        MeasurementFailed: the output is wrong (nothing is timed then; `verification` says by
            how much), or a launch did not end well (`report.outcome` says how).
        foundation.DeviceFailure: the device is in trouble, or busy.
    """
    (found,) = measure_together(
        device,
        [artifact],
        plan,
        sentinel=sentinel,
        sentinel_reference_ms=sentinel_reference_ms,
        on_progress=on_progress,
        gate=gate,
    )
    if isinstance(found, MeasurementFailed):
        raise found
    return found


def measure_together(
    device: Device,
    artifacts: Sequence[Artifact],
    plan: MeasurePlan,
    *,
    sentinel: Artifact | None = None,
    sentinel_reference_ms: float | None = None,
    on_progress: Tell | None = None,
    gate: Gate | None = None,
    verified: Sequence[Verification | None] | None = None,
) -> Outcomes:
    """Verify each artifact, then time all of them in `plan.sessions` interleaved rounds.

    Latencies are those of a device on which the sentinel takes `sentinel_reference_ms`; by
    default what it took here, at the median. A sentinel that does not run is no fault of the
    artifacts': they are measured without correction and flagged `sentinel_failed`. `verified`
    has what is known of each artifact's answer on this device: that is not asked again.

    Returns:
        For each artifact, in the order given, its measurement, or why there is none.

    Raises:
        foundation.DeviceFailure: the device is in trouble, or busy; nothing is returned.
        InputRefusedError: an artifact that no runner can feed.
    """
    rounds = _Rounds(device, plan, on_progress or (lambda progress: None), gate)
    with device.lease(plan.lease_wait_s):
        known = verified or [None] * len(artifacts)
        series = [_Series(one, answer) for one, answer in zip(artifacts, known, strict=True)]
        return rounds.run(series, sentinel, sentinel_reference_ms)


@dataclass
class _Series:
    """One artifact's sessions so far."""

    artifact: Artifact
    verification: Verification | None = None
    sessions: list[SessionRecord] = field(default_factory=list)
    slots: list[SessionSlot] = field(default_factory=list)
    failure: MeasurementFailed | None = None


class _Rounds:
    """One call of `measure_together`."""

    def __init__(self, device: Device, plan: MeasurePlan, tell: Tell, gate: Gate | None) -> None:
        self._device = device
        self._plan = plan
        self._tell = tell
        self._gate = gate or Gate(device, plan.cooldown_s)
        self._done = 0
        self._total = 0

    def run(
        self, every: list[_Series], sentinel: Artifact | None, reference_ms: float | None
    ) -> Outcomes:
        clock = self._device.clock
        started_at, started_s = clock.now(), clock.monotonic_s()
        beside = None if sentinel is None else _Series(sentinel)
        beside_a_round = 0 if beside is None else sentinels_a_round(len(every))
        unverified = sum(series.verification is None for series in every)
        self._total = unverified + self._plan.sessions * (len(every) + beside_a_round)
        for series in every:
            if series.verification is None:
                self._verify(series)
        orders = random_orders(len(every) + beside_a_round, np.random.default_rng(self._plan.seed))
        for number in range(self._plan.sessions):
            for position, item in enumerate(next(orders)):
                # Only a sentinel that is there makes items beyond the artifacts.
                if item < len(every):
                    self._session(every[item], number, position, started_s)
                elif beside is not None:
                    self._session(beside, number, position, started_s)
        self._say("done")
        profile = self._device.profile()
        track = _track(beside, reference_ms)
        timed = [series for series in every if series.failure is None]
        alike = None
        if track is not None:
            alike = learnt(track, [(series.sessions, series.slots) for series in timed])
        flags = (Flag.SENTINEL_FAILED,) if beside is not None and track is None else ()

        def told(series: _Series) -> Measurement:
            own = None if track is None or alike is None else (track, alike)
            found = self._measurement(series, own, profile, started_at)
            more = (*flags, *precision_flags(series.artifact, profile))
            return found.model_copy(update={"flags": (*found.flags, *more)})

        return [series.failure or told(series) for series in every]

    def _say(self, text: str) -> None:
        self._tell(Progress(self._done, self._total, text))

    def _verify(self, series: _Series) -> None:
        self._say(f"verifying the output of {series.artifact.manifest.candidate_key[:80]}")
        try:
            series.verification = demand_right(self._device, series.artifact, self._plan)
        except MeasurementFailed as error:
            series.failure = error
        self._done += 1

    def _session(self, series: _Series, number: int, position: int, started_s: float) -> None:
        """One kept session of one artifact; done again while something spoils it."""
        self._done += 1
        if series.failure is not None:
            return
        request = RunRequest(
            artifact=series.artifact,
            inputs=(series.artifact.check_input_path,),
            threads=self._plan.threads,
            timing=self._plan.timing,
            timeout_s=self._plan.timeout_s,
            memory_limit_mb=self._plan.memory_limit_mb,
            cpus=self._plan.cpus,
        )
        label = f"session {number + 1} of {self._plan.sessions}"

        def tell(text: str, attempt: int) -> None:
            again = f", again ({attempt} of {self._plan.redo}) as it was disturbed" * bool(attempt)
            self._tell(Progress(self._done - 1, self._total, text or label + again))

        try:
            kept = kept_session(self._device, request, self._gate, self._plan.redo, tell)
        except MeasurementFailed as error:
            series.failure = error
            return
        assert kept.report.session is not None
        series.sessions.append(kept.report.session)
        series.slots.append(
            SessionSlot(
                round=number,
                position=position,
                started_s=max(0.0, kept.at_s - started_s),
                redone=kept.redone,
                flags=kept.flags,
            )
        )

    def _measurement(
        self,
        series: _Series,
        beside: tuple[SentinelTrack, Reaction] | None,
        profile: DeviceProfile,
        started_at: datetime,
    ) -> Measurement:
        track = None if beside is None else corrected_by(beside[0], series.slots, beside[1])
        plan, sessions = self._plan, series.sessions
        estimate = estimate_of(
            sessions,
            slots=series.slots,
            sentinel=track,
            confidence=plan.confidence,
            seed=plan.seed,
        )
        flags = flags_of(profile.kind, sessions, estimate, plan.threads, series.slots, track)
        assert series.verification is not None
        return Measurement(
            candidate_key=series.artifact.manifest.candidate_key,
            artifact_sha256=series.artifact.manifest.sha256,
            device=profile,
            serial=self._device.serial,
            verification=series.verification,
            sessions=tuple(sessions),
            slots=tuple(series.slots),
            sentinel=track,
            estimate=estimate,
            flags=flags,
            threads=sessions[0].threads,
            plan=plan,
            started_at=started_at,
            finished_at=self._device.clock.now(),
        )


def _track(beside: _Series | None, reference_ms: float | None) -> SentinelTrack | None:
    """The sentinel's sessions, of no one's in particular; None where it did not run."""
    if beside is None or beside.failure is not None or not beside.sessions:
        return None
    medians_ms = tuple(session.median_ms for session in beside.sessions)
    return SentinelTrack(
        artifact_sha256=beside.artifact.manifest.sha256,
        reference_ms=reference_ms or float(np.median(medians_ms)),
        rounds=tuple(slot.round for slot in beside.slots),
        started_s=tuple(slot.started_s for slot in beside.slots),
        median_ms=medians_ms,
        drift=(),
    )
