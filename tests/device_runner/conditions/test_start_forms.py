"""What a phone says of its own start, and what is made of it."""

from __future__ import annotations

import pytest
from plain_phone import PHONE

from device_runner.conditions.base import State
from device_runner.conditions.start import Started, uptime_in

_STARTING = ("just_started",)
_UNKNOWN = ("start_unknown",)
_DONE = "[sys.boot_completed]: [1]\n"
_ZYGOTE = "[init.svc.zygote]: [running]\n"
_LONG = "5000.21 31000.90\n"


@pytest.mark.parametrize(
    ("answer", "text", "flags"),
    [
        (_DONE + _LONG, "finished", ()),
        (_DONE + _ZYGOTE + "[init.svc.bootanim]: [stopped]\n" + _LONG, "finished", ()),
        (_DONE.replace("\n", "\r\n") + "5000.21 31000.90\r\n", "finished", ()),
        ("[dev.bootcomplete]: [1]\n" + _ZYGOTE + _LONG, "finished", ()),
        (_DONE, "finished", ()),
        (_DONE + "cat: /proc/uptime: Permission denied\n", "finished", ()),
        (_DONE + "180.00 700.00\n", "finished", ()),
        (_DONE + "179.99 700.00\n", "finished, 179 s after its begin", _STARTING),
        (_DONE + "42\n", "finished, 42 s after its begin", _STARTING),
        (_ZYGOTE + "31.20 80.11\n", "has not finished starting", _STARTING),
        ("[sys.boot_completed]: []\n31.20 80.11\n", "has not finished starting", _STARTING),
        ("[sys.boot_completed]: [0]\n" + _LONG, "has not finished starting", _STARTING),
        (
            _DONE + "[init.svc.bootanim]: [running]\n" + _LONG,
            "has not finished starting", _STARTING,
        ),
        (_LONG, "not told: it says nothing", _UNKNOWN),
        ("", "not told: it says nothing", _UNKNOWN),
        ("sh: getprop: not found\n" + _LONG, "not told: it has no such service", _UNKNOWN),
        ("grep: Permission denied\n", "not told: it does not let the shell ask", _UNKNOWN),
        ("[sys.boot_completed]: [1\n", "not told: its words for it are not known", _UNKNOWN),
    ],
)  # fmt: skip
def test_start_forms(answer: str, text: str, flags: tuple[str, ...]) -> None:
    reading = Started().reading(answer, PHONE)
    assert (reading.text, reading.flags) == (text, flags)
    assert (reading.state is State.UNKNOWN) == (flags == _UNKNOWN)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [("x\n7.50 3.00\n", 7), ("7.50\n", 7), ("-7.50 3\n", None), ("7 days\n", None), ("", None)],
)
def test_the_time_since_the_start(answer: str, seconds: int | None) -> None:
    assert uptime_in(answer) == seconds
