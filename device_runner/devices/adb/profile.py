"""What a phone is: read in one go, bounded and cleaned, for it is the phone that says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.quoting import shown
from device_runner.errors import DeviceLost
from device_runner.records import DeviceKind

_MAX_CPUS = 256
# One round trip. A file that SELinux hides gives an empty value.
_SCRIPT = """\
for name in ro.product.manufacturer ro.product.model ro.soc.manufacturer ro.soc.model \\
    ro.board.platform ro.hardware ro.product.cpu.abi ro.build.version.release \\
    ro.build.version.sdk ro.build.fingerprint ro.build.type ro.debuggable ro.kernel.qemu \\
    ro.boot.qemu; do
  echo "$name=$(getprop "$name" | head -n 1)"
done
while read -r name value unit; do
  [ "$name" = MemTotal: ] && echo "ram_kb=$value"
done < /proc/meminfo
for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
  echo "${cpu##*/}=$(cat "$cpu/cpufreq/cpuinfo_max_freq" 2>/dev/null)"
  echo "capacity_${cpu##*/}=$(cat "$cpu/cpu_capacity" 2>/dev/null)"
done
"""


@dataclass(frozen=True)
class Cluster:
    """Cores of one kind. The two numbers are 0 where the phone does not tell."""

    cpus: tuple[int, ...]
    max_khz: int
    capacity: int


@dataclass(frozen=True)
class Hardware:
    """The phone without the runner."""

    kind: DeviceKind
    model: str
    soc: str
    abi: str
    android: str
    sdk: int
    os_build: str
    build_type: str
    debuggable: bool
    ram_mb: int
    # Slowest first.
    clusters: tuple[Cluster, ...]

    @property
    def cores(self) -> int:
        """All cores."""
        return sum(len(cluster.cpus) for cluster in self.clusters)

    @property
    def big_cpus(self) -> tuple[int, ...]:
        """Every core that is not of the slowest kind; all, where there is one kind only."""
        chosen = self.clusters[1:] or self.clusters
        return tuple(sorted(cpu for cluster in chosen for cpu in cluster.cpus))


def read_hardware(connection: Connection) -> Hardware:
    """Ask the device.

    Raises:
        DeviceLost: it does not answer, or with nothing that makes sense.
    """
    lines = connection.script(_SCRIPT, doing="asked what it is").text.splitlines()
    facts = {key: shown(value.strip()) for key, _, value in (line.partition("=") for line in lines)}
    if not facts.get("ro.product.cpu.abi"):
        raise DeviceLost(
            f"device {connection.shown} does not say which ABI it has: is it an Android device "
            "that has finished booting? wait until its home screen shows"
        )
    release, build = facts.get("ro.build.version.release", ""), facts["ro.build.fingerprint"]
    emulated = "1" in (facts.get("ro.kernel.qemu"), facts.get("ro.boot.qemu"))
    return Hardware(
        kind="emulator" if emulated or connection.serial.startswith("emulator-") else "phone",
        model=_join(facts.get("ro.product.manufacturer"), facts.get("ro.product.model"))
        or "unknown phone",
        soc=_join(facts.get("ro.soc.manufacturer"), facts.get("ro.soc.model"))
        or facts.get("ro.board.platform")
        or facts.get("ro.hardware")
        or "unknown SoC",
        abi=facts["ro.product.cpu.abi"],
        android=release,
        sdk=_number(facts.get("ro.build.version.sdk")),
        os_build=f"Android {release} {build}".strip()[:200],
        build_type=facts.get("ro.build.type", ""),
        debuggable=facts.get("ro.debuggable") == "1",
        ram_mb=max(1, _number(facts.get("ram_kb")) // 1024),
        clusters=_clusters(facts),
    )


def _join(maker: str | None, name: str | None) -> str:
    if maker and name and not name.lower().startswith(maker.lower()):
        return f"{maker} {name}"[:200]
    return name or maker or ""


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,15}", text) else 0


def _clusters(facts: dict[str, str]) -> tuple[Cluster, ...]:
    kinds: dict[tuple[int, int], list[int]] = {}
    for key, value in facts.items():
        match = re.fullmatch(r"cpu(\d{1,4})", key)
        if match and int(match[1]) < _MAX_CPUS:
            kind = (_number(facts.get(f"capacity_{key}")), _number(value))
            kinds.setdefault(kind, []).append(int(match[1]))
    if not kinds:
        return (Cluster((0,), 0, 0),)
    # Capacity where the kernel tells it, else frequency: a big core is not always the faster
    # clocked, but without capacities nothing better is known.
    return tuple(
        Cluster(tuple(sorted(cpus)), khz, capacity)
        for (capacity, khz), cpus in sorted(kinds.items())
    )
