"""The power service's words for the screen and the settings beside it, version by version."""

from __future__ import annotations

import subprocess

import pytest
from plain_phone import PHONE, phone

from device_runner.conditions.awake import Screen, StayAwake
from device_runner.conditions.base import State
from device_runner.conditions.performance import FixedPerformance

_OFF = ("screen_off",)
_UNKNOWN = ("screen_unknown",)


@pytest.mark.parametrize(
    ("answer", "text", "flags"),
    [
        ("  mWakefulness=Awake\n  mWakefulnessChanging=false\n", "on", ()),
        ("  mWakefulness=Asleep\n  mWakefulnessChanging=false\n", "off (asleep)", _OFF),
        ("  mWakefulness=Dozing\n", "off (dozing)", _OFF),
        ("  mWakefulness=Dreaming\n", "off (dreaming)", _OFF),
        ("  getWakefulnessLocked()=Asleep\n", "off (asleep)", _OFF),
        ("  getWakefulnessLocked()=Awake\n  mWakefulnessChanging=true\n", "on", ()),
        ("  mGlobalWakefulness=Asleep\n", "off (asleep)", _OFF),
        ("  getGlobalWakefulnessLocked()=Awake\n", "on", ()),
        ("  mWakefulnessRaw=Dozing\n", "off (dozing)", _OFF),
        ("  mWakefulness=WAKEFULNESS_ASLEEP\r\n", "off (asleep)", _OFF),
        ("  mWakefulness=AWAKE\n", "on", ()),
        ("  mWakefulness=0\n", "off (asleep)", _OFF),
        ("  mWakefulness=1\n", "on", ()),
        ("  mWakefulness=Awake\nDisplay Power: state=OFF\n", "off (dark)", _OFF),
        ("  mWakefulness=Awake\nDisplay Power: state=ON\n", "on", ()),
        ("Display Power: state=ON\n", "on", ()),
        ("  mScreenOn=true\n", "on", ()),
        ("  mScreenOn=false\n", "off (dark)", _OFF),
        ("  mWakefulness=Sleepwalking\n", "not told: its words for it are not known", _UNKNOWN),
        ("  mWakefulnessChanging=false\n", "not told: its words for it are not known", _UNKNOWN),
        (
            "Permission Denial: can't dump PowerManager from pid=1, uid=2000\n",
            "not told: it does not let the shell ask", _UNKNOWN,
        ),
        ("Can't find service: power\n", "not told: it has no such service", _UNKNOWN),
        ("", "not told: it says nothing", _UNKNOWN),
        ("\x00Awake\x1b[2J\n", "not told: its words for it are not known", _UNKNOWN),
    ],
)  # fmt: skip
def test_screen_forms(answer: str, text: str, flags: tuple[str, ...]) -> None:
    reading = Screen().reading(answer, PHONE)
    assert (reading.text, reading.flags) == (text, flags)
    assert bool(reading.advice) == bool(flags)
    assert (reading.state is State.UNKNOWN) == (flags == _UNKNOWN)


def test_what_is_asked_for_passes_the_filter_of_the_question() -> None:
    words = "  getWakefulnessLocked()=Asleep\nDisplay Power: state=ON\nPermission Denial: no\n"
    filtered = Screen.question.replace("dumpsys power", "cat")
    done = subprocess.run(["sh", "-c", filtered], input=words + "other\n" * 99, text=True,
                          capture_output=True)  # fmt: skip
    assert done.stdout == words


@pytest.mark.parametrize(
    ("answer", "text", "state"),
    [
        ("0\n", "off; switched on while timing", State.FINE),
        ("null\n", "off; switched on while timing", State.FINE),
        ("7\n", "on", State.FINE),
        ("15\r\n", "on", State.FINE),
        ("2\n", "off; switched on while timing", State.FINE),
        ("", "not told: it says nothing", State.UNKNOWN),
        ("$(reboot)", "not told: its words for it are not known", State.UNKNOWN),
        (
            "java.lang.SecurityException: Permission Denial", "not told: it does not let the shell "
            "ask", State.UNKNOWN,
        ),
        ("cmd: Can't find service: settings\n", "not told: it has no such service", State.UNKNOWN),
        ("/system/bin/sh: settings: not found\n", "not told: it has no such service",
         State.UNKNOWN),
        ("true", "not told: its words for it are not known", State.UNKNOWN),
        ("-1", "not told: its words for it are not known", State.UNKNOWN),
        ("1000", "not told: its words for it are not known", State.UNKNOWN),
    ],
)  # fmt: skip
def test_stay_awake_forms(answer: str, text: str, state: State) -> None:
    reading = StayAwake().reading(answer, PHONE)
    assert (reading.text, reading.state) == (text, state)
    assert bool(reading.advice) == bool(reading.flags) == (state is not State.FINE)


_POWER = "  AC powered: {ac}\n  USB powered: {usb}\n  Wireless powered: false\n"


@pytest.mark.parametrize(
    ("value", "ac", "usb", "text", "flags"),
    [
        ("2", False, True, "on", ()),
        ("3", True, False, "on", ()),
        # A port that gives much counts as a charger: what holds for USB does not hold there.
        ("2", True, False, "off; switched on while timing", ()),
        ("1", False, True, "off; switched on while timing", ()),
        ("0", False, True, "off; switched on while timing", ()),
        ("7", False, False, "off, for it is not on power", ("may_sleep",)),
    ],
)
def test_staying_on_counts_for_what_powers_the_phone(
    value: str, ac: bool, usb: bool, text: str, flags: tuple[str, ...]
) -> None:
    answer = f"{value}\n" + _POWER.format(ac=str(ac).lower(), usb=str(usb).lower())
    reading = StayAwake().reading(answer, PHONE)
    assert (reading.text, reading.flags) == (text, flags)


def test_an_android_without_fixed_performance_has_its_clocks_free() -> None:
    for sdk, flags in ((29, ("clocks_free",)), (30, ()), (None, ())):
        assert FixedPerformance().reading("", phone(sdk=sdk)).flags == flags
