"""One device's share of a night: what was seen, a second look at suspects, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from foundation.errors import DeviceFailure
from nightly.history import History
from nightly.judging.cases import Rules
from nightly.judging.judge import DeviceJudge
from nightly.records import DeviceNight, Epoch, Observation, Verdict

# Suspects are few: their second look takes so many times the sessions of the first.
SECOND_LOOK = 2
LookAgain = Callable[[Sequence[str]], Mapping[str, Observation]]


@dataclass(frozen=True)
class Settled:
    """What one device gave tonight."""

    device_night: DeviceNight
    epoch: Epoch
    observations: tuple[Observation, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


def settle(
    history: History,
    suite: str,
    night: int,
    epoch: Epoch,
    rules: Rules,
    seen: DeviceNight,
    looks: Mapping[str, Observation],
    look_again: LookAgain,
) -> Settled:
    """Judge the models of one device, with a second look at suspects, and store what was seen.

    A device that fails during the second look leaves its suspects unconfirmed; what was seen
    before is kept.
    """
    nights = history.judged_nights(
        suite,
        seen.device,
        seen.condition,
        epoch.number,
        baseline_nights=rules.baseline_nights,
        baseline=rules.baseline,
    )
    trails = history.trails(suite, seen.device, seen.condition, nights=nights)
    judge = DeviceJudge(
        device=seen.device,
        condition=seen.condition,
        night=night,
        past=trails,
        looks=looks,
        epoch=epoch.number,
        rules=rules,
        restless=history.restless_nights(suite, seen.device, seen.condition),
    )
    notes = []
    if damaged := sum(trail.damaged for trail in trails.values()):
        notes.append(
            f"{damaged} readings of earlier nights on {seen.device} are damaged and were left out"
        )
    unsteady = judge.unsteady
    if unsteady > 1:
        notes.append(
            f"an unsteady night on {seen.device}: the models scattered {unsteady:.1f} times as "
            "much as on other nights, and were judged with that much more doubt"
        )
    if judge.new_level:
        notes.append(
            f"a new level of {seen.device}: nearly all models moved in one night, some up and some "
            "down, as after a restart; from the next night on they are compared with the nights "
            "since tonight. If a runtime or a compiler changed, look at what it did"
        )
    second: Mapping[str, Observation] = {}
    if suspects := judge.suspects():
        try:
            second = look_again(suspects)
        except DeviceFailure as error:
            notes.append(f"no second look on {seen.device}: {error}")
    verdicts = judge.verdicts(second)
    observations = (*looks.values(), *second.values())
    seen = replace(seen, unsteady=unsteady)
    history.add(suite, night, epoch.number, seen, observations)
    return Settled(seen, epoch, observations, tuple(verdicts), tuple(notes))
