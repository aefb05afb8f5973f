"""Whether the screen goes off while something is measured, and the big cores with it."""

from __future__ import annotations

import re

from device_runner.conditions.base import Condition, Facts, Reading, Settable, Shell
from device_runner.flags import Flag

_GET = "settings get global stay_on_while_plugged_in"
_PRIOR = re.compile(r"\d{1,2}|null")
_WAKEFULNESS = re.compile(r"\bmWakefulness=(Awake|Asleep|Dreaming|Dozing)\b")


class StayAwake(Settable):
    """`svc power stayon usb`: the screen stays on while the cable is in."""

    name = "stay_awake"
    question = _GET

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        found = _value(answer)
        if found is None:
            return None
        on = found not in ("0", "null")
        return Reading(self.name, "on" if on else "off; switched on while timing")

    def prior(self, shell: Shell) -> str | None:
        found = _value(shell.script(_GET).text)
        return found if found in ("0", "null") else None

    def set(self, shell: Shell) -> None:
        shell.script("svc power stayon usb")

    def restore(self, shell: Shell, prior: str) -> None:
        if prior == "null":
            shell.script("settings delete global stay_on_while_plugged_in")
        elif _PRIOR.fullmatch(prior):
            shell.script('settings put global stay_on_while_plugged_in "$1"', prior)


def _value(answer: str) -> str | None:
    found = answer.strip()
    return found if _PRIOR.fullmatch(found) else None


class Screen(Condition):
    """Whether the screen is on: with it off, Android takes clocks and big cores away."""

    name = "screen"
    # All that it says would be long, on some phones.
    question = "dumpsys power | grep -m 1 mWakefulness="

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        match = _WAKEFULNESS.search(answer)
        if match is None:
            return None
        if match[1] == "Awake":
            return Reading(self.name, "on")
        return Reading(self.name, f"off ({match[1].lower()})", (Flag.SCREEN_OFF,))
