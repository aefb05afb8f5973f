"""The order of a night: from a suite to what is said of its models, stored and handed back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from device_runner import SYSTEM_CLOCK, Clock, Device, MeasurePlan, Progress, TimingPlan
from device_runner.devices.discovery import open_device
from foundation.artifact import Artifact
from foundation.errors import DeviceFailure
from foundation.wording import count_of
from models.images import load_pairs
from nightly.artifacts import Prepared, prepare
from nightly.errors import BaselineError, SuiteError
from nightly.history import History
from nightly.judging.cases import Rules
from nightly.judging.settling import SECOND_LOOK, Settled, settle
from nightly.look import Look, Pairs, look, scale_of
from nightly.metrics import METRICS
from nightly.records import (
    DeviceNight,
    Epoch,
    Night,
    NightStatus,
    Observation,
    Status,
    Verdict,
)
from nightly.sentences import together_sentences
from nightly.suite import ConditionSpec, Suite

LEAST_SESSIONS = 3
GREEN, RED, DEVICE_FAILED = 0, 1, 3


@dataclass
class Watcher:
    """Told what is going on; every part may be left out."""

    stage: Callable[[str], None] = lambda text: None
    progress: Callable[[Progress], None] = lambda progress: None
    waiting: Callable[[str], None] = lambda who: None


@dataclass(frozen=True)
class Choices:
    """What one call asks for beyond the suite.

    Attributes:
        only: models to measure; all of the suite's where empty.
        since: the night that is compared with, whatever was pinned.
        aside: measured beside the row of nights, which it does not join (`--bisect`).
    """

    only: tuple[str, ...] = ()
    since: int | None = None
    aside: bool = False
    wait_s: float = 3600.0


@dataclass(frozen=True)
class NightResult:
    """A night, and everything that is told of it."""

    suite: str
    night: Night
    verdicts: tuple[Verdict, ...]
    devices: tuple[DeviceNight, ...]
    epochs: tuple[Epoch, ...]
    observations: tuple[Observation, ...]
    notes: tuple[str, ...]
    # What was asked for, measured or not.
    models: tuple[str, ...]
    # Per metric the smallest change that counts, where the suite says another than the usual.
    floors: Mapping[str, float] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 green, 1 a regression, 3 a device that could not be measured on."""
        if any(verdict.status is Status.REGRESSION for verdict in self.verdicts):
            return RED
        return DEVICE_FAILED if any(device.failure for device in self.devices) else GREEN


