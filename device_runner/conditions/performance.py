"""Android's fixed-performance mode: clocks that the phone can sustain, instead of bursts."""

from __future__ import annotations

import re

from device_runner.conditions.base import Facts, Reading, Settable, Shell
from device_runner.flags import Flag

_SET = 'cmd power set-fixed-performance-mode-enabled "$1" 2>&1'
# Such a phone has no such mode, and cannot be in it.
_ABSENT = re.compile(r"unknown command|failed to set", re.IGNORECASE)
_REFUSED = re.compile(r"exception|denied|denial|not found", re.IGNORECASE)
FIRST_SDK = 30


class FixedPerformance(Settable):
    """Android 11 and later, where the maker supports it. Android does not tell whether it is on."""

    name = "fixed_performance"

    def __init__(self) -> None:
        self._refused = False
        self._on = False

    def available(self, facts: Facts) -> bool:
        return facts.sdk is None or facts.sdk >= FIRST_SDK

    def reading(self, answer: str, facts: Facts) -> Reading:
        if self._on:
            return Reading(self.name, "on, by us, until the lease ends")
        if self._refused or not self.available(facts):
            return Reading(self.name, "not supported by this phone", (Flag.CLOCKS_FREE,))
        return Reading(self.name, "not told by Android; switched on while timing")

    def prior(self, shell: Shell) -> str | None:
        return None if self._refused else "false"

    def set(self, shell: Shell) -> bool:
        answer = shell.script(_SET, "true")
        self._on = answer.exit_code == 0 and not _refusal(answer.text)
        self._refused = not self._on
        return self._on

    def restore(self, shell: Shell, prior: str) -> bool:
        answer = shell.script(_SET, "false")
        done = (answer.exit_code == 0 and not _refusal(answer.text)) or bool(
            _ABSENT.search(answer.text)
        )
        self._on = self._on and not done
        return done


def _refusal(words: str) -> bool:
    return bool(_ABSENT.search(words) or _REFUSED.search(words))
