"""What a search did with each of its devices: the record in `devices.json`, and its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from device_runner import Device
from foundation.records import VersionedRecord
from search.scheduling.station import Station


class DeviceUse(BaseModel):
    """One device in one search.

    Attributes:
        pushed: bytes and artifacts (`device_runner.PushTotals`); None where nothing is pushed.
        troubles: how often it failed in the middle of something; more in `troubles.jsonl`.
        given_up: whether the search ended without it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial: str = Field(max_length=200)
    profile_key: str
    pushed: dict[str, int] | None
    troubles: int
    given_up: bool


class DeviceUses(VersionedRecord):
    """Every device of the latest search in a run directory."""

    kind: ClassVar[str] = "search-devices"
    version: ClassVar[int] = 1

    devices: tuple[DeviceUse, ...]


def record_uses(stations: Sequence[Station], path: Path) -> None:
    """Write down what was done with the devices. Raises `RequestError` where it cannot be."""
    DeviceUses(devices=tuple(map(_use, stations))).save(path)


def _use(station: Station) -> DeviceUse:
    pushed = station.device.pushed
    return DeviceUse(
        serial=station.serial[:200],
        profile_key=station.device.profile().key,
        pushed=None if pushed is None else pushed.to_dict(),
        troubles=station.troubles,
        given_up=station.gone,
    )


def sentences(stations: Sequence[Station]) -> list[str]:
    """What a person is told of each device at the end."""
    told = []
    for station in stations:
        pushed = station.device.pushed
        if pushed is not None:
            told.append(pushed.sentence(station.serial))
        if station.troubles:
            times = "once" if station.troubles == 1 else f"{station.troubles} times"
            told.append(f"Device {station.serial} failed {times} in the course of it.")
    return told


def group_by_profile(devices: Sequence[Device]) -> dict[str, list[Device]]:
    """Profile key -> its devices, in the order given: only these may share a study."""
    groups: dict[str, list[Device]] = {}
    for device in devices:
        groups.setdefault(device.profile().key, []).append(device)
    return groups
