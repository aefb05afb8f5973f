"""How many threads, and on which cores, make a device fastest: a sweep, measured side by side.

Every setting runs once a round, in random order; the default setting runs once more in
each round, as sentinel. Settings that are hopeless are given up on the way, and those that remain
are compared pairwise over the same rounds. Of those as fast as the fastest, the one with the
fewest threads wins: it heats least and leaves most to everything else.

Then, where the model is given cut into strips for several sizes of cache, these are compared in
the same way, with the threads and cores that were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from device_runner.device import Device
from device_runner.errors import MeasurementFailed
from device_runner.flags import Flag, stand_in_flags
from device_runner.launching.launches import RunRequest
from device_runner.measuring import Gate, Progress
from device_runner.measuring.progress import Tell
from device_runner.measuring.session import KeptSession, kept_session
from device_runner.measuring.tuned import TunedSetting, TuningReport
from device_runner.measuring.verifying import demand_right
from device_runner.records import MeasurePlan
from device_runner.statistics import drift_factors, paired_ratio, session_interval
from foundation import Artifact

# A setting this much slower than the best is given up after so many rounds.
GIVE_UP = {1: 1.5, 2: 1.3, 4: 1.1}
# What nobody would miss: within it, fewer threads are worth more than speed.
MARGIN = 1.02
# A setting that seems slower by more is no tie, however noisy it is.
UNDECIDED = 1.05
ROUNDS = 7


@dataclass(frozen=True)
class Setting:
    """Threads, the cores they are bound to (none: the system chooses), and a word for them.

    `strip_kb` is the cache that the artifact's strips are cut for, where that is what is compared.
    """

    threads: int
    cpus: tuple[int, ...]
    placement: str
    strip_kb: int | None = None

    def __str__(self) -> str:
        if self.strip_kb is not None:
            return f"strips for {self.strip_kb} kB"
        return f"{self.threads} on {self.placement}"


@dataclass
class _Swept:
    """One setting's sessions so far, by round."""

    setting: Setting
    rounds: list[int] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)
    median_ms: list[float] = field(default_factory=list)
    failure: MeasurementFailed | None = None
    given_up: bool = False

    @property
    def going(self) -> bool:
        """Whether it is still in the running."""
        return self.failure is None and not self.given_up

    @property
    def middle_ms(self) -> float:
        """The median over its sessions."""
        return float(np.median(self.median_ms))


def settings_of(device: Device) -> list[Setting]:
    """What is worth trying: on any cores, on all but the slowest, the fastest, the slowest.

    Raises:
        DeviceLost: it does not answer.
    """
    cores, clusters = device.profile().cores, device.clusters()
    groups: list[tuple[str, tuple[int, ...], int]] = [("any", (), cores)]
    if len(clusters) > 1:
        big = tuple(sorted(cpu for cluster in clusters[1:] for cpu in cluster))
        groups.append(("big", big, len(big)))
        if clusters[-1] != big:
            groups.append(("fastest", clusters[-1], len(clusters[-1])))
        groups.append(("little", clusters[0], len(clusters[0])))
    found = [
        Setting(threads, cpus, name) for name, cpus, most in groups for threads in _counts(most)
    ]
    usual = device.suggest_threads()
    if not any((one.threads, one.cpus) == (usual.threads, usual.cpus) for one in found):
        found.append(Setting(usual.threads, usual.cpus, "usual"))
    return found


def _counts(most: int) -> list[int]:
    """Powers of two up to all cores, all, and all but one."""
    powers = {2**power for power in range(most.bit_length()) if 2**power <= most}
    return sorted(powers | {most} | ({most - 1} if most > 2 else set()))


