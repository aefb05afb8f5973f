"""How the kernel clocks the cores: read only, for changing it takes root."""

from __future__ import annotations

import re

from device_runner.conditions.base import Condition, Facts, Reading
from device_runner.flags import Flag
from foundation.wording import count_of

# Read by the shell itself: a process for each file of each core would take as long as a session.
_QUESTION = """\
get() { value=; { read -r value < "$1"; } 2>/dev/null; }
cd /sys/devices/system/cpu || exit
for name in online present; do get $name; echo "$name=$value"; done
for cpu in cpu[0-9]*; do
  line=${cpu#cpu}
  for name in scaling_governor scaling_max_freq cpuinfo_max_freq; do
    get "$cpu/cpufreq/$name"; line="$line|$value"
  done
  echo "cpu=$line"
done
"""
_CPU = re.compile(r"^cpu=(\d{1,4})\|([^|\n]{0,60})\|([^|\n]{0,60})\|([^|\n]{0,60})$", re.MULTILINE)
_RANGE = re.compile(r"^(online|present)=([\d,-]{1,100})$", re.MULTILINE)
_KHZ = re.compile(r"[1-9]\d{0,8}")
_MOST_CPUS = 4096


class CpuFrequencies(Condition):
    """Governors, capped clocks and sleeping cores."""

    name = "cpu"
    question = _QUESTION

    def reading(self, answer: str, facts: Facts) -> Reading:
        ranges = {name: _cpus(text) for name, text in _RANGE.findall(answer)}
        online, present = ranges.get("online"), ranges.get("present")
        asleep = present - online if present and online else frozenset()
        listed = {int(cpu): rest for cpu, *rest in _CPU.findall(answer)}
        awake = [rest for cpu, rest in listed.items() if cpu not in asleep]
        told = [
            (gov, now, full)
            for gov, now, full in awake
            if _KHZ.fullmatch(now) and _KHZ.fullmatch(full)
        ]
        parts, flags = [], []
        if governors := sorted({gov for gov, _, _ in awake if re.fullmatch(r"[\w.-]+", gov)}):
            parts.append("governor " + ", ".join(governors))
        if capped := sum(int(now) < int(full) for _, now, full in told):
            parts.append(f"{count_of(capped, 'core')} clocked down")
            flags.append(Flag.CLOCKS_CAPPED)
        if asleep:
            parts.append(f"{len(asleep)} of {len(present or ())} cores off ({_words(asleep)})")
            flags.append(Flag.CORES_OFFLINE)
        hidden = len(awake) - len(told)
        if hidden or not told or not online or not present:
            parts.append(_hidden(hidden, len(awake), bool(online and present)))
            flags.append(Flag.CLOCKS_UNKNOWN)
        if facts.unknown_cpus:
            parts.append(f"cores {_words(facts.unknown_cpus)} do not tell how fast they are")
            flags.append(Flag.CORES_UNKNOWN)
        return Reading(self.name, "; ".join(parts), tuple(flags))


def _hidden(hidden: int, awake: int, ranges_told: bool) -> str:
    if not ranges_told:
        return "which cores are on is not told"
    if hidden in (0, awake):
        return "clocks are not told"
    return f"clocks of {count_of(hidden, 'core')} are not told"


def _cpus(text: str) -> frozenset[int] | None:
    """The CPUs of a list as the kernel writes it, "0-3,6"; None where it is none."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        if match is None or int(match[2] or match[1]) >= _MOST_CPUS:
            return None
        found |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(found) or None


def _words(cpus: frozenset[int] | tuple[int, ...]) -> str:
    """CPU numbers as the kernel writes them: "4-6, 9"."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)
