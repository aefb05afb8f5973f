"""How the kernel clocks the cores: read only, for changing it takes root."""

from __future__ import annotations

import re

from device_runner.conditions.base import Condition, Facts, Reading
from device_runner.flags import Flag

# Read by the shell itself: a process for each file of each core would take as long as a session.
_QUESTION = """\
get() { value=; { read -r value < "$1"; } 2>/dev/null; }
cd /sys/devices/system/cpu || exit
for name in online present; do get $name; echo "$name=$value"; done
for cpu in cpu[0-9]*; do
  line=
  for name in scaling_governor scaling_max_freq cpuinfo_max_freq; do
    get "$cpu/cpufreq/$name"; line="$line $value"
  done
  echo "cpu=${line# }"
done
"""
_CPU = re.compile(r"^cpu=([\w.-]{1,40}) (\d{1,9}) (\d{1,9})$", re.MULTILINE)
_RANGE = re.compile(r"^(online|present)=([\d,-]{1,100})$", re.MULTILINE)


class CpuFrequencies(Condition):
    """Governors, capped clocks and sleeping cores."""

    name = "cpu"
    question = _QUESTION

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        ranges = dict(_RANGE.findall(answer))
        found = _CPU.findall(answer)
        if not found and not ranges:
            return None
        parts, flags = [], []
        if governors := sorted({governor for governor, _, _ in found}):
            parts.append("governor " + ", ".join(governors))
        if capped := sum(int(now) < int(full) for _, now, full in found):
            parts.append(f"{capped} cores clocked down")
            flags.append(Flag.CLOCKS_CAPPED)
        if len(ranges) == 2 and ranges["online"] != ranges["present"]:
            parts.append(f"cores {ranges['online']} of {ranges['present']} are on")
            flags.append(Flag.CORES_OFFLINE)
        return Reading(self.name, "; ".join(parts) or "does not tell", tuple(flags))
