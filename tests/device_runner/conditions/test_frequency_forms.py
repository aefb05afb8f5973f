"""What kernels tell of their clocks and cores, and which threads follow from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_phone import PHONE, phone

from device_runner.conditions.base import State
from device_runner.conditions.frequencies import CpuFrequencies
from device_runner.devices.adb.cores import Cores, read_cores
from device_runner.devices.adb.profile import Hardware


def answer(*cores: str, online: str = "0-7", present: str = "0-7") -> str:
    lines = [f"cpu={cpu}|{core}" for cpu, core in enumerate(cores)]
    return "\n".join([f"online={online}", f"present={present}", *lines]) + "\n"


_LITTLE = ("schedutil|1800000|1800000",) * 4
_BIG = ("walt|2800000|2800000",) * 4
_UNKNOWN = ("clocks_unknown",)


@pytest.mark.parametrize(
    ("told", "text", "flags"),
    [
        pytest.param(answer(*_LITTLE, *_BIG), "governor schedutil, walt", (), id="plain"),
        pytest.param(answer(*_LITTLE, *_BIG, online="0-3,4-7"), "governor schedutil, walt", (),
                     id="ranges worded otherwise"),
        pytest.param(answer(*_LITTLE, *_BIG[:2], *("walt|1400000|2800000",) * 2),
                     "governor schedutil, walt; 2 cores clocked down", ("clocks_capped",),
                     id="capped"),
        pytest.param(answer(*_LITTLE, *("sugov_ext|3000000|2800000",) * 4),
                     "governor schedutil, sugov_ext", (), id="boosted"),
        pytest.param(answer(*_LITTLE, *_BIG[:3], "||", online="0-6"),
                     "governor schedutil, walt; 1 of 8 cores off (7)", ("cores_offline",),
                     id="one asleep, its folder gone"),
        pytest.param(answer(*_LITTLE, *_BIG[:2], "||", "||", online="0-5"),
                     "governor schedutil, walt; 2 of 8 cores off (6-7)", ("cores_offline",),
                     id="two asleep"),
        pytest.param(answer(*_LITTLE, "|2800000|2800000", "|2800000|2800000", *_BIG[:2]),
                     "governor schedutil, walt", (), id="governor hidden"),
        pytest.param(answer(*_LITTLE, *("walt||2800000",) * 4),
                     "governor schedutil, walt; clocks of 4 cores are not told", _UNKNOWN,
                     id="limit hidden"),
        pytest.param(answer(*_LITTLE, *("walt|0|2800000",) * 4),
                     "governor schedutil, walt; clocks of 4 cores are not told", _UNKNOWN,
                     id="a limit of zero"),
        pytest.param(answer(*("||",) * 8), "clocks are not told", _UNKNOWN, id="no cpufreq"),
        pytest.param(answer(*("||",) * 8, online="", present=""), "which cores are on is not told",
                     _UNKNOWN, id="all hidden"),
        pytest.param(answer(*_LITTLE, *_BIG, online=""),
                     "governor schedutil, walt; which cores are on is not told", _UNKNOWN,
                     id="online hidden"),
        pytest.param(answer(*_LITTLE, *_BIG[:3], "walt|<unsupported>|2800000"),
                     "governor schedutil, walt; clocks of 1 core are not told", _UNKNOWN,
                     id="a word for a number"),
        pytest.param("cd: /sys/devices/system/cpu: Permission denied\n",
                     "which cores are on is not told", _UNKNOWN, id="denied"),
        pytest.param("", "which cores are on is not told", _UNKNOWN, id="empty"),
        pytest.param("online=9-1,x\npresent=0-99999\ncpu=1|\x1b|2|x\n",
                     "which cores are on is not told", _UNKNOWN, id="nonsense"),
    ],
)  # fmt: skip
def test_forms(told: str, text: str, flags: tuple[str, ...]) -> None:
    reading = CpuFrequencies().reading(told, PHONE)
    assert (reading.text, reading.flags) == (text, flags)
    assert bool(reading.advice) == bool(flags)
    assert (reading.state is State.UNKNOWN) == (flags == _UNKNOWN)


def test_cores_of_unknown_speed_are_told() -> None:
    facts = phone(cpus=Cores((), (0, 1, 2, 3, 5)))
    reading = CpuFrequencies().reading(answer(*_LITTLE, *_BIG), facts)
    assert "cores 0-3, 5 do not tell how fast they are" in reading.text
    assert reading.flags == ("cores_unknown",)


def cores(*told: str) -> Hardware:
    return phone(cpus=read_cores([f"core={cpu}|{one}" for cpu, one in enumerate(told)]))


_SMALL = ("400|1800000|0 1 2 3",) * 4


@pytest.mark.parametrize(
    ("told", "big", "unknown"),
    [
        # Four big and four little cores; the last one asleep, told of in several ways.
        pytest.param((*_SMALL, *("1024|2800000|4 5 6 7",) * 4), (4, 5, 6, 7), (), id="all awake"),
        pytest.param((*_SMALL, *("1024|2800000|4 5 6 7",) * 3, "||"), (4, 5, 6, 7), (),
                     id="asleep, its policy names it"),
        pytest.param((*_SMALL, *("1024|2800000|4 5 6",) * 3, "||"), (4, 5, 6), (7,),
                     id="asleep, nobody names it"),
        pytest.param((*_SMALL, *("1024|2800000|4 5 6",) * 3, "1024||"), (4, 5, 6, 7), (),
                     id="asleep, its capacity stays"),
        pytest.param((*("|1800000|0 1 2 3",) * 4, *("|2800000|4 5 6 7",) * 3, "||"), (4, 5, 6, 7),
                     (), id="clocks only"),
        pytest.param((*("|1800000|",) * 4, *("|2800000|",) * 3, "||"), (4, 5, 6), (7,),
                     id="clocks only, no policies"),
        pytest.param((*_SMALL, *("||",) * 4), (0, 1, 2, 3), (4, 5, 6, 7),
                     id="a whole cluster asleep"),
        pytest.param(("||", *_SMALL[1:], *("1024|2800000|4 5 6 7",) * 4), (4, 5, 6, 7), (),
                     id="a little one asleep"),
        # What cannot be compared is not compared.
        pytest.param((*("400||",) * 4, *("|2800000|",) * 4), tuple(range(8)), tuple(range(8)),
                     id="capacities here, clocks there"),
        pytest.param(("||",) * 8, tuple(range(8)), tuple(range(8)), id="all hidden"),
        pytest.param(("1024|2000000|0 1",) * 2, (0, 1), (), id="one kind"),
        pytest.param((*("1024|1800000|",) * 4, *("1024|2800000|",) * 4), (4, 5, 6, 7), (),
                     id="one capacity, two clocks"),
        pytest.param((*_SMALL, *("700|2500000|4 5 6",) * 3, "1024|3000000|7"), (4, 5, 6, 7), (),
                     id="three kinds"),
        pytest.param(("<unsupported>|x|9 y -1",) * 2, (0, 1), (0, 1), id="nonsense"),
    ],
)  # fmt: skip
def test_big_cores(told: tuple[str, ...], big: tuple[int, ...], unknown: tuple[int, ...]) -> None:
    hardware = cores(*told)
    assert (hardware.big_cpus, hardware.unknown_cpus) == (big, unknown)
    # The profile's key rests on it: a core that sleeps is a core.
    assert hardware.cores == len(told)
    assert hardware.all_cpus == tuple(range(len(told)))


@given(
    st.lists(st.sampled_from(["400|1800000|0 1", "1024|2800000|2 3", "||", "700||", "|9|"])),
)
def test_no_core_is_lost_or_counted_twice(told: list[str]) -> None:
    found = cores(*told)
    listed = [cpu for cluster in found.clusters for cpu in cluster.cpus] + [*found.unknown_cpus]
    assert sorted(listed) == list(range(len(told)))
    assert all(cluster.max_khz or cluster.capacity for cluster in found.clusters)


@given(st.lists(st.text(max_size=60), max_size=20))
def test_any_lines_are_read(lines: list[str]) -> None:
    assert read_cores(lines).count <= len(lines)