def tune(
    device: Device,
    artifact: Artifact,
    plan: MeasurePlan | None = None,
    *,
    cut: Mapping[int, Artifact] | None = None,
    on_progress: Tell | None = None,
) -> TuningReport:
    """Verify the artifact, sweep the settings, and choose. Nothing is stored: see `tuned`.

    `cut` is the same model by the kB of cache that its strips are cut for, the usual one first.

    Of the plan, `sessions` are the rounds (by default `ROUNDS`); its threads and cpus are not
    used.

    Raises:
        MeasurementFailed: the artifact does not run, or answers wrongly, or no setting works.
        foundation.DeviceFailure: the device is in trouble, or busy.
    """
    plan = plan or MeasurePlan(sessions=ROUNDS)
    usual = device.suggest_threads()
    default = Setting(usual.threads, usual.cpus, "usual")
    sweep = _Sweep(device, artifact, plan, settings_of(device), default, on_progress)
    with device.lease(plan.lease_wait_s):
        sweep.run()
        report = sweep.report()
        if not cut:
            return report
        best = report.best
        settings = [Setting(best.threads, best.cpus, best.placement, size) for size in cut]
        strips = _Sweep(device, artifact, plan, settings, settings[0], on_progress, cut)
        strips.run()
    return report.model_copy(update=strips.strips())


class _Sweep:
    def __init__(
        self,
        device: Device,
        artifact: Artifact,
        plan: MeasurePlan,
        settings: Sequence[Setting],
        default: Setting,
        on_progress: Tell | None,
        cut: Mapping[int, Artifact] | None = None,
    ) -> None:
        self.plan = plan
        self._device = device
        self._artifact = artifact
        self._cut = cut or {}
        self._tell = on_progress or (lambda progress: None)
        self._gate = Gate(device, plan.cooldown_s)
        self._swept = [_Swept(setting) for setting in settings]
        self._sentinel = _Swept(default)
        self._flags: dict[str, None] = {}
        self._done = 0

    def run(self) -> None:
        """Measure every setting, round by round."""
        self._say("verifying the output", len(self._swept))
        usual = self._sentinel.setting
        for artifact in self._cut.values() or [self._artifact]:
            demand_right(
                self._device,
                artifact,
                self.plan.model_copy(update={"threads": usual.threads, "cpus": usual.cpus}),
            )
        rng = np.random.default_rng(self.plan.seed)
        for number in range(self.plan.sessions):
            running = [one for one in [*self._swept, self._sentinel] if one.going]
            # Independent from round to round, as `random_orders` has it.
            order = [running[item] for item in rng.permutation(len(running))]
            for place, swept in enumerate(order):
                left = (self.plan.sessions - number) * len(order) - place
                self._session(swept, number, left)
            self._give_up(number + 1)
        self._say("done", 0)

    def _say(self, text: str, left: int) -> None:
        self._tell(Progress(self._done, self._done + left, text))

    def _session(self, swept: _Swept, number: int, left: int) -> None:
        setting = swept.setting
        label = f"round {number + 1} of {self.plan.sessions}, {setting}"
        artifact = self._artifact if setting.strip_kb is None else self._cut[setting.strip_kb]
        request = RunRequest(
            artifact=artifact,
            inputs=(artifact.check_input_path,),
            threads=setting.threads,
            cpus=setting.cpus,
            timing=self.plan.timing,
            timeout_s=self.plan.timeout_s,
            memory_limit_mb=self.plan.memory_limit_mb,
        )
        try:
            kept = kept_session(
                self._device,
                request,
                self._gate,
                self.plan.redo,
                lambda text, attempt: self._say(text or label, left),
            )
        except MeasurementFailed as error:
            swept.failure = error
            if swept is self._sentinel:
                self._flags[Flag.SENTINEL_FAILED] = None
            return
        self._done += 1
        self._keep(swept, kept, number)

    def _keep(self, swept: _Swept, kept: KeptSession, number: int) -> None:
        assert kept.report.session is not None
        swept.rounds.append(number)
        swept.at_s.append(kept.at_s)
        swept.median_ms.append(kept.report.session.median_ms)
        self._flags |= dict.fromkeys(kept.flags)

    def _give_up(self, rounds: int) -> None:
        """Leave out what cannot win any more; what is left is measured to the end."""
        factor = GIVE_UP.get(rounds)
        running = [one for one in self._swept if one.going]
        if factor is None or not running:
            return
        best_ms = min(one.middle_ms for one in running)
        for one in running:
            one.given_up = one.middle_ms > factor * best_ms

    def _finished(self) -> list[_Swept]:
        finished = [one for one in self._swept if one.going]
        if not finished:
            raise next(one.failure for one in self._swept if one.failure is not None)
        return finished

    def strips(self) -> dict[str, Any]:
        """What the report says of the strips."""
        chosen = _choose_strips(self._swept, self._finished(), self.plan.confidence)
        return {
            "strips": tuple(self._tuned(one) for one in self._swept),
            "strip_kb": chosen.setting.strip_kb,
        }

    def report(self) -> TuningReport:
        """What the sweep found. Raises `MeasurementFailed` where no setting works."""
        chosen, why = _choose(self._finished(), self.plan.confidence)
        profile = self._device.profile()
        return TuningReport(
            profile=profile,
            serial=self._device.serial[:200],
            candidate_key=self._artifact.manifest.candidate_key,
            artifact_sha256=self._artifact.manifest.sha256,
            settings=tuple(self._tuned(one) for one in self._swept),
            chosen=next(at for at, one in enumerate(self._swept) if one is chosen),
            why=why,
            flags=(*stand_in_flags(profile.kind), *self._flags),
            tuned_at=self._device.clock.now(),
        )

    def _tuned(self, swept: _Swept) -> TunedSetting:
        setting, usual = swept.setting, self._sentinel
        bare = TunedSetting(
            threads=setting.threads,
            cpus=setting.cpus,
            placement=setting.placement,
            strip_kb=setting.strip_kb,
            sessions=len(swept.rounds),
            failure="" if swept.failure is None else str(swept.failure)[:200],
        )
        if not swept.rounds:
            return bare
        corrected = np.array(swept.median_ms)
        if usual.failure is None:
            corrected /= drift_factors(
                swept.at_s,
                usual.at_s,
                usual.median_ms,
                usual.middle_ms,
                rounds=swept.rounds,
                sentinel_rounds=usual.rounds,
            )
        found = {"latency_ms": float(np.median(corrected))}
        if swept.going:
            interval = session_interval(
                corrected, confidence=self.plan.confidence, seed=self.plan.seed
            )
            found |= {"low_ms": interval.low, "high_ms": interval.high}
        return bare.model_copy(update=found)


