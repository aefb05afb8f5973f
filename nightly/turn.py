"""A device's turn in a night: a look at its models, a judgement, a second look, the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from foundation.errors import DeviceFailure
from nightly.history import History
from nightly.judging.cases import Rules
from nightly.judging.judge import DeviceJudge
from nightly.look import Look, Looks
from nightly.records import DeviceNight, Epoch, Observation, Verdict


@dataclass(frozen=True)
class TurnResult:
    """What one device under one condition gave tonight.

    Where nothing could be measured, `device_night.failure` says why, and the rest is empty.
    """

    device_night: DeviceNight
    epoch: Epoch | None = None
    observations: tuple[Observation, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class DeviceTurn:
    """One device under one condition in one night, in the order of `run`. Used once.

    Attributes:
        epoch: what the device is tonight; it names the device and the condition.
        looks: measures; whatever it finds is judged and stored here.
    """

    history: History
    suite: str
    night: int
    epoch: Epoch
    rules: Rules
    looks: Looks
    _notes: list[str] = field(default_factory=list)

    def run(self) -> TurnResult:
        """Look, judge, look again at what is suspicious, store.

        A device that fails during the second look leaves its suspects unconfirmed; what was seen
        before is kept.

        Raises:
            foundation.DeviceFailure: in the first look; nothing was stored.
        """
        first = self.looks.first()
        self._fix_reference(first)
        judge = self._judge(first.observations)
        unsteady = self._unsteady(judge)
        second = self._second_look(judge.suspects())
        verdicts = judge.verdicts(second)
        seen = DeviceNight(
            self.epoch.device, self.epoch.condition, sentinel_ms=first.sentinel_ms,
            session_s=first.session_s, unsteady=unsteady, flags=first.flags,
        )  # fmt: skip
        observations = (*first.observations.values(), *second.values())
        self.history.add(self.suite, self.night, self.epoch.number, seen, observations)
        return TurnResult(seen, self.epoch, observations, tuple(verdicts), tuple(self._notes))

    def _fix_reference(self, first: Look) -> None:
        """What the sentinel took in the first night of an epoch holds for the later ones."""
        if self.epoch.sentinel_reference_ms is None and first.sentinel_ms is not None:
            self.history.set_sentinel_reference(self.epoch.number, first.sentinel_ms)

    def _judge(self, looks: Mapping[str, Observation]) -> DeviceJudge:
        """Knows of the past what tonight is compared with."""
        place = self.suite, self.epoch.device, self.epoch.condition
        nights = self.history.judged_nights(
            *place,
            self.epoch.number,
            baseline_nights=self.rules.baseline_nights,
            baseline=self.rules.baseline,
        )
        trails = self.history.trails(*place, nights=nights)
        if damaged := sum(trail.damaged for trail in trails.values()):
            self._notes.append(
                f"{damaged} readings of earlier nights on {self.epoch.device} are damaged and "
                "were left out"
            )
        return DeviceJudge(
            device=self.epoch.device,
            condition=self.epoch.condition,
            night=self.night,
            past=trails,
            looks=looks,
            epoch=self.epoch.number,
            rules=self.rules,
            restless=self.history.restless_nights(*place),
        )

    def _unsteady(self, judge: DeviceJudge) -> float:
        if judge.unsteady > 1:
            self._notes.append(
                f"an unsteady night on {self.epoch.device}: the models scattered "
                f"{judge.unsteady:.1f} times as much as on other nights, and were judged with "
                "that much more doubt"
            )
        if judge.new_level:
            self._notes.append(
                f"a new level of {self.epoch.device}: nearly all models moved in one night, some "
                "up and some down, as after a restart; from the next night on they are compared "
                "with the nights since tonight. If a runtime or a compiler changed, look at what "
                "it did"
            )
        return judge.unsteady

    def _second_look(self, suspects: list[str]) -> Mapping[str, Observation]:
        if not suspects:
            return {}
        try:
            return self.looks.again(suspects).observations
        except DeviceFailure as error:
            self._notes.append(f"no second look on {self.epoch.device}: {error}")
            return {}
