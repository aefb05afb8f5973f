"""How much is in the battery, and whether it is being charged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from device_runner.conditions.base import Condition, Facts, Reading, why_not_told
from device_runner.flags import Flag

LOW_PERCENT = 25
HOT_C = 40.0
_NUMBER = re.compile(
    r"^[ \t]*(level|scale|temperature|status):[ \t]*(-?\d{1,10})[ \t\r]*$", re.MULTILINE
)
_ABSENT = re.compile(r"^[ \t]*present:[ \t]*false[ \t\r]*$", re.MULTILINE)
_POWERED = re.compile(r"^[ \t]*(\w{1,20}) powered:[ \t]*true[ \t\r]*$", re.MULTILINE)
# What `dumpsys battery set` leaves behind, until `dumpsys battery reset`.
_BY_HAND = "UPDATES STOPPED"
# A battery beyond has burst, or is not read in tenths of a degree.
_PLAUSIBLE_C = (-40.0, 100.0)
# android.os.BatteryManager: on a cable, and yet not charged.
_NOT_CHARGED = {3: "discharging", 4: "not charged"}


@dataclass
class _Findings:
    """What the answer comes to, put together bit by bit."""

    said: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)


class Battery(Condition):
    """A phone that saves its battery is a slower phone."""

    name = "battery"
    question = 'dumpsys battery; echo "saver: $(settings get global low_power 2>/dev/null)"'

    def reading(self, answer: str, facts: Facts) -> Reading:
        dump, _, saver = answer.rpartition("saver:")
        numbers: dict[str, int] = {}
        # Makers append sections of their own: Android's comes first.
        for key, value in _NUMBER.findall(dump):
            numbers.setdefault(key, int(value))
        found = _Findings()
        if _ABSENT.search(dump):
            found.said.append(f"none; powered by {_sources(dump) or 'what it has'}")
        elif "level" not in numbers and "temperature" not in numbers:
            found.said.append(f"not told: {why_not_told(dump)}")
            found.flags.append(Flag.BATTERY_UNKNOWN)
        else:
            _charge(dump, numbers, found)
            _temperature(numbers, found)
        _saver(saver.strip(), found)
        if found.missing:
            found.said.append(f"not told: {', '.join(found.missing)}")
            if Flag.BATTERY_UNKNOWN not in found.flags:
                found.flags.append(Flag.BATTERY_UNKNOWN)
        return Reading(self.name, ", ".join(found.said), tuple(found.flags))


def _sources(dump: str) -> str:
    return ", ".join(_POWERED.findall(dump))


def _charge(dump: str, numbers: dict[str, int], found: _Findings) -> None:
    level, scale = numbers.get("level", -1), numbers.get("scale", 0)
    if 0 <= level <= scale and scale > 0:
        percent = round(100 * level / scale)
        found.said.append(f"{percent} %")
        if percent < LOW_PERCENT:
            found.flags.append(Flag.LOW_BATTERY)
    else:
        found.missing.append("how full it is")
    sources, refused = _sources(dump), _NOT_CHARGED.get(numbers.get("status", 0))
    if not sources:
        found.said.append("not charging")
    else:
        found.said.append(
            f"on power ({sources}), {refused}" if refused else f"charging ({sources})"
        )
    if _BY_HAND in dump:
        found.missing.append(
            "its true state, for it was set by hand (undo it: dumpsys battery reset)"
        )


def _temperature(numbers: dict[str, int], found: _Findings) -> None:
    tenths = numbers.get("temperature")
    if tenths is None or not _PLAUSIBLE_C[0] <= tenths / 10 <= _PLAUSIBLE_C[1]:
        found.missing.append("its temperature")
        return
    found.said.append(f"{tenths / 10:.1f} °C")
    if tenths / 10 > HOT_C:
        found.flags.append(Flag.BATTERY_HOT)


def _saver(answer: str, found: _Findings) -> None:
    if answer == "1":
        found.flags.append(Flag.BATTERY_SAVER)
    elif answer not in ("0", "null"):
        found.missing.append("battery saver")
