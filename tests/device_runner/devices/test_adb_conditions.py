"""Conditions on a device of the lab: read, set for a lease, and always restored."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_artifacts import script_artifact
from lab_bundles import script_bundle
from lab_device import BATTERY, POWER, THERMAL, LabDevice
from lab_server import LabServer

from device_runner import DeviceLost, RunRequest, TimingPlan
from device_runner.conditions import Reading
from device_runner.conditions.base import State
from device_runner.conditions.journal import JournalFile
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.listing import _row
from device_runner.measuring.gate import Gate
from foundation import Artifact


@pytest.fixture
def device(lab_server: LabServer, phone: LabDevice, tmp_path: Path) -> Iterator[AdbDevice]:
    bundle = script_bundle(tmp_path / "bundle")
    with AdbDevice(phone.serial, bundles=lambda abi: bundle, patience_s=5.0) as opened:
        yield opened


@pytest.fixture
def model(tmp_path: Path) -> Artifact:
    return script_artifact(tmp_path / "model", size=1000)


def readings(device: AdbDevice) -> dict[str, Reading]:
    return {reading.name: reading for reading in device.conditions()}


def time_it(device: AdbDevice, model: Artifact, **changes: object) -> None:
    timing = TimingPlan(**changes)  # type: ignore[arg-type]
    device.run(RunRequest(model, (model.check_input_path,), timing=timing, timeout_s=60))


def test_a_calm_phone_has_no_flags(device: AdbDevice) -> None:
    found = readings(device)
    assert found["thermal"].text == "status 0 (none), cpu0 38 °C, skin 32 °C"
    assert found["battery"].text == "83 %, charging (USB), 28.4 °C"
    assert found["stay_awake"].text.startswith("off")
    assert found["screen"].text == "on"
    # Its ABI is no phone's, and its cores and clocks are those of the machine that it runs on.
    assert found["build"].text == "user build, perhaps no phone, for it has the ABI x86_64"
    rest = [one for one in found.values() if one.name not in ("cpu", "build")]
    assert [one.state for one in rest] == [State.FINE] * 6
    assert not any(one.advice for one in rest)


def test_what_disturbs_is_flagged_and_advised(device: AdbDevice, phone: LabDevice) -> None:
    dumps = phone.home / "lab/dumpsys"
    (dumps / "battery").write_text(BATTERY.replace("level: 83", "level: 9").replace("284", "412"))
    (dumps / "thermalservice").write_text(THERMAL.replace("Status: 0", "Status: 2"))
    (dumps / "power").write_text(POWER.replace("=Awake", "=Asleep"))
    (phone.home / "lab/settings/low_power").write_text("1\n")
    phone.set_props(**{"ro.build.type": "userdebug", "ro.kernel.qemu": "1"})
    found = readings(device)
    assert found["thermal"].flags == ("throttled",)
    assert found["battery"].flags == ("low_battery", "battery_hot", "battery_saver")
    assert found["screen"].text == "off (asleep)"
    assert found["screen"].flags == ("screen_off",)
    assert found["build"].flags == ("emulator", "debug_build")
    assert all(found[name].advice for name in ("thermal", "battery", "screen", "build"))
    assert device.profile().kind == "emulator"


def test_a_phone_that_is_still_starting_is_waited_for(device: AdbDevice, phone: LabDevice) -> None:
    """adb answers long before Android has finished."""
    phone.set_props(**{"sys.boot_completed": "0", "init.svc.bootanim": "running"})
    assert readings(device)["start"].flags == ("just_started",)
    said: list[str] = []

    def hear(text: str) -> None:
        said.append(text)
        phone.set_props(**{"sys.boot_completed": "1", "init.svc.bootanim": "stopped"})

    flags = Gate(device, 60.0).before(hear)
    assert said == [f"waiting for {phone.serial} to be at rest (just_started), 1:00 at most"]
    assert "just_started" not in flags


def unknown(device: AdbDevice) -> set[str]:
    """The conditions that are told to be unknown, with a flag and what to do about it."""
    found = [one for one in device.conditions() if one.state is State.UNKNOWN]
    assert all(one.flags and one.advice for one in found)
    return {one.name for one in found}


def test_nonsense_is_unknown(device: AdbDevice, phone: LabDevice) -> None:
    dumps = phone.home / "lab/dumpsys"
    for name in ("battery", "thermalservice", "power"):
        (dumps / name).write_bytes(b"\xff\x00 level: lots\nThermal Status: hot\n" + b"x" * 10_000)
    (phone.home / "lab/settings/stay_on_while_plugged_in").write_text("$(reboot)\n")
    assert unknown(device) >= {"battery", "thermal", "stay_awake", "screen"}


def test_services_that_a_phone_lacks_are_unknown(device: AdbDevice, phone: LabDevice) -> None:
    for service in (phone.home / "lab/dumpsys").iterdir():
        service.unlink()
    assert unknown(device) >= {"battery", "thermal", "screen"}
    # What stands behind them in the same script is still told.
    assert readings(device)["stay_awake"].text.startswith("off")


def test_a_board_without_a_battery_is_never_low(device: AdbDevice, phone: LabDevice) -> None:
    text = BATTERY.replace("present: true", "present: false").replace("level: 83", "level: 0")
    (phone.home / "lab/dumpsys/battery").write_text(text)
    assert readings(device)["battery"] == Reading("battery", "none; powered by USB")


def test_silent_sensors_are_no_cool_phone(device: AdbDevice, phone: LabDevice) -> None:
    text = THERMAL.replace("HAL Ready: true", "HAL Ready: false")
    (phone.home / "lab/dumpsys/thermalservice").write_text(text)
    assert readings(device)["thermal"].flags == ("thermal_unknown",)


def test_old_android_lacks_some_and_says_so(
    device: AdbDevice, phone: LabDevice, model: Artifact
) -> None:
    phone.set_props(**{"ro.build.version.sdk": "28"})
    (phone.home / "lab/dumpsys/thermalservice").unlink()
    found = readings(device)
    assert found["thermal"].flags == ("thermal_unknown",)
    assert found["fixed_performance"].flags == ("clocks_free",)
    with device.lease():
        time_it(device, model)
    assert not any(call.startswith("cmd ") for call in phone.calls)


def test_set_while_timing_and_restored(
    device: AdbDevice, phone: LabDevice, model: Artifact
) -> None:
    with device.lease():
        device.push(model)
        assert phone.calls == [call for call in phone.calls if " get " in call]
        time_it(device, model)
        assert phone.setting("fixed_performance") == "true"
        assert phone.setting("settings/stay_on_while_plugged_in") == "7"
        count = len(phone.calls)
        time_it(device, model)
        assert len(phone.calls) == count
    assert phone.setting("fixed_performance") == "false"
    assert phone.setting("settings/stay_on_while_plugged_in") == "0"
    assert JournalFile(phone.serial).read() == {}


def test_what_the_owner_had_on_stays(device: AdbDevice, phone: LabDevice, model: Artifact) -> None:
    (phone.home / "lab/settings/stay_on_while_plugged_in").write_text("7\n")
    with device.lease():
        time_it(device, model)
    assert phone.setting("settings/stay_on_while_plugged_in") == "7"


def test_what_holds_for_another_kind_of_power_is_widened_and_put_back(
    device: AdbDevice, phone: LabDevice, model: Artifact
) -> None:
    setting = phone.home / "lab/settings/stay_on_while_plugged_in"
    setting.write_text("2\n")
    power = BATTERY.replace("AC powered: false", "AC powered: true").replace(
        "USB powered: true", "USB powered: false"
    )
    (phone.home / "lab/dumpsys/battery").write_text(power)
    with device.lease():
        time_it(device, model)
        assert readings(device)["stay_awake"] == Reading("stay_awake", "on")
    assert setting.read_text() == "2\n"


def test_a_phone_that_refuses_is_left_alone(
    device: AdbDevice, phone: LabDevice, model: Artifact
) -> None:
    (phone.home / "lab/no_fixed_performance").touch()
    with device.lease():
        time_it(device, model)
        assert readings(device)["fixed_performance"].flags == ("clocks_free",)


def test_a_killed_process_is_made_good_by_the_next(
    device: AdbDevice, phone: LabDevice, model: Artifact,
    eventually: Callable[[Callable[[], bool]], None],
) -> None:  # fmt: skip
    child = os.fork()
    if child == 0:
        try:
            with device.lease():
                time_it(device, model, min_time_s=1e6)
        finally:
            os._exit(0)
    try:
        eventually(lambda: any("3600" in line for line in phone.runs()))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert phone.setting("fixed_performance") == "true"
    # `devices` tells what is left on the phone, and by what it goes.
    row = _row(device)
    assert row.state == "ready"
    assert set(row.left_behind) == {"fixed_performance", "stay_awake"}
    assert "devices --clean" in row.advice
    with device.lease():
        assert phone.setting("fixed_performance") == "false"
        assert phone.setting("settings/stay_on_while_plugged_in") == "0"


def test_a_lost_phone_is_made_good_when_it_is_back(
    device: AdbDevice, phone: LabDevice, model: Artifact
) -> None:
    def lose_it() -> None:
        with device.lease():
            time_it(device, model)
            phone.kill()
            time_it(device, model)

    with pytest.raises(DeviceLost):
        lose_it()
    assert JournalFile(phone.serial).read() == {"fixed_performance": "false", "stay_awake": "0"}
    phone.start()
    device._connection.patience_s = 20.0
    with device.lease():
        assert phone.setting("settings/stay_on_while_plugged_in") == "0"
    assert JournalFile(phone.serial).read() == {}


def test_a_damaged_journal_stops_nobody(
    device: AdbDevice, phone: LabDevice, model: Artifact
) -> None:
    journal = JournalFile(phone.serial)
    journal.write({"stay_awake": "; reboot", "unknown": "1"})
    with device.lease():
        assert phone.setting("settings/stay_on_while_plugged_in") == "0"
    journal.write({"stay_awake": "0"})
    journal._path.write_text("{")
    with device.lease():
        time_it(device, model)
