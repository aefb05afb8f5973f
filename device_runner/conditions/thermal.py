"""How hot the phone says it is."""

from __future__ import annotations

import re

from device_runner.conditions.base import Condition, Facts, Reading, Shell

STATUS_NAMES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
_STATUS = re.compile(r"Thermal Status:\s*(\d)")
_TEMPERATURE = re.compile(r"mValue=(-?\d+(?:\.\d+)?),.{0,40}?mName=([\w.-]{1,40})")
_MOST = 4


class ThermalStatus(Condition):
    """Android's own thermal status (API 29 and later): 0 is none, anything else throttles."""

    name = "thermal"

    def available(self, facts: Facts) -> bool:
        return facts.sdk >= 29

    def read(self, shell: Shell, facts: Facts) -> Reading | None:
        text = shell.script("dumpsys thermalservice").text
        match = _STATUS.search(text)
        if match is None:
            return None
        status = min(int(match[1]), len(STATUS_NAMES) - 1)
        # What the hardware says now, not what was last announced.
        current = text.partition("Current temperatures")[2] or text
        degrees = ", ".join(
            f"{name} {float(value):.0f} °C" for value, name in _TEMPERATURE.findall(current)[:_MOST]
        )
        said = f"status {status} ({STATUS_NAMES[status]})" + (f", {degrees}" if degrees else "")
        if status == 0:
            return Reading(self.name, said)
        return Reading(
            self.name,
            said,
            ("throttled",),
            "it is too hot to measure: take it out of its case and off the charger, let it cool",
        )
