"""How hot the phone says it is."""

from __future__ import annotations

import math
import re

from device_runner.conditions.base import Condition, Facts, Reading, why_not_told
from device_runner.flags import Flag

STATUS_NAMES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
_STATUS = re.compile(r"^[ \t]*Thermal Status:[ \t]*(\d{1,3})[ \t\r]*$", re.MULTILINE)
_BY_HAND = re.compile(r"^[ \t]*IsStatusOverride:[ \t]*true[ \t\r]*$", re.MULTILINE)
_NO_SENSORS = re.compile(r"^[ \t]*HAL Ready:[ \t]*false[ \t\r]*$", re.MULTILINE)
# One of `android.os.Temperature`. Cooling devices and thresholds have other names in front.
_TEMPERATURE = re.compile(
    r"\bTemperature\{mValue=([^,{}\n]{1,30}), mType=(-?\d{1,3}), mName=([^,{}\n]{1,40})[,}]"
)
_SKIN = "3"
# What a sensor in a phone may read; beyond, it is not read in degrees, or not connected.
_PLAUSIBLE_C = (-40.0, 150.0)
_MOST = 4
_UNDO = "undo it: cmd thermalservice reset"


class ThermalStatus(Condition):
    """Android's own thermal status (Android 10 and later): 0 is none, anything else throttles.

    The service computes it from the skin sensors alone: where none is listed it stays 0 for ever.
    """

    name = "thermal"
    question = "dumpsys thermalservice"

    def reading(self, answer: str, facts: Facts) -> Reading:
        match = _STATUS.search(answer)
        status = int(match[1]) if match else None
        if status is None or status >= len(STATUS_NAMES):
            return _unknown(f"not told: {why_not_told(answer)}")
        said = f"status {status} ({STATUS_NAMES[status]})"
        if status > 0:
            if _BY_HAND.search(answer):
                said += f", set by hand ({_UNDO})"
            return Reading(self.name, said + _degrees(answer), (Flag.THROTTLED,))
        if _BY_HAND.search(answer):
            return _unknown(f"not told: its status was set by hand ({_UNDO})")
        if _NO_SENSORS.search(answer):
            return _unknown("not told: its sensors are not open to Android")
        if _SKIN not in {kind for _, kind, _ in _TEMPERATURE.findall(answer)}:
            return _unknown("not told: no sensor of its skin is open to Android")
        return Reading(self.name, said + _degrees(answer))


def _unknown(text: str) -> Reading:
    return Reading(ThermalStatus.name, text, (Flag.THERMAL_UNKNOWN,))


def _degrees(answer: str) -> str:
    """What the hardware says now, or else what was last announced; begins with a comma."""
    current = _TEMPERATURE.findall(answer.partition("Current temperatures")[2])
    found = []
    for value, _, name in current or _TEMPERATURE.findall(answer):
        try:
            celsius = float(value)
        except ValueError:
            continue
        if math.isfinite(celsius) and _PLAUSIBLE_C[0] <= celsius <= _PLAUSIBLE_C[1]:
            found.append(f", {name.strip()} {celsius:.0f} °C")
    return "".join(found[:_MOST])