@dataclass
class NightRun:
    """One night in the making."""

    suite: Suite
    history: History
    choices: Choices = Choices()
    watcher: Watcher = field(default_factory=Watcher)
    clock: Clock = SYSTEM_CLOCK
    open_device: Callable[[str], Device] = lambda name: open_device(name).device
    _notes: list[str] = field(default_factory=list)
    _measured_on: dict[str, str] = field(default_factory=dict)

    def run(self) -> NightResult:
        """Measure, judge and store one night.

        Raises:
            RequestError: the suite, the history or a baseline cannot be used; no night counts.
            KeyboardInterrupt: stopped; the night stays unfinished and is never compared with.
        """
        self._check_names()
        with self.history.lock(self.choices.wait_s, self.watcher.waiting):
            if lost := self.history.abandon_open(self.suite.name):
                self._notes.append(
                    f"night {', '.join(map(str, lost))} never finished: what it measured is kept "
                    "and compared with nothing"
                )
            self._check_since()
            prepared = prepare(self.suite, self.choices.only, self.watcher.stage)
            pairs = self._pairs(prepared)
            now = self._now()
            self._check_clock(now)
            number = self.history.begin(self.suite.name, now)
            settled: list[Settled] = []
            devices: list[DeviceNight] = []
            for name in self.suite.devices:
                for condition in self.suite.conditions:
                    one = self._on_device(number, name, condition, prepared, pairs, now)
                    if isinstance(one, Settled):
                        settled.append(one)
                    devices.append(one.device_night if isinstance(one, Settled) else one)
            return self._finish(number, now, settled, devices)

    def _finish(
        self,
        number: int,
        started_at: datetime,
        settled: Sequence[Settled],
        devices: Sequence[DeviceNight],
    ) -> NightResult:
        verdicts = tuple(verdict for one in settled for verdict in one.verdicts)
        for one in settled:
            self._notes += one.notes
        self._notes += together_sentences(verdicts)
        finished_at = self._now()
        status = NightStatus.ASIDE if self.choices.aside else NightStatus.FINISHED
        night = Night(number, self.suite.name, status, started_at, finished_at)
        result = NightResult(
            suite=self.suite.name,
            night=night,
            verdicts=verdicts,
            devices=tuple(devices),
            epochs=tuple(one.epoch for one in settled),
            observations=tuple(seen for one in settled for seen in one.observations),
            notes=tuple(dict.fromkeys(self._notes)),
            models=tuple(self.choices.only or (model.name for model in self.suite.models)),
            floors=self.suite.floors,
        )
        self.history.finish(
            self.suite.name, number, finished_at, result.exit_code, verdicts, result.notes,
            aside=self.choices.aside,
        )  # fmt: skip
        return result

    def _on_device(
        self,
        night: int,
        name: str,
        condition: ConditionSpec,
        prepared: Prepared,
        pairs: Pairs,
        started_at: datetime,
    ) -> Settled | DeviceNight:
        """One device under one condition; its failure is part of the night, not its end."""
        if self._budget_spent(started_at):
            failure = (
                f"left out: the night's {self.suite.measure.budget_min:g} minutes were spent "
                "before its turn"
            )
            return self._failed(night, name, condition.name, failure)
        try:
            device = self.open_device(name)
        except DeviceFailure as error:
            return self._failed(night, name, condition.name, str(error))
        with device:
            if self._measured_on.setdefault(device.serial, name) != name:
                raise SuiteError(
                    f"the suite names device {device.serial} twice: as "
                    f"{self._measured_on[device.serial]!r} and as {name!r}"
                )
            try:
                return self._measured(night, device, condition, prepared, pairs)
            except DeviceFailure as error:
                return self._failed(night, device.serial, condition.name, str(error))

    def _measured(
        self,
        night: int,
        device: Device,
        condition: ConditionSpec,
        prepared: Prepared,
        pairs: Pairs,
    ) -> Settled:
        sentinel = prepared.sentinel
        threads = condition.threads or device.suggest_threads().threads
        profile = device.profile().model_dump(mode="json")
        profile |= {"threads": threads, "cpus": list(condition.cpus)}
        epoch, is_new = self.history.epoch(
            self.suite.name, night, device.serial, condition.name, profile,
            sentinel.manifest.sha256 if sentinel else "",
        )  # fmt: skip
        self._tell_of(epoch, is_new, device)
        self._check_pins(epoch, device, condition)
        plan = self._plan(threads, condition, device.serial, len(prepared.models))

        def at(attempt: int, names: Sequence[str], plan: MeasurePlan) -> Look:
            return look(
                device,
                {name: prepared.models[name] for name in names},
                plan,
                condition=condition.name,
                attempt=attempt,
                sentinel=sentinel,
                sentinel_reference_ms=reference_ms,
                pairs=pairs,
                without_pictures=prepared.seeded,
                on_progress=self.watcher.progress,
            )

        def look_again(suspects: Sequence[str]) -> Mapping[str, Observation]:
            self.watcher.stage(f"a second look at {', '.join(suspects)} on {device.serial}")
            again = plan.model_copy(
                update={"sessions": SECOND_LOOK * plan.sessions, "seed": 2 * night + 1}
            )
            return at(1, suspects, again).observations

        reference_ms = epoch.sentinel_reference_ms
        self.watcher.stage(
            f"measuring {count_of(len(prepared.models), 'model')} on {device.serial}"
        )
        first = at(0, list(prepared.models), plan.model_copy(update={"seed": 2 * night}))
        if reference_ms is None and first.sentinel_ms is not None:
            reference_ms = first.sentinel_ms
            self.history.set_sentinel_reference(epoch.number, first.sentinel_ms)
        seen = DeviceNight(
            device.serial, condition.name, sentinel_ms=first.sentinel_ms,
            session_s=first.session_s, flags=first.flags,
        )  # fmt: skip
        return settle(
            self.history, self.suite.name, night, epoch, self._rules(), seen,
            first.observations, look_again,
        )  # fmt: skip

    def _failed(self, night: int, device: str, condition: str, failure: str) -> DeviceNight:
        found = DeviceNight(device, condition, failure=failure)
        self.history.add(self.suite.name, night, None, found, [])
        return found

    def _rules(self) -> Rules:
        suite = self.suite
        watched = [m for m in METRICS if not m.exact and (m.name != "psnr" or suite.images)]
        places = len(suite.devices) * len(suite.conditions)
        return Rules(
            alpha=suite.judge.alpha,
            tests=len(suite.models) * places * len(watched),
            floors={metric.name: suite.floor(metric.name) for metric in METRICS},
            baseline_nights=suite.judge.baseline_nights,
            baseline=self.choices.since or suite.judge.baseline,
        )

    def _plan(
        self, threads: int, condition: ConditionSpec, device: str, models: int
    ) -> MeasurePlan:
        spec = self.suite.measure
        return MeasurePlan(
            sessions=self._sessions(device, condition.name, models),
            threads=threads,
            cpus=condition.cpus,
            timeout_s=spec.timeout_s,
            cooldown_s=spec.cooldown_s,
            lease_wait_s=spec.lease_wait_s,
            timing=TimingPlan(min_iterations=spec.min_iterations, min_time_s=spec.min_time_s),
        )

    def _sessions(self, device: str, condition: str, models: int) -> int:
        """As many as the suite wants; fewer where the last night says they would not fit."""
        spec = self.suite.measure
        took_s = self.history.last_session_s(self.suite.name, device, condition)
        if spec.budget_min is None or took_s is None:
            return spec.sessions
        share_s = 60 * spec.budget_min / (len(self.suite.devices) * len(self.suite.conditions))
        fit = max(LEAST_SESSIONS, int(share_s / (took_s * max(1, models))))
        if fit < spec.sessions:
            self._notes.append(
                f"{fit} instead of {spec.sessions} sessions on {device}, to fit the night's "
                f"{spec.budget_min:g} minutes"
            )
        return min(fit, spec.sessions)

    def _budget_spent(self, started_at: datetime) -> bool:
        budget_min = self.suite.measure.budget_min
        spent_s = (self._now() - started_at).total_seconds()
        return budget_min is not None and spent_s > 60 * budget_min

    def _tell_of(self, epoch: Epoch, is_new: bool, device: Device) -> None:
        if is_new and epoch.reason != "first night on this device":
            self._notes.append(
                f"a new baseline starts on {device.serial}: {epoch.reason}; earlier nights are "
                "kept, and not compared with"
            )

    def _check_pins(self, epoch: Epoch, device: Device, condition: ConditionSpec) -> None:
        """A pin from when the device was another one cannot hold; say so."""
        place = self.suite.name, device.serial, condition.name
        pins = self.history.trails(*place, nights=())
        wanted = {trail.pinned for trail in pins.values()}
        if self.choices.since is None:
            wanted.add(self.suite.judge.baseline)
        baselines = sorted(night for night in wanted if night is not None)
        trails = self.history.trails(*place, nights=baselines) if baselines else {}
        for night in baselines:
            epochs = {t.epochs[night] for t in trails.values() if night in t.epochs}
            if epochs and epoch.number not in epochs:
                self._notes.append(
                    f"the baseline of night {night} was measured on {device.serial} as it was "
                    f"before ({epoch.reason}): it is not compared with; accept a night since "
                    f"night {epoch.first_night} instead"
                )

    def _check_names(self) -> None:
        known = [model.name for model in self.suite.models]
        for name in self.choices.only:
            if name not in known:
                raise SuiteError(
                    f"the suite {self.suite.name!r} has no model {name!r}: it has "
                    f"{', '.join(known)}"
                )

    def _check_since(self) -> None:
        for wanted in (self.choices.since, self.suite.judge.baseline):
            if wanted is None:
                continue
            finished = [
                night.number
                for night in self.history.nights(self.suite.name)
                if night.status is NightStatus.FINISHED
            ]
            if wanted not in finished:
                raise BaselineError(
                    f"night {wanted} is no finished night of the suite {self.suite.name!r} in "
                    f"{self.history.name}: 'mobilesr-tune nightly history' lists them"
                )

    def _check_clock(self, now: datetime) -> None:
        last = self.history.nights(self.suite.name, last=1)
        if last and now < last[0].started_at:
            self._notes.append(
                f"the clock of this computer says {now:%Y-%m-%d %H:%M}, which is before night "
                f"{last[0].number} ({last[0].started_at:%Y-%m-%d %H:%M}): nights are ordered by "
                "their number, so nothing is lost; set the clock"
            )

    def _pairs(self, prepared: Prepared) -> Pairs:
        """The suite's pictures for every scale that a judged model has."""
        images = self.suite.images
        if images is None:
            return {}
        scales = {
            scale_of(export)
            for name, export in prepared.models.items()
            if isinstance(export, Artifact) and name not in prepared.seeded
        }
        return {scale: load_pairs(images.hr, images.lr, scale) for scale in sorted(scales)}

    def _now(self) -> datetime:
        return self.clock.now().astimezone(UTC)
