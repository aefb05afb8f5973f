"""How much is in the battery, and whether it is being charged."""

from __future__ import annotations

import re

from device_runner.conditions.base import Condition, Facts, Reading
from device_runner.flags import Flag

LOW_PERCENT = 25
HOT_C = 40.0
_NUMBER = re.compile(r"^\s*(level|scale|temperature|saver):\s*(-?\d{1,6})\s*$", re.MULTILINE)
_ABSENT = re.compile(r"^\s*present:\s*false\s*$", re.MULTILINE)
_POWERED = re.compile(r"^\s*(\w+) powered:\s*true\s*$", re.MULTILINE)


class Battery(Condition):
    """A phone that saves its battery is a slower phone."""

    name = "battery"
    question = 'dumpsys battery; echo "saver: $(settings get global low_power)"'

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        numbers = {key: int(value) for key, value in _NUMBER.findall(answer)}
        sources = _POWERED.findall(answer)
        if _ABSENT.search(answer):
            return Reading(self.name, f"none; powered by {', '.join(sources) or 'what it has'}")
        if "level" not in numbers:
            return None
        percent = round(100 * numbers["level"] / (numbers.get("scale") or 100))
        celsius = numbers.get("temperature", 0) / 10
        charge = f"charging ({', '.join(sources)})" if sources else "not charging"
        found = {
            Flag.LOW_BATTERY: percent < LOW_PERCENT,
            Flag.BATTERY_HOT: celsius > HOT_C,
            Flag.BATTERY_SAVER: numbers.get("saver") == 1,
        }
        said = f"{percent} %, {charge}, {celsius:.1f} °C"
        return Reading(self.name, said, tuple(flag for flag, holds in found.items() if holds))
