"""Which cores a phone has, and which of them are of one kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_MAX_CPUS = 256
# For every core, "core=NUMBER|capacity|kHz|cores of its policy"; what cannot be read is empty. A
# core that sleeps has no cpufreq folder of its own, but its fellows' names it.
CORES_SCRIPT = """\
get() { value=; { read -r value < "$1"; } 2>/dev/null; }
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
  line=${cpu##*/cpu}
  for name in cpu_capacity cpufreq/cpuinfo_max_freq cpufreq/related_cpus; do
    get "$cpu/$name"; line="$line|$value"
  done
  echo "core=$line"
done
"""
_CORE = re.compile(r"core=(\d{1,4})\|([^|]*)\|([^|]*)\|([^|]*)")
_NUMBER = re.compile(r"[1-9]\d{0,14}")


@dataclass(frozen=True)
class Cluster:
    """Cores of one kind. A number is 0 where the phone does not tell it."""

    cpus: tuple[int, ...]
    max_khz: int
    capacity: int


@dataclass(frozen=True)
class Cores:
    """All cores. `clusters` are those whose speed can be compared, slowest first; empty where
    none can. `unknown` are the others: nobody knows how fast they are, so they are not called slow.
    """

    clusters: tuple[Cluster, ...]
    unknown: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many there are, whether they are awake or not."""
        return sum(len(cluster.cpus) for cluster in self.clusters) + len(self.unknown)


@dataclass(frozen=True)
class _Core:
    capacity: int
    khz: int


def read_cores(lines: list[str]) -> Cores:
    """Cores from the lines of `CORES_SCRIPT`; other lines are skipped, and nothing is believed."""
    found: dict[int, _Core] = {}
    fellows: dict[int, tuple[int, ...]] = {}
    for line in lines:
        match = _CORE.fullmatch(line.strip())
        if match is None or int(match[1]) >= _MAX_CPUS:
            continue
        cpu = int(match[1])
        found[cpu] = _Core(_number(match[2]), _number(match[3]))
        fellows[cpu] = tuple(map(int, re.findall(r"\d{1,4}", match[4])))
    return _sorted(_completed(found, fellows))


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text.strip()) else 0


def _completed(
    found: Mapping[int, _Core], fellows: Mapping[int, tuple[int, ...]]
) -> dict[int, _Core]:
    """What a core does not tell, its fellows of the same policy tell: they are of one kind."""
    known = dict(found)
    for cpu, others in fellows.items():
        for other in others:
            if other in known:
                one, fellow = known[other], found[cpu]
                known[other] = _Core(one.capacity or fellow.capacity, one.khz or fellow.khz)
    # Without a policy that names it: a capacity that goes with one clock only tells the clock.
    clocks: dict[int, set[int]] = {}
    for one in known.values():
        if one.capacity and one.khz:
            clocks.setdefault(one.capacity, set()).add(one.khz)
    for cpu, one in known.items():
        if not one.khz and len(clocks.get(one.capacity, ())) == 1:
            known[cpu] = _Core(one.capacity, next(iter(clocks[one.capacity])))
    return known


def _sorted(cores: Mapping[int, _Core]) -> Cores:
    """By capacity where the kernel tells it, else by clock: a big core is not always the faster
    clocked, but without capacities nothing better is known.
    """
    telling = {cpu: one for cpu, one in cores.items() if one.capacity or one.khz}
    by_capacity = all(one.capacity for one in telling.values())
    by_clock = all(one.khz for one in telling.values())
    if not (by_capacity or by_clock):
        telling = {}
    kinds: dict[tuple[int, int], list[int]] = {}
    for cpu, one in telling.items():
        kind = (one.capacity, one.khz) if by_capacity else (0, one.khz)
        kinds.setdefault(kind, []).append(cpu)
    return Cores(
        tuple(
            Cluster(tuple(sorted(cpus)), khz, capacity)
            for (capacity, khz), cpus in sorted(kinds.items())
        ),
        tuple(sorted(set(cores) - set(telling))),
    )
