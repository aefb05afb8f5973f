"""How hot the phone says it is."""

from __future__ import annotations

import re

from device_runner.conditions.base import Condition, Facts, Reading
from device_runner.flags import Flag

STATUS_NAMES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
_STATUS = re.compile(r"Thermal Status:\s*(\d)")
# The service answers 0 for ever where the phone's maker has given it nothing to ask.
_NO_SENSORS = re.compile(r"HAL Ready:\s*false")
_TEMPERATURE = re.compile(r"mValue=(-?\d+(?:\.\d+)?),.{0,40}?mName=([\w.-]{1,40})")
_MOST = 4


class ThermalStatus(Condition):
    """Android's own thermal status (API 29 and later): 0 is none, anything else throttles."""

    name = "thermal"
    question = "dumpsys thermalservice"

    def available(self, facts: Facts) -> bool:
        return facts.sdk >= 29

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        match = _STATUS.search(answer)
        if match is None:
            return None
        if _NO_SENSORS.search(answer):
            said = "not told: its sensors are not open to Android"
            return Reading(self.name, said, (Flag.THERMAL_UNKNOWN,))
        status = min(int(match[1]), len(STATUS_NAMES) - 1)
        # What the hardware says now, not what was last announced.
        current = answer.partition("Current temperatures")[2] or answer
        degrees = ", ".join(
            f"{name} {float(value):.0f} °C" for value, name in _TEMPERATURE.findall(current)[:_MOST]
        )
        said = f"status {status} ({STATUS_NAMES[status]})" + (f", {degrees}" if degrees else "")
        return Reading(self.name, said, (Flag.THROTTLED,) if status else ())
