"""A device's turn in a night: a look at its models, a judgement, a second look, the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from foundation.errors import DeviceFailure, RequestError
from foundation.wording import count_of
from nightly.history import History
from nightly.judging.cases import Rules
from nightly.judging.judge import DeviceJudge
from nightly.look import Look, Looks
from nightly.metrics import LATENCY
from nightly.records import DeviceNight, Epoch, Observation, Status, Verdict


@dataclass(frozen=True)
class TurnResult:
    """What one device under one condition gave tonight.

    Where nothing could be measured, `device_night.failure` says why, and the rest is empty.
    `refusal` is there where the request did not fit the device, or no such device was found.
    """

    device_night: DeviceNight
    epoch: Epoch | None = None
    observations: tuple[Observation, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: RequestError | None = None


@dataclass
class DeviceTurn:
    """One device under one condition in one night, in the order of `run`. Used once.

    Attributes:
        epoch: what the device is tonight; it names the device and the condition.
        looks: measures; whatever it finds is judged and stored here.
        booted_at: when the device was started; None where it does not tell.
    """

    history: History
    suite: str
    night: int
    epoch: Epoch
    rules: Rules
    looks: Looks
    booted_at: datetime | None = None
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
        if first.not_told:
            self._notes.append(
                f"the runner on {self.epoch.device} does not tell {' and '.join(first.not_told)}: "
                "nobody watches that there"
            )
        judge = self._judge(first.observations)
        unsteady = self._unsteady(judge)
        second = self._second_look(judge.suspects())
        verdicts = judge.verdicts(second)
        self._suspect_restart(judge, verdicts)
        seen = DeviceNight(
            self.epoch.device, self.epoch.condition, sentinel_ms=first.sentinel_ms,
            session_s=first.session_s, unsteady=unsteady, flags=first.flags,
            booted_at=self.booted_at,
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
            boots=self._boots(),
        )

    def _boots(self) -> Mapping[int, datetime]:
        """When the device was started, tonight and before, as far as it told."""
        place = self.suite, self.epoch.device, self.epoch.condition
        tonight = {} if self.booted_at is None else {self.night: self.booted_at}
        return self.history.boots(*place) | tonight

    def _unsteady(self, judge: DeviceJudge) -> float:
        if judge.unsteady > 1:
            self._notes.append(
                f"an unsteady night on {self.epoch.device}: the models scattered "
                f"{judge.unsteady:.1f} times as much as on other nights, and were judged with "
                "that much more doubt"
            )
        for night in judge.new_levels:
            self._notes.append(self._new_level(night, judge.restarted))
        return judge.unsteady

    def _new_level(self, night: int, restart: bool | None) -> str:
        tonight = night == self.night
        when = "tonight" if tonight else f"night {night}"
        why = {
            True: ", as it restarted",
            False: "",
            None: ", some up and some down, as after a restart (it does not tell whether it did)",
        }[restart if tonight else True]
        return (
            f"a new level of {self.epoch.device} since {when}: nearly all models moved{why}; from "
            "then on they are compared with the nights since. If a runtime or a compiler changed, "
            "look at what it did"
        )

    def _suspect_restart(self, judge: DeviceJudge, verdicts: Sequence[Verdict]) -> None:
        """What got worse with a restart, without most others, may be the restart's doing."""
        worse = {
            verdict.series.model
            for verdict in verdicts
            if verdict.metric == LATENCY.name
            and verdict.status in (Status.REGRESSION, Status.UNCONFIRMED)
            and verdict.since in (None, self.night)
        }
        if judge.restarted and self.night not in judge.new_levels and worse:
            self._notes.append(
                f"{self.epoch.device} restarted since it was last measured, and not all models "
                f"moved: that {count_of(len(worse), 'looks', 'look')} worse may be the restart's "
                "doing, which lays programs out anew in memory; restart it once more to find out"
            )

    def _second_look(self, suspects: list[str]) -> Mapping[str, Observation]:
        if not suspects:
            return {}
        try:
            return self.looks.again(suspects).observations
        except DeviceFailure as error:
            self._notes.append(f"no second look on {self.epoch.device}: {error}")
            return {}
