"""Whether the screen goes off while something is measured, and the big cores with it."""

from __future__ import annotations

import re

from device_runner.conditions.base import Facts, Reading, Settable, Shell

_GET = "settings get global stay_on_while_plugged_in"
_PRIOR = re.compile(r"\d{1,2}|null")


class StayAwake(Settable):
    """`svc power stayon usb`: the screen stays on while the cable is in."""

    name = "stay_awake"

    def read(self, shell: Shell, facts: Facts) -> Reading | None:
        found = self._value(shell)
        if found is None:
            return None
        on = found not in ("0", "null")
        return Reading(self.name, "on" if on else "off; switched on while timing")

    def prior(self, shell: Shell) -> str | None:
        found = self._value(shell)
        return found if found in ("0", "null") else None

    def set(self, shell: Shell) -> None:
        shell.script("svc power stayon usb")

    def restore(self, shell: Shell, prior: str) -> None:
        if prior == "null":
            shell.script("settings delete global stay_on_while_plugged_in")
        elif _PRIOR.fullmatch(prior):
            shell.script('settings put global stay_on_while_plugged_in "$1"', prior)

    def _value(self, shell: Shell) -> str | None:
        found = shell.script(_GET).text.strip()
        return found if _PRIOR.fullmatch(found) else None
