"""Whether the screen goes off while something is measured, and the big cores with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device_runner.conditions.base import (
    Condition,
    Facts,
    Reading,
    Settable,
    Shell,
    why_not_told,
)
from device_runner.flags import Flag

_GET = "settings get global stay_on_while_plugged_in"
_QUESTION = f"{_GET}; dumpsys battery | grep -m 10 -e powered:"
_RESTORE = """\
case "$1" in
  null) settings delete global stay_on_while_plugged_in;;
  *) settings put global stay_on_while_plugged_in "$1";;
esac > /dev/null 2>&1
settings get global stay_on_while_plugged_in
"""
_PRIOR = re.compile(r"\d{1,2}|null")
_SOURCE = re.compile(
    r"^[ \t]*(AC|USB|Wireless|Dock) powered:[ \t]*(true|false)[ \t\r]*$", re.MULTILINE
)
# android.os.BatteryManager.BATTERY_PLUGGED_*: the setting is a sum of these.
_BITS = {"AC": 1, "USB": 2, "Wireless": 4, "Dock": 8}
# A computer's port is the one or the other, by what it can give.
_CABLE = _BITS["AC"] | _BITS["USB"]


@dataclass(frozen=True)
class _Stay:
    """The setting as it is written, and what the phone is powered by; None where it is untold."""

    value: str
    powered: int | None

    @property
    def on(self) -> bool:
        """Whether it counts for all that powers the phone, or for any cable where none is told."""
        wanted = self.powered or _CABLE
        return self.value != "null" and int(self.value) & wanted == wanted


def _stay(answer: str) -> _Stay | None:
    value = _value(answer.partition("\n")[0])
    sources = _SOURCE.findall(answer)
    powered = sum({_BITS[name] for name, on in sources if on == "true"}) if sources else None
    return None if value is None else _Stay(value, powered)


class StayAwake(Settable):
    """`svc power stayon true`: the screen stays on while the phone is on power, of any kind.

    On its battery it goes off whatever is set.
    """

    name = "stay_awake"
    question = _QUESTION

    def __init__(self) -> None:
        self._refused = False

    def reading(self, answer: str, facts: Facts) -> Reading:
        found = _stay(answer)
        if found is None:
            said = f"not told: {why_not_told(answer)}"
            return Reading(self.name, said, (Flag.STAY_AWAKE_UNKNOWN,))
        if found.powered == 0:
            return Reading(self.name, "off, for it is not on power", (Flag.MAY_SLEEP,))
        if found.on:
            return Reading(self.name, "on")
        if self._refused:
            return Reading(self.name, "off, and we may not switch it on", (Flag.MAY_SLEEP,))
        return Reading(self.name, "off; switched on while timing")

    def prior(self, shell: Shell) -> str | None:
        found = _stay(shell.script(_QUESTION).text)
        return None if found is None or found.on else found.value

    def set(self, shell: Shell) -> bool:
        # What the shell may not change, as on phones of some makers, it refuses without a word.
        found = _stay(shell.script(f"svc power stayon true > /dev/null 2>&1; {_QUESTION}").text)
        self._refused = found is not None and not found.on
        return found is None or found.value not in ("0", "null")

    def restore(self, shell: Shell, prior: str) -> bool:
        if not _PRIOR.fullmatch(prior):
            return True
        return _value(shell.script(_RESTORE, prior).text) == prior


def _value(answer: str) -> str | None:
    found = answer.strip()
    return found if _PRIOR.fullmatch(found) else None


# The power service's words for it changed from version to version, and with the maker.
_WAKEFULNESS = re.compile(
    r"^[ \t]*(?:m(?:Global)?Wakefulness(?:Raw)?|get(?:Global)?Wakefulness(?:Locked)?\(\))"
    r"[ \t]*=[ \t]*(?:WAKEFULNESS_)?(\w{1,20})[ \t\r]*$",
    re.MULTILINE | re.IGNORECASE,
)
_DISPLAY = re.compile(r"^[ \t]*Display Power: state=(\w{1,20})[ \t\r]*$", re.MULTILINE)
_OLD_SCREEN = re.compile(r"^[ \t]*mScreenOn=(true|false)[ \t\r]*$", re.MULTILINE)
# android.os.PowerManagerInternal: the numbers are those of its constants.
_WORDS = {
    "awake": "awake", "asleep": "asleep", "dreaming": "dreaming", "dozing": "dozing",
    "0": "asleep", "1": "awake", "2": "dreaming", "3": "dozing",
}  # fmt: skip


class Screen(Condition):
    """Whether the screen is on: with it off, Android takes clocks and big cores away."""

    name = "screen"
    # All that it says would be long, on some phones.
    question = "dumpsys power | grep -m 20 -e akefulness -e 'Display Power: state' "
    question += "-e mScreenOn -e Denial"

    def reading(self, answer: str, facts: Facts) -> Reading:
        words = [_WORDS.get(found.lower()) for found in _WAKEFULNESS.findall(answer)]
        known = next((word for word in words if word), None)
        display = _DISPLAY.search(answer)
        old = _OLD_SCREEN.search(answer)
        # Awake with its screen dark: so it is in a pocket, or at an ear.
        dark = (display is not None and display[1] in ("OFF", "DOZE", "DOZE_SUSPEND")) or (
            old is not None and old[1] == "false"
        )
        if dark or known not in (None, "awake"):
            how = known if known not in (None, "awake") else "dark"
            return Reading(self.name, f"off ({how})", (Flag.SCREEN_OFF,))
        lit = (display is not None and display[1] == "ON") or (old is not None and old[1] == "true")
        if known == "awake" or lit:
            return Reading(self.name, "on")
        return Reading(self.name, f"not told: {why_not_told(answer)}", (Flag.SCREEN_UNKNOWN,))
