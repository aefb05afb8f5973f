"""What the kernel says about this process and this machine: memory marks, clocks, heat, CPUs.

Everything here is a reading that may be missing; nothing is guessed. Used by the Python runner
in its own process and, for the profile, by `host`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
import os
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CPU = Path("/sys/devices/system/cpu")
_MADV_POPULATE_READ = 22  # linux/mman.h
_THERMAL = Path("/sys/class/thermal")
_GROUPS, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


UPTIME = Path("/proc/uptime")


def parsed_uptime_s(text: str) -> float | None:
    """Seconds since the start, as `/proc/uptime` has them first; None for anything else."""
    try:
        found = float(text.split()[0])
    except (ValueError, IndexError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


def uptime_s() -> float | None:
    """Seconds since this machine was started, suspended ones too; None off Linux."""
    try:
        return parsed_uptime_s(UPTIME.read_text(errors="replace"))
    except OSError:
        return None


def _status_mb(field: str) -> float | None:
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def rss_mb() -> float:
    """Resident memory of this process now."""
    found = _status_mb("VmRSS")
    if found is not None:
        return found
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


def peak_rss_mb() -> float:
    """The kernel's high-water mark of resident memory, since the last reset if there was one."""
    found = _status_mb("VmHWM")
    if found is not None:
        return found
    import resource

    # macOS counts in bytes, others in KiB.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def address_space_mb() -> float | None:
    """Virtual memory of this process, or None off Linux."""
    return _status_mb("VmSize")


def reset_peak_rss() -> bool:
    """Bring the high-water mark down to the present. False where the kernel does not offer it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def release_free_memory() -> None:
    """Give freed heap back to the kernel, lest the model live in it and look smaller than it is."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def make_libraries_resident() -> None:
    """Map all pages of the loaded libraries, lest their code count as the model's memory.

    How many are mapped otherwise depends on how the process came to be: a fork starts without
    its parent's clean pages. Takes 40 ms with torch loaded; does nothing before Linux 5.14.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            if ".so" in line:
                begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                libc.madvise(
                    ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), _MADV_POPULATE_READ
                )


def affinity() -> list[int]:
    """CPUs that this process may run on; empty where the system does not say."""
    if sys.platform.startswith("linux"):
        return sorted(os.sched_getaffinity(0))
    return []


def cpu_freq_mhz() -> list[float]:
    """Current frequency of each CPU by cpufreq; empty without it (virtual machines, macOS)."""
    return _numbers(_CPU, "cpu[0-9]*/cpufreq/scaling_cur_freq", 1000.0)


def temperature_c() -> list[float]:
    """Each thermal zone's temperature; empty where there is none."""
    return _numbers(_THERMAL, "thermal_zone*/temp", 1000.0)


def _numbers(folder: Path, pattern: str, divisor: float) -> list[float]:
    found: list[float] = []
    for path in sorted(folder.glob(pattern)):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(path.read_text()) / divisor)
    return found


def ram_mb() -> int:
    """Physical memory of this machine."""
    return max(1, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20)


def physical_cores() -> int:
    """Physical cores, or what the system calls CPUs where it does not tell them apart."""
    import psutil

    return int(psutil.cpu_count(logical=False) or os.cpu_count() or 1)


def cpu_quota() -> float | None:
    """CPUs that the control groups of this process grant, or None where none sets a limit.

    A container sees its own group at the root; a service (`CPUQuota=`) or a job of a cluster is
    somewhere below, and the strictest group above it counts as well.
    """
    granted = [found for folder in _cpu_groups() if (found := _granted(folder)) is not None]
    return min(granted, default=None)


def _cpu_groups() -> list[Path]:
    """The folders of this process's groups that may bound its CPUs, of version 2 and 1."""
    found = []
    try:
        lines = _OWN_GROUPS.read_text().splitlines()
    except OSError:
        lines = []
    for line in ["0::/", *lines]:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Version 2 has all controllers in one tree, version 1 a tree for each.
        for root in [_GROUPS, *([_GROUPS / controllers, _GROUPS / "cpu"] if controllers else [])]:
            here = root / path.lstrip("/")
            found += [folder for folder in (here, *here.parents) if folder.is_relative_to(root)]
    return list(dict.fromkeys(found))


def _granted(folder: Path) -> float | None:
    try:
        if (both := folder / "cpu.max").exists():
            quota, period = both.read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        granted = None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
    # Version 1 says -1 for no limit.
    return granted if granted is not None and granted > 0 else None
