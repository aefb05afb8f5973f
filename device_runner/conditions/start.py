"""Whether the phone has finished starting, and has had time to calm down from it."""

from __future__ import annotations

import re

from device_runner.conditions.base import Condition, Facts, Reading, why_not_told
from device_runner.flags import Flag
from device_runner.launching.kernel_facts import UPTIME

# adb answers long before Android does, and what a start leaves to do goes on behind the lock
# screen: apps that wake, files that are looked through, code that is compiled.
CALM_S = 180
_PROPERTY = re.compile(
    r"^\[(sys\.boot_completed|dev\.bootcomplete|init\.svc\.[\w-]{1,60})\]: "
    r"\[([^\]\r\n]{0,60})\]\r?$",
    re.MULTILINE,
)
_UPTIME = re.compile(r"^(\d{1,12})(?:\.\d{1,9})?(?: \d{1,15}(?:\.\d{1,9})?)?\r?$", re.MULTILINE)


def uptime_in(answer: str) -> int | None:
    """Seconds since the kernel started, in an answer to `Started.question`; None where untold."""
    found = _UPTIME.search(answer)
    return int(found[1]) if found else None


class Started(Condition):
    """`sys.boot_completed`, which Android sets last of all; and for how long the kernel runs."""

    name = "start"
    # Plain words: toybox 0.8 finds nothing by a pattern that begins with '^.'.
    question = (
        f"getprop | grep -e boot_completed -e bootcomplete -e bootanim -e zygote; cat {UPTIME}"
    )

    def reading(self, answer: str, facts: Facts) -> Reading:
        told = dict(_PROPERTY.findall(answer))
        done = "1" in (told.get("sys.boot_completed"), told.get("dev.bootcomplete"))
        # Android starts anew by itself as well, under a kernel that runs on.
        if told.get("init.svc.bootanim") == "running" or (told and not done):
            return Reading(self.name, "has not finished starting", (Flag.JUST_STARTED,))
        if not done:
            why = why_not_told(_UPTIME.sub("", answer))
            return Reading(self.name, f"not told: {why}", (Flag.START_UNKNOWN,))
        seconds = uptime_in(answer)
        if seconds is not None and seconds < CALM_S:
            said = f"finished, {seconds} s after its begin"
            return Reading(self.name, said, (Flag.JUST_STARTED,))
        return Reading(self.name, "finished")
