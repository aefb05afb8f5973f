"""What `devices` prints: one row a device, ready or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from device_runner.bundles.choice import how_to_have
from device_runner.conditions import Reading
from device_runner.conditions.held import left_behind_sentence
from device_runner.device import Device, ThreadChoice
from device_runner.devices.adb.bundle import NO_RUNNER
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.profile import Hardware
from device_runner.devices.discovery import Survey
from device_runner.devices.simulated.presets import PRESETS
from device_runner.errors import DeviceLost, DeviceRunnerError
from device_runner.records import DeviceProfile
from foundation import MobileSRTuneError
from foundation.wording import count_of

if TYPE_CHECKING:
    from rich.table import Table

_MOST_AT_ONCE = 32
_T = TypeVar("_T")


@dataclass(frozen=True)
class Row:
    """One device. `profile` is missing where it cannot be used; `advice` says what to do."""

    serial: str
    state: str
    advice: str = ""
    profile: DeviceProfile | None = None
    threads: ThreadChoice | None = None
    hardware: Hardware | None = None
    conditions: tuple[Reading, ...] = field(default=())
    left_behind: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        row: dict[str, object] = {"serial": self.serial, "state": self.state}
        if self.advice:
            row["advice"] = self.advice
        if self.profile is not None and self.threads is not None:
            row |= {
                "profile": self.profile.model_dump(mode="json"),
                "profile_key": self.profile.key,
                "threads": self.threads.threads,
                "note": self.profile.stand_in_note,
            }
        if self.hardware is not None:
            row["clusters"] = [
                {"cpus": list(one.cpus), "max_khz": one.max_khz, "capacity": one.capacity}
                for one in self.hardware.clusters
            ]
            row["left_behind"] = list(self.left_behind)
            row["unknown_cpus"] = list(self.hardware.unknown_cpus)
            row["conditions"] = [
                {
                    "name": one.name,
                    "state": one.state,
                    "text": one.text,
                    "flags": list(one.flags),
                    "advice": one.advice,
                }
                for one in self.conditions
            ]
        return row


def _side_by_side(devices: Sequence[Device], do: Callable[[Device], _T]) -> list[_T]:
    """Do it with every device at once, so that one that does not answer delays no other."""
    if not devices:
        return []
    with ThreadPoolExecutor(min(len(devices), _MOST_AT_ONCE)) as pool:
        return list(pool.map(do, devices))


def look(found: Survey, lost: Mapping[str, str] = MappingProxyType({})) -> list[Row]:
    """Ask every device what it is; one that fails becomes a row that says so.

    `lost` are serials of those that have just failed to answer, with why: none is asked again.
    """
    asked = [device for device in found.devices if device.serial not in lost]
    rows = _side_by_side(asked, _row)
    rows += [Row(serial, "not answering", why) for serial, why in lost.items()]
    return rows + [Row(one.serial, one.state, one.advice) for one in found.unready]


def _row(device: Device) -> Row:
    try:
        with device:
            profile, threads = device.profile(), device.suggest_threads()
            if not isinstance(device, AdbDevice):
                return Row(device.serial, "ready", profile=profile, threads=threads)
            user = device.user()
            conditions = tuple(device.conditions())
            left = () if user else device.left_behind()
            advice = [left_behind_sentence(device.serial, left).rstrip(".")] if left else []
            if profile.runner == NO_RUNNER:
                advice.append(how_to_have(profile.abi))
            return Row(
                device.serial,
                f"in use by {user}" if user else "ready",
                "; ".join(advice),
                profile=profile,
                threads=threads,
                hardware=device.hardware(),
                conditions=conditions,
                left_behind=left,
            )
    except DeviceRunnerError as error:
        return Row(device.serial, "not answering", str(error))


def clean_all(found: Survey) -> dict[str, str]:
    """Remove our folder from every phone that is ready, and restore what was changed there.

    Returns:
        The serials of those that do not answer, with why: what `look` takes.
    """
    from foundation.console import err

    phones = [device for device in found.devices if isinstance(device, AdbDevice)]
    lost = {}
    for device, outcome in zip(phones, _side_by_side(phones, _cleaned), strict=True):
        if isinstance(outcome, DeviceLost):
            # Said in its row.
            lost[device.serial] = str(outcome)
        else:
            err.say(str(outcome))
    return lost


def _cleaned(device: Device) -> str | MobileSRTuneError:
    try:
        return f"{device.serial}: removed {device.clean() / 2**20:.1f} MB."
    except MobileSRTuneError as error:
        return error


def show(rows: list[Row], problem: str) -> None:
    """Print a table, and below it what there is to know and to do."""
    from foundation.console import out

    out.print(_table(rows, out.width))
    for row in rows:
        told = [f"{one.name} {one.text}" for one in row.conditions]
        if row.threads is not None:
            told.insert(0, f"{count_of(row.threads.threads, 'thread')}, {row.threads.why}")
        if row.profile is not None and _is_narrow(rows, out.width):
            cores, memory, runtime = _hardware(row, row.profile)
            told.insert(0, f"{cores} cores, {memory}, {runtime}")
        if told:
            out.say(f"{row.serial}: {'; '.join(told)}.")
        advised = [one for one in row.conditions if one.advice]
        # Several conditions may ask for the same; whose advice it is must be seen.
        todo = [row.advice, *(f"because of {one.name}, {one.advice}" for one in advised)]
        for sentence in filter(None, todo):
            out.say(f"{row.serial}: {sentence}.")
    for note in dict.fromkeys(row.profile.stand_in_note for row in rows if row.profile):
        if note:
            out.say(note)
    if problem:
        out.say(f"Phones were not looked for: {problem}.")
    if not any(row.profile and row.profile.kind in ("phone", "emulator") for row in rows):
        names = " or ".join(f"'--device sim:{name}'" for name in PRESETS)
        out.say(f"No phone at hand? Try the tool on a simulated one: {names}.")


def _table(rows: list[Row], width: int) -> Table:
    """The rows; serials stay whole, as network phones differ in their ends only.

    Where that leaves no room for all of it, the hardware is told below the table.
    """
    from rich.table import Column, Table
    from rich.text import Text

    longest = max((len(row.serial) for row in rows), default=0)
    table = Table(
        Column("serial", overflow="fold", width=max(6, min(longest, width - 45))),
        Column("state", no_wrap=max(len(row.state) for row in rows) < 14, overflow="fold"),
        Column("kind", no_wrap=True),
        Column("model", overflow="fold"),
    )
    hardware = () if _is_narrow(rows, width) else ("cores", "RAM", "runtime")
    for name in hardware:
        table.add_column(name, overflow="fold")
    for row in rows:
        profile = row.profile
        if profile is None or row.threads is None:
            table.add_row(Text(row.serial), Text(row.state))
            continue
        model = f"{profile.model}, {profile.soc}, {profile.abi}"
        cells = (row.serial, row.state, profile.kind, model, *_hardware(row, profile))
        table.add_row(*(Text(cell) for cell in cells[: 4 + len(hardware)]))
    return table


def _is_narrow(rows: list[Row], width: int) -> bool:
    return width < 80 + max((len(row.serial) for row in rows), default=0)


def _hardware(row: Row, profile: DeviceProfile) -> tuple[str, str, str]:
    """Cores, memory and runtime, in words."""
    clusters = row.hardware.clusters if row.hardware else ()
    cores = "+".join(str(len(cluster.cpus)) for cluster in clusters) or str(profile.cores)
    if clusters and row.hardware and row.hardware.unknown_cpus:
        cores += f", {len(row.hardware.unknown_cpus)} unknown"
    return cores, f"{profile.ram_mb / 1024:.1f} GB", profile.runtime
