"""Android's fixed-performance mode: clocks that the phone can sustain, instead of bursts."""

from __future__ import annotations

from device_runner.conditions.base import Facts, Reading, Settable, Shell
from device_runner.flags import Flag

_SET = 'cmd power set-fixed-performance-mode-enabled "$1"'


class FixedPerformance(Settable):
    """API 30 and later, where the maker supports it. Android does not tell whether it is on."""

    name = "fixed_performance"

    def __init__(self) -> None:
        self._refused = False
        self._on = False

    def available(self, facts: Facts) -> bool:
        return facts.sdk >= 30

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        if self._on:
            return Reading(self.name, "on, by us, until the lease ends")
        if self._refused:
            return Reading(self.name, "not supported by this phone", (Flag.CLOCKS_FREE,))
        return Reading(self.name, "off; switched on while timing")

    def prior(self, shell: Shell) -> str | None:
        return None if self._refused else "false"

    def set(self, shell: Shell) -> None:
        answer = shell.script(_SET, "true")
        self._refused = answer.exit_code != 0 or "Unknown command" in answer.text
        self._on = not self._refused

    def restore(self, shell: Shell, prior: str) -> None:
        shell.script(_SET, "false")
        self._on = False
