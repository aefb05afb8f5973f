"""The thermal service's answer, as phones of many makers and versions word it."""

from __future__ import annotations

import pytest
from plain_phone import PHONE

from device_runner.conditions.base import State
from device_runner.conditions.thermal import ThermalStatus

_SKIN = "Temperature{mValue=31.5, mType=3, mName=SKIN, mStatus=0}"
_CPU = "Temperature{mValue=38.25, mType=0, mName=cpu0, mStatus=0}"


def dump(
    status: object = 0, *, override: str = "false", hal: str = "true",
    cached: tuple[str, ...] = (_SKIN,), current: tuple[str, ...] = (_CPU, _SKIN),
) -> str:  # fmt: skip
    """As Android 10 and later print it, cooling devices and thresholds included."""
    lines = [
        f"IsStatusOverride: {override}", "ThermalEventListeners:", "\tcallbacks: 1",
        "\tkilled: false", "\tbroadcasts count: -1", "ThermalStatusListeners:", "\tcallbacks: 2",
        "\tkilled: false", "\tbroadcasts count: -1", f"Thermal Status: {status}",
        "Cached temperatures:", *(f"\t{one}" for one in cached), f"HAL Ready: {hal}",
        "HAL connection:", "\tThermalHAL 2.0 connected: yes", "Current temperatures from HAL:",
        *(f"\t{one}" for one in current), "Current cooling devices from HAL:",
        "\tCoolingDevice{mValue=12, mType=2, mName=thermal-cpufreq-0}",
        "\tCoolingDevice{mValue=0, mType=3, mName=thermal-gpu}",
        "Temperature static thresholds from HAL:",
        "\tTemperatureThreshold{mType=3, mName=SKIN, mHotThrottlingThresholds=[NaN, 39.0, 45.0], "
        "mColdThrottlingThresholds=[NaN, NaN, NaN]}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def sensors(*found: tuple[str, int, str]) -> tuple[str, ...]:
    return tuple(
        f"Temperature{{mValue={value}, mType={kind}, mName={name}, mStatus=0}}"
        for value, kind, name in found
    )


_UNKNOWN = ("thermal_unknown",)
_HOT = ("throttled",)
_UNDO = "undo it: cmd thermalservice reset"
_NO_HAL = "not told: its sensors are not open to Android"
_NO_SKIN = "not told: no sensor of its skin is open to Android"


@pytest.mark.parametrize(
    ("answer", "text", "flags"),
    [
        pytest.param(dump(), "status 0 (none), cpu0 38 °C, SKIN 32 °C", (), id="pixel"),
        pytest.param(
            dump(current=()), "status 0 (none), SKIN 32 °C", (), id="only what was announced"
        ),
        pytest.param(
            dump(current=sensors(("37.6", 0, "AP"), ("33.1", 2, "BAT"), ("32.9", 3, "SKIN"),
                                 ("33.7", 5, "PA"), ("30.0", 4, "USB"))),
            "status 0 (none), AP 38 °C, BAT 33 °C, SKIN 33 °C, PA 34 °C", (), id="samsung",
        ),
        pytest.param(
            dump(current=sensors(("NaN", 0, "cpu-1-0-usr"), ("45000.0", 0, "cpu-1-1-usr"),
                                 ("29.75", 3, "VIRTUAL-SKIN"))),
            "status 0 (none), VIRTUAL-SKIN 30 °C", (), id="what is no degree",
        ),
        pytest.param(dump(2), "status 2 (moderate), cpu0 38 °C, SKIN 32 °C", _HOT, id="moderate"),
        pytest.param(dump(3, hal="false", cached=(), current=()), "status 3 (severe)", _HOT,
                     id="severe, without sensors"),
        pytest.param(dump(6), "status 6 (shutdown), cpu0 38 °C, SKIN 32 °C", _HOT, id="shutdown"),
        pytest.param(dump(2, override="true", current=()),
                     f"status 2 (moderate), set by hand ({_UNDO}), SKIN 32 °C", _HOT,
                     id="hot by hand"),
        pytest.param(dump(override="true"), f"not told: its status was set by hand ({_UNDO})",
                     _UNKNOWN, id="cool by hand"),
        pytest.param(dump(hal="false"), _NO_HAL, _UNKNOWN, id="no hal, stale cache"),
        pytest.param(dump(hal="false", cached=(), current=()), _NO_HAL, _UNKNOWN, id="no hal"),
        pytest.param(dump(cached=(), current=()), _NO_SKIN, _UNKNOWN, id="only cooling devices"),
        pytest.param(dump(cached=(), current=(_CPU,)), _NO_SKIN, _UNKNOWN, id="no skin sensor"),
        pytest.param(dump(12), "not told: its words for it are not known", _UNKNOWN,
                     id="a status that is none"),
        pytest.param(dump(-1), "not told: its words for it are not known", _UNKNOWN, id="negative"),
        pytest.param(dump("hot"), "not told: its words for it are not known", _UNKNOWN, id="words"),
        pytest.param("ThermalEventListeners:\n callbacks: 0\n",
                     "not told: its words for it are not known", _UNKNOWN, id="android 9"),
        pytest.param("Can't find service: thermalservice\n", "not told: it has no such service",
                     _UNKNOWN, id="android 8"),
        pytest.param("Permission Denial: can't dump ThermalManagerService from pid=99, uid=2000 due"
                     " to missing android.permission.DUMP permission\n",
                     "not told: it does not let the shell ask", _UNKNOWN, id="denied"),
        pytest.param("*** SERVICE 'thermalservice' DUMP TIMEOUT (10000ms) EXPIRED ***\n",
                     "not told: its service does not answer in time", _UNKNOWN, id="too late"),
        pytest.param("", "not told: it says nothing", _UNKNOWN, id="empty"),
        pytest.param("\x00\x1b]0;x\x07 Thermal Status: 0 and more\n",
                     "not told: its words for it are not known", _UNKNOWN, id="nonsense"),
    ],
)  # fmt: skip
def test_forms(answer: str, text: str, flags: tuple[str, ...]) -> None:
    reading = ThermalStatus().reading(answer, PHONE)
    assert (reading.text, reading.flags) == (text, flags)
    assert bool(reading.advice) == bool(flags)
    assert reading.state is {_UNKNOWN: State.UNKNOWN, _HOT: State.DISTURBS}.get(flags, State.FINE)
