"""The battery service's answer, as phones of many makers and versions word it."""

from __future__ import annotations

import pytest
from plain_phone import PHONE

from device_runner.conditions.base import State
from device_runner.conditions.battery import Battery

_AOSP = """Current Battery Service state:
  AC powered: {ac}
  USB powered: {usb}
  Wireless powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 2967000
  status: {status}
  health: 2
  present: true
  level: {level}
  scale: 100
  voltage: 4312
  temperature: {temperature}
  technology: Li-ion
"""


def aosp(
    ac: str = "false", usb: str = "true", status: int = 2, level: int = 83, temperature: int = 284
) -> str:
    return _AOSP.format(ac=ac, usb=usb, status=status, level=level, temperature=temperature)


_SAMSUNG = (
    aosp(status=5, level=100, temperature=309)
    + """\
  batterySWSelfDischarging: false
  batteryMiscEvent: 65536
  mSecPlugTypeSummary: 2
  LED Charging: true
  current now: 0
  charge counter: 2967000
  Adaptive Fast Charging Settings: true
USE_FAKE_BATTERY: false
LLB CAL: 20180831
BatteryInfoBackUp
  mSavedBatteryAsoc: 96
  mSavedBatteryMaxTemp: 534
  mSavedBatteryUsage: 132
"""
)
_MEDIATEK = (
    aosp(ac="true", usb="false", level=24, temperature=250)
    + """\
  mPlugInVolt: 5000
  mBatteryCurrent: -300
Second battery
  level: 99
  temperature: 999
"""
)
_KITKAT = """Current Battery Service state:
  AC powered: false
  USB powered: true
  status: 2
  health: 2
  present: true
  level: 55
  scale: 100
  voltage:3974
  temperature: 301
  technology: Li-ion
"""
_TV_BOX = """Current Battery Service state:
  AC powered: true
  present: false
  level: 0
  scale: 0
  temperature: 0
"""
_DOCKED = aosp(usb="false") + "  Dock powered: true\n"
_HALF = """Current Battery Service state:
  AC powered: false
  level: 80
  scale: 100
"""
_UNKNOWN = ("battery_unknown",)


@pytest.mark.parametrize(
    ("dump", "saver", "text", "flags"),
    [
        pytest.param(aosp(), "0", "83 %, charging (USB), 28.4 °C", (), id="aosp"),
        pytest.param(aosp(), "null", "83 %, charging (USB), 28.4 °C", (), id="saver never set"),
        pytest.param(_SAMSUNG, "0", "100 %, charging (USB), 30.9 °C", (), id="samsung"),
        pytest.param(
            _MEDIATEK, "0", "24 %, charging (AC), 25.0 °C", ("low_battery",), id="two batteries"
        ),
        pytest.param(_KITKAT, "0", "55 %, charging (USB), 30.1 °C", (), id="android 4"),
        pytest.param(
            _DOCKED.replace("\n", "\r\n"), "0", "83 %, charging (Dock), 28.4 °C", (),
            id="dock, carriage returns",
        ),
        pytest.param(_TV_BOX, "0", "none; powered by AC", (), id="no battery"),
        pytest.param(aosp(usb="false"), "0", "83 %, not charging, 28.4 °C", (), id="on battery"),
        pytest.param(
            aosp(status=4), "0", "83 %, on power (USB), not charged, 28.4 °C", (), id="protected"
        ),
        pytest.param(
            aosp(level=9, temperature=412), "1", "9 %, charging (USB), 41.2 °C",
            ("low_battery", "battery_hot", "battery_saver"), id="all bad",
        ),
        pytest.param(
            "Current Battery Service state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n"
            + aosp().partition("\n")[2],
            "0", "83 %, charging (USB), 28.4 °C, not told: its true state, for it was set by hand "
            "(undo it: dumpsys battery reset)", _UNKNOWN,
            id="set by hand",
        ),
        pytest.param(
            _HALF, "0", "80 %, not charging, not told: its temperature", _UNKNOWN,
            id="no temperature",
        ),
        pytest.param(
            aosp(temperature=-2147483648), "0",
            "83 %, charging (USB), not told: its temperature", _UNKNOWN, id="no sensor",
        ),
        pytest.param(
            aosp(temperature=28400), "0", "83 %, charging (USB), not told: its temperature",
            _UNKNOWN, id="millidegrees",
        ),
        pytest.param(
            aosp(level=-1), "0", "charging (USB), 28.4 °C, not told: how full it is", _UNKNOWN,
            id="no level",
        ),
        pytest.param(
            aosp().replace("scale: 100", "scale: 0"), "0",
            "charging (USB), 28.4 °C, not told: how full it is", _UNKNOWN, id="no scale",
        ),
        pytest.param(
            aosp(), "", "83 %, charging (USB), 28.4 °C, not told: battery saver", _UNKNOWN,
            id="no settings",
        ),
        pytest.param(
            aosp(level=9), "java.lang.SecurityException: Permission denial",
            "9 %, charging (USB), 28.4 °C, not told: battery saver",
            ("low_battery", "battery_unknown"), id="low, saver denied",
        ),
        pytest.param(
            "Permission Denial: can't dump BatteryService from pid=1, uid=2000\n", "0",
            "not told: it does not let the shell ask", _UNKNOWN, id="denied",
        ),
        pytest.param(
            "Can't find service: battery\n", "0", "not told: it has no such service", _UNKNOWN,
            id="no service",
        ),
        pytest.param(
            "*** SERVICE 'battery' DUMP TIMEOUT (10000ms) EXPIRED ***\n", "0",
            "not told: its service does not answer in time", _UNKNOWN, id="no answer in time",
        ),
        pytest.param("", "0", "not told: it says nothing", _UNKNOWN, id="empty"),
        pytest.param(
            "level: lots\n\x1b[31mtemperature: warm\n", "0",
            "not told: its words for it are not known", _UNKNOWN, id="nonsense",
        ),
    ],
)  # fmt: skip
def test_forms(dump: str, saver: str, text: str, flags: tuple[str, ...]) -> None:
    reading = Battery().reading(f"{dump}saver: {saver}\n", PHONE)
    assert (reading.text, reading.flags) == (text, flags)
    assert bool(reading.advice) == bool(flags)
    assert (reading.state is State.UNKNOWN) == (flags == _UNKNOWN)


def test_an_answer_that_never_came_is_unknown() -> None:
    reading = Battery().reading("", PHONE)
    assert reading.state is State.UNKNOWN
    assert "battery saver" in reading.text