def _as_fast(finished: Sequence[_Swept], confidence: float) -> list[_Swept]:
    """The fastest, and all that for all that was seen are no slower."""
    fastest = min(finished, key=lambda one: one.middle_ms)
    as_fast = []
    for one in finished:
        found = paired_ratio(one.median_ms, fastest.median_ms, confidence=confidence)
        undecided = found.ratio <= UNDECIDED and not found.slower(1 - confidence)
        if one is fastest or found.ratio <= MARGIN or undecided:
            as_fast.append(one)
    return as_fast


def _choose_strips(
    swept: Sequence[_Swept], finished: Sequence[_Swept], confidence: float
) -> _Swept:
    """The usual strips, the first, unless others are faster."""
    as_fast = _as_fast(finished, confidence)
    if swept[0] in as_fast:
        return swept[0]
    return min(as_fast, key=lambda one: one.middle_ms)


def _choose(finished: Sequence[_Swept], confidence: float) -> tuple[_Swept, str]:
    """The fewest threads among those that are as fast as the fastest, and why it is these."""
    as_fast = _as_fast(finished, confidence)
    chosen = min(as_fast, key=lambda one: (one.setting.threads, one.middle_ms))
    if len(as_fast) == 1:
        return chosen, f"{chosen.setting} is faster than every other setting"
    others = ", ".join(str(one.setting) for one in as_fast if one is not chosen)
    return chosen, f"as fast, for all that was seen: {others}; fewest threads win"
