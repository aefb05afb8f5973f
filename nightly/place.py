"""A place: one device of the suite under one condition, made ready for its turn in a night."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta

from device_runner import Device, MeasurePlan, TimingPlan
from device_runner.devices.discovery import AUTO
from foundation.errors import DeviceFailure, RequestError
from nightly.errors import HistoryError, SuiteError
from nightly.look import DeviceLooks
from nightly.records import DeviceNight, Epoch
from nightly.suite import ConditionSpec
from nightly.tonight import Tonight
from nightly.turn import DeviceTurn, TurnResult

LEAST_SESSIONS = 3
# What `auto` prefers; whatever else there is comes after.
_PREFERRED = ("phone", "emulator")


@dataclass
class Place:
    """Opens the device, finds its epoch and how much is measured, and gives it its turn.

    A device that fails is part of the night, not its end. Used once.

    Attributes:
        name: the device as the suite calls it; its serial once it is open.
    """

    tonight: Tonight
    name: str
    condition: ConditionSpec
    _notes: list[str] = field(default_factory=list)

    def run(self) -> TurnResult:
        """The whole turn; what could not be measured is stored as such.

        So is a request that does not fit this device, and a device that is not there: another one
        of the suite may be.

        Raises:
            SuiteError: the suite names this device twice.
            HistoryError: it cannot be written to.
        """
        if self.tonight.budget_spent:
            return self._failed(
                f"left out: the night's {self.tonight.suite.measure.budget_min:g} minutes were "
                "spent before its turn"
            )
        try:
            return self._measured()
        except (SuiteError, HistoryError):
            raise
        except DeviceFailure as error:
            return self._failed(str(error))
        except RequestError as error:
            return self._failed(str(error), error)

    def _measured(self) -> TurnResult:
        with self.tonight.open_device(self.name) as device:
            first_name = self.tonight.opened.setdefault(device.serial, self.name)
            if first_name != self.name:
                raise SuiteError(
                    f"the suite names device {device.serial} twice: as {first_name!r} and as "
                    f"{self.name!r}"
                )
            if self.name == AUTO:
                self._require_no_stand_in(device)
            self.name = device.serial
            found = self._turn(device).run()
        return replace(found, notes=(*self._notes, *found.notes))

    def _require_no_stand_in(self, device: Device) -> None:
        """What `auto` takes for want of a phone would be green for a phone that has gone.

        Raises:
            DeviceFailure: earlier nights were measured on what `auto` prefers to this.
        """
        suite = self.tonight.suite
        rank = _rank(device.profile().kind)
        for epoch in reversed(self.tonight.history.epochs(suite.name)):
            kind = str(epoch.profile.get("kind"))
            if _rank(kind) < rank and epoch.device not in suite.devices:
                raise DeviceFailure(
                    f"'auto' would be {device.serial} tonight, and earlier nights were measured "
                    f"on {epoch.device}, which is not ready (see 'mobilesr-tune devices'): connect "
                    "it, or name in the suite the device that is meant, as devices = "
                    f'["{device.serial}"]'
                )

    def _failed(self, failure: str, refusal: RequestError | None = None) -> TurnResult:
        found = DeviceNight(self.name, self.condition.name, failure=failure)
        self.tonight.history.add(self.tonight.suite.name, self.tonight.number, None, found, [])
        return TurnResult(found, notes=tuple(self._notes), refusal=refusal)

    def _turn(self, device: Device) -> DeviceTurn:
        tonight = self.tonight
        up_s = device.uptime_s()
        now = tonight.clock.now().astimezone(UTC)
        suite, prepared = tonight.suite, tonight.prepared
        threads = self.condition.threads or device.suggest_threads().threads
        epoch = self._epoch(device, threads)
        self._check_pins(epoch)
        looks = DeviceLooks(
            device=device,
            condition=self.condition.name,
            models=prepared.models,
            plan=self._plan(threads),
            night=tonight.number,
            sentinel=prepared.sentinel,
            sentinel_reference_ms=epoch.sentinel_reference_ms,
            pairs=tonight.pairs,
            without_pictures=prepared.seeded,
            again_after_s=60 * suite.measure.look_again_after_min,
            listener=tonight.listener,
        )
        return DeviceTurn(
            tonight.history, suite.name, tonight.number, epoch, tonight.rules(), looks,
            booted_at=None if up_s is None else now - timedelta(seconds=up_s),
        )  # fmt: skip

    def _epoch(self, device: Device, threads: int) -> Epoch:
        """Of the device as it is; a new one is told of."""
        tonight, sentinel = self.tonight, self.tonight.prepared.sentinel
        profile = device.profile().model_dump(mode="json")
        profile |= {"threads": threads, "cpus": list(self.condition.cpus)}
        epoch, is_new = tonight.history.epoch(
            tonight.suite.name, tonight.number, device.serial, self.condition.name, profile,
            sentinel.manifest.sha256 if sentinel else "",
        )  # fmt: skip
        if is_new and epoch.reason != "first night on this device":
            self._notes.append(
                f"a new baseline starts on {device.serial}: {epoch.reason}; earlier nights are "
                "kept, and not compared with"
            )
        return epoch

    def _check_pins(self, epoch: Epoch) -> None:
        """A pin from when the device was another one cannot hold; say so."""
        history = self.tonight.history
        place = self.tonight.suite.name, epoch.device, epoch.condition
        wanted = {trail.pinned for trail in history.trails(*place, nights=()).values()}
        if self.tonight.choices.since is None:
            wanted.add(self.tonight.suite.judge.baseline)
        baselines = sorted(night for night in wanted if night is not None)
        trails = history.trails(*place, nights=baselines) if baselines else {}
        for night in baselines:
            epochs = {t.epochs[night] for t in trails.values() if night in t.epochs}
            if epochs and epoch.number not in epochs:
                self._notes.append(
                    f"the baseline of night {night} was measured on {epoch.device} as it was "
                    f"before ({epoch.reason}): it is not compared with; accept a night since "
                    f"night {epoch.first_night} instead"
                )

    def _plan(self, threads: int) -> MeasurePlan:
        spec = self.tonight.suite.measure
        return MeasurePlan(
            sessions=self._sessions(),
            threads=threads,
            cpus=self.condition.cpus,
            timeout_s=spec.timeout_s,
            cooldown_s=spec.cooldown_s,
            lease_wait_s=spec.lease_wait_s,
            timing=TimingPlan(min_iterations=spec.min_iterations, min_time_s=spec.min_time_s),
        )

    def _sessions(self) -> int:
        """As many as the suite wants; fewer where the last night says they would not fit."""
        tonight, spec = self.tonight, self.tonight.suite.measure
        took_s = tonight.history.last_session_s(tonight.suite.name, self.name, self.condition.name)
        if spec.budget_min is None or took_s is None:
            return spec.sessions
        share_s = 60 * spec.budget_min / tonight.places
        models = max(1, len(tonight.prepared.models))
        fit = max(LEAST_SESSIONS, int(share_s / (took_s * models)))
        if fit < spec.sessions:
            self._notes.append(
                f"{fit} instead of {spec.sessions} sessions on {self.name}, to fit the night's "
                f"{spec.budget_min:g} minutes"
            )
        return min(fit, spec.sessions)


def _rank(kind: str) -> int:
    return _PREFERRED.index(kind) if kind in _PREFERRED else len(_PREFERRED)
