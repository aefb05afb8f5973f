"""Whether the screen goes off while something is measured, and the big cores with it."""

from __future__ import annotations

import re

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
_RESTORE = """\
case "$1" in
  null) settings delete global stay_on_while_plugged_in;;
  *) settings put global stay_on_while_plugged_in "$1";;
esac > /dev/null 2>&1
settings get global stay_on_while_plugged_in
"""
_PRIOR = re.compile(r"\d{1,2}|null")


class StayAwake(Settable):
    """`svc power stayon usb`: the screen stays on while the cable is in."""

    name = "stay_awake"
    question = _GET

    def __init__(self) -> None:
        self._refused = False

    def reading(self, answer: str, facts: Facts) -> Reading:
        found = _value(answer)
        if found is None:
            said = f"not told: {why_not_told(answer)}"
            return Reading(self.name, said, (Flag.STAY_AWAKE_UNKNOWN,))
        if found not in ("0", "null"):
            return Reading(self.name, "on")
        if self._refused:
            return Reading(self.name, "off, and we may not switch it on", (Flag.MAY_SLEEP,))
        return Reading(self.name, "off; switched on while timing")

    def prior(self, shell: Shell) -> str | None:
        found = _value(shell.script(_GET).text)
        return found if found in ("0", "null") else None

    def set(self, shell: Shell) -> bool:
        # What the shell may not change, as on phones of some makers, it refuses without a word.
        answer = shell.script(f"svc power stayon usb > /dev/null 2>&1; {_GET}")
        self._refused = _value(answer.text) in ("0", "null")
        return not self._refused

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
