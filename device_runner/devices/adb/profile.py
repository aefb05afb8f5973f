"""What a phone is: read in one go, bounded and cleaned, for it is the phone that says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.cores import CORES_SCRIPT, Cluster, Cores, read_cores
from device_runner.devices.adb.kind import Kind, kind_of
from device_runner.errors import DeviceLost
from device_runner.records import DeviceKind
from foundation.wording import shown

# One round trip. A file that SELinux hides gives an empty value.
_SCRIPT = (
    """\
getprop
while read -r name value unit; do
  [ "$name" = MemTotal: ] && echo "ram_kb=$value"
done < /proc/meminfo
"""
    + CORES_SCRIPT
)
_PROPERTY = re.compile(r"\[([\w.:@-]{1,120})\]: \[([^\r\n]*?)\]?")
# What makers of cheap boards and images leave there: many devices are called so.
_NOBODYS = re.compile(r"unknown|android|emulator.*|0*|0?123456789.*", re.IGNORECASE)


@dataclass(frozen=True)
class Hardware:
    """The phone without the runner. What it does not tell is None, empty, or stands in `cores`."""

    its_kind: Kind
    model: str
    soc: str
    abi: str
    android: str
    sdk: int | None
    os_build: str
    build_type: str
    debuggable: bool | None
    ram_mb: int
    cpus: Cores
    # What the device itself calls it, whatever address adb reaches it by.
    identity: str = ""

    @property
    def kind(self) -> DeviceKind:
        return self.its_kind.kind

    @property
    def kind_because(self) -> str:
        """What its kind was concluded from; see `Kind`."""
        return self.its_kind.because

    @property
    def kind_is_sure(self) -> bool:
        """Whether it is what `kind` says."""
        return self.its_kind.sure

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Cores by kind, slowest first; without those whose speed is not known."""
        return self.cpus.clusters

    @property
    def unknown_cpus(self) -> tuple[int, ...]:
        """Cores that do not tell how fast they are."""
        return self.cpus.unknown

    @property
    def cores(self) -> int:
        """All cores."""
        return self.cpus.count

    @property
    def all_cpus(self) -> tuple[int, ...]:
        """The numbers of all cores."""
        known = [cpu for cluster in self.clusters for cpu in cluster.cpus]
        return tuple(sorted((*known, *self.unknown_cpus)))

    @property
    def big_cpus(self) -> tuple[int, ...]:
        """Every core known to be faster than the slowest kind; all known, where there is one kind
        only; all, where nothing is known.
        """
        chosen = self.clusters[1:] or self.clusters
        return tuple(sorted(cpu for cluster in chosen for cpu in cluster.cpus)) or self.all_cpus


def read_hardware(connection: Connection) -> Hardware:
    """Ask the device.

    Raises:
        DeviceLost: it does not answer, or with nothing that makes sense.
    """
    answer = connection.script(_SCRIPT, doing="asked what it is").text
    return hardware_of(answer, connection.serial)


def hardware_of(answer: str, serial: str) -> Hardware:
    """Read the answer to the question of `read_hardware`.

    Raises:
        DeviceLost: half of it is missing, as while a phone boots. Nothing is made up for it, for
            what is measured is kept by what stands here.
    """
    lines = answer.splitlines()
    found = filter(None, map(_PROPERTY.fullmatch, lines))
    facts = {match[1]: shown(match[2].strip()) for match in found}
    cores = read_cores(lines)
    ram = next((line.partition("=")[2] for line in lines if line.startswith("ram_kb=")), "")
    ram_mb = _number(ram) // 1024
    for there, what in (
        (facts.get("ro.product.cpu.abi"), "which ABI it has"),
        (ram_mb, "how much memory it has"),
        (cores.count, "which cores it has"),
    ):
        if not there:
            raise DeviceLost(
                f"device {shown(serial)} does not say {what}: is it an Android device that has "
                "finished booting? wait until its home screen shows"
            )
    release = facts.get("ro.build.version.release", "")
    build = facts.get("ro.build.fingerprint", "")
    return Hardware(
        its_kind=kind_of(facts, serial, facts["ro.product.cpu.abi"]),
        model=_join(facts.get("ro.product.manufacturer"), facts.get("ro.product.model"))
        or "unknown phone",
        soc=_join(facts.get("ro.soc.manufacturer"), facts.get("ro.soc.model"))
        or facts.get("ro.board.platform")
        or facts.get("ro.hardware")
        or "unknown SoC",
        abi=facts["ro.product.cpu.abi"],
        android=release,
        sdk=_number(facts.get("ro.build.version.sdk")) or None,
        os_build=f"Android {release} {build}".strip()[:200],
        build_type=facts.get("ro.build.type", ""),
        debuggable={"0": False, "1": True}.get(facts.get("ro.debuggable", "")),
        ram_mb=ram_mb,
        cpus=cores,
        identity=_identity(facts, serial),
    )


def _identity(facts: dict[str, str], serial: str) -> str:
    """The device's own serial; with adb's where many devices have the same one, or none."""
    own = facts.get("ro.serialno") or facts.get("ro.boot.serialno") or ""
    if _NOBODYS.fullmatch(own):
        return f"{own} at {serial}" if own else serial
    return own


def _join(maker: str | None, name: str | None) -> str:
    if maker and name and not name.lower().startswith(maker.lower()):
        return f"{maker} {name}"[:200]
    return name or maker or ""


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,15}", text) else 0
