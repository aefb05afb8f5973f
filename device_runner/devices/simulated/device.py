"""The simulated phone as a device: its times are made up, its answers are the host's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from device_runner.conditions import Reading
from device_runner.device import Device, PushReport, ThreadChoice
from device_runner.devices.lease import Lease
from device_runner.devices.simulated import speed
from device_runner.devices.simulated.answers import Answer, Answers
from device_runner.devices.simulated.body import Body
from device_runner.devices.simulated.clock import SimulatedClock
from device_runner.devices.simulated.faults import Fault, FaultKind, Faults
from device_runner.devices.simulated.launch import Launch, OutOfTime, Timed
from device_runner.devices.simulated.spec import PhoneSpec
from device_runner.devices.simulated.synthetic import is_synthetic
from device_runner.errors import (
    DeviceLost,
    DeviceNotLeasedError,
)
from device_runner.launching.checks import check_artifact, check_cpus, check_request, name_of
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.measuring.tuned import tuned_choice
from device_runner.records import DeviceProfile, Outcome, SessionRecord
from foundation import Artifact

# Raised whenever what the simulation says changes: results of two are not comparable.
MODEL_VERSION = 1
# What an empty runner takes of memory, MB.
_RUNNER_MB = 40.0
_START_S = 0.3
_CONDITIONS_S = 0.05
# How long a device that is gone is waited for before it is called lost.
_PATIENCE_S = 10.0
_BYTES_PER_S = 30e6
_LOAD_BYTES_PER_S = 1e9


class SimulatedDevice(Device):
    """A phone made of a `PhoneSpec`. The same seed and the same calls give the same numbers.

    `serial` names the specimen; the profile is that of the spec. Times are simulated and pass on
    `clock`; outputs, and whether a file loads at all, come from the host (`answers`). `up_s` is how
    long ago it was started; without it, it does not tell.
    """

    def __init__(
        self,
        spec: PhoneSpec,
        *,
        seed: int = 0,
        serial: str | None = None,
        clock: SimulatedClock | None = None,
        faults: Sequence[Fault] = (),
        up_s: float | None = None,
    ) -> None:
        self._spec = spec
        self._serial = serial or f"sim:{spec.name}"
        self._clock = clock or SimulatedClock()
        body_rng, self._launch_rng, self._loss_rng = map(
            np.random.default_rng, np.random.SeedSequence(seed).spawn(3)
        )
        self._body = Body(spec, self._clock, body_rng)
        self._faults = Faults(tuple(faults))
        self._answers = Answers()
        self._lease = Lease(self._serial)
        self._stored: set[str] = set()
        self._gone_until_s = -math.inf
        self._started_s = None if up_s is None else self._clock.monotonic_s() - up_s

    @property
    def serial(self) -> str:
        return self._serial

    @property
    def spec(self) -> PhoneSpec:
        """What it is made of."""
        return self._spec

    @property
    def clock(self) -> SimulatedClock:
        return self._clock

    def profile(self) -> DeviceProfile:
        self._require_there()
        spec = self._spec
        return DeviceProfile(
            kind="simulated",
            model=spec.model,
            soc=spec.soc,
            abi="arm64-v8a",
            os_build=f"simulation {MODEL_VERSION}, {spec.name}",
            cores=spec.cores,
            ram_mb=spec.ram_mb,
            runtime="none: simulated",
            runner="none: simulated",
        )

    def clusters(self) -> tuple[tuple[int, ...], ...]:
        slowest_first = sorted(self._spec.clusters, key=lambda one: one.speed)
        return tuple(one.cpus for one in slowest_first)

    def suggest_threads(self) -> ThreadChoice:
        if (tuned := tuned_choice(self.profile())) is not None:
            return tuned
        big = len(self._spec.big_cpus)
        if big < self._spec.cores:
            slow = self._spec.cores - big
            return ThreadChoice(big, f"one for each core but the {slow} slowest")
        return ThreadChoice(big, "one for each core, for all are of one kind")

    def true_latency_ms(
        self, artifact: Artifact, threads: int = 1, cpus: tuple[int, ...] = ()
    ) -> float:
        """What no measurement can know: the latency of the cool, undisturbed phone."""
        return speed.latency_ms(self._spec, artifact.manifest, threads, cpus)

    def conditions(self) -> list[Reading]:
        self._require_there()
        self._clock.sleep(_CONDITIONS_S)
        return self._body.readings()

    def uptime_s(self) -> float | None:
        self._require_there()
        return None if self._started_s is None else self._clock.monotonic_s() - self._started_s

    def lease(self, wait_s: float = 0.0) -> AbstractContextManager[None]:
        self._require_there()
        return self._lease.hold(wait_s)

    def push(self, artifact: Artifact) -> PushReport:
        self._require_lease()
        self._require_there()
        manifest = artifact.manifest
        if not is_synthetic(manifest):
            check_artifact(artifact)
        if manifest.sha256 in self._stored:
            return PushReport(bytes_pushed=0, already_there=True)
        self._strike("push", artifact, timed=False)
        self._clock.sleep(manifest.size_bytes / _BYTES_PER_S)
        self._stored.add(manifest.sha256)
        return PushReport(bytes_pushed=manifest.size_bytes, already_there=False)

    def run(self, request: RunRequest) -> RunReport:
        self._require_lease()
        self._require_there()
        check_request(request)
        cpus = (cpu for cluster in self._spec.clusters for cpu in cluster.cpus)
        check_cpus(request, cpus, self._serial)
        self.push(request.artifact)
        fault = self._strike("run", request.artifact, timed=request.timing is not None)
        answer = self._answers.give(request)
        if answer.outcome is not Outcome.OK:
            self._clock.sleep(_START_S)
            message = f"{answer.message}, which computes the answers of device {self._serial}"
            return RunReport(answer.outcome, message, _START_S)
        report = self._launch(request, answer, fault)
        if request.output_dir is not None:
            self._strike("pull", request.artifact, timed=request.timing is not None)
        return report

    def close(self) -> None:
        """There is no connection to let go of."""

    def _launch(self, request: RunRequest, answer: Answer, fault: Fault | None) -> RunReport:
        manifest = request.artifact.manifest
        launch = Launch(
            self._body,
            self._spec.noise,
            self._launch_rng,
            cool_ms=speed.latency_ms(self._spec, manifest, request.threads, request.cpus),
            power=speed.power_share(self._spec, request.threads, request.cpus),
            bound=bool(request.cpus),
            limit_s=request.timeout_s,
            reaction=speed.reaction(manifest),
        )
        name, where = name_of(request.artifact), f"on device {self._serial}"
        before = self._body.temperature_c
        load_ms = 1.0 + manifest.size_bytes / _LOAD_BYTES_PER_S * 1e3
        try:
            launch.spend(_START_S, power=0.0)
            if fault is not None and fault.kind is FaultKind.HANG:
                launch.spend(math.inf, power=0.0)
            if fault is not None and fault.kind is FaultKind.CRASH:
                said = f"{name} ended with signal SIGSEGV after 'load' {where}"
                return RunReport(Outcome.CRASHED, said, launch.ran_s)
            limit_mb = request.memory_limit_mb or self._spec.ram_mb / 2
            starved = fault is not None and fault.kind is FaultKind.OUT_OF_MEMORY
            if starved or answer.memory_mb > limit_mb:
                within = f" within its limit of {limit_mb:.0f} MB"
                said = f"{name} ran out of memory{within} {where}"
                return RunReport(Outcome.OUT_OF_MEMORY, said, launch.ran_s)
            launch.spend(load_ms / 1e3)
            timed = launch.run(request.timing, len(request.inputs))
        except OutOfTime:
            said = f"{name} was stopped at its limit of {request.timeout_s:g} s {where}"
            return RunReport(Outcome.TIMED_OUT, said, launch.ran_s)
        if fault is not None and fault.kind is FaultKind.TIMER_LEAP:
            _leap(timed, fault.leap_s)
        session = self._session(request, timed, load_ms, answer.memory_mb, before)
        return RunReport(Outcome.OK, f"{name} ran {where}", launch.ran_s, session, answer.outputs)

    def _session(
        self, request: RunRequest, timed: Timed, load_ms: float, memory_mb: float, before_c: float
    ) -> SessionRecord:
        share = self._body.clock_share()
        mhz = tuple(one.max_mhz * share for one in self._spec.clusters for _ in one.cpus)
        size_mb = request.artifact.manifest.size_bytes / 2**20
        return SessionRecord(
            program_load_ms=0.2 * load_ms,
            method_load_ms=0.8 * load_ms,
            first_run_ms=timed.first_run_ms,
            warmup_ms=tuple(timed.warmup_ms),
            warmup_settled=timed.settled,
            iteration_ns=tuple(timed.iteration_ns),
            iteration_start_ns=tuple(timed.start_ns),
            rss_before_mb=_RUNNER_MB,
            rss_after_load_mb=_RUNNER_MB + min(size_mb, memory_mb),
            rss_after_mb=_RUNNER_MB + memory_mb,
            peak_rss_mb=_RUNNER_MB + memory_mb,
            peak_reset=True,
            threads=request.threads,
            affinity=request.cpus,
            cpu_freq_mhz_after=mhz,
            temperature_c_before=(before_c,),
            temperature_c_after=(self._body.temperature_c,),
            runtime_version="simulated",
        )

    def _strike(self, step: str, artifact: Artifact, *, timed: bool) -> Fault | None:
        """The fault that is due; a lost device is lost at once. Raises `DeviceLost`."""
        fault = self._faults.due(step, artifact.manifest.candidate_key, timed=timed)
        lost = fault is not None and fault.kind is FaultKind.LOST
        by_chance = step == "run" and float(self._loss_rng.random()) < self._spec.loss_rate
        if lost or by_chance:
            away_s = fault.returns_after_s if lost and fault is not None else 2 * _PATIENCE_S
            self._gone_until_s = self._clock.monotonic_s() + away_s
            self._require_there()
        return fault

    def _require_there(self) -> None:
        """Raises `DeviceLost` after as long as one would wait for a real one to answer."""
        if self._clock.monotonic_s() >= self._gone_until_s:
            return
        self._clock.sleep(min(_PATIENCE_S, self._gone_until_s - self._clock.monotonic_s()))
        raise DeviceLost(
            f"device {self._serial} does not answer: look at its cable (it is simulated, and was "
            "told to be lost)"
        )

    def _require_lease(self) -> None:
        if not self._lease.held:
            raise DeviceNotLeasedError(
                f"device {self._serial} was used without its lease: call inside 'with "
                "device.lease():'"
            )


def _leap(timed: Timed, leap_s: float) -> None:
    """The timer leaps within the middle iteration: it and all later starts are off."""
    if not timed.iteration_ns:
        return
    middle, leap_ns = len(timed.iteration_ns) // 2, round(leap_s * 1e9)
    timed.iteration_ns[middle] += leap_ns
    timed.start_ns[middle + 1 :] = [at + leap_ns for at in timed.start_ns[middle + 1 :]]
