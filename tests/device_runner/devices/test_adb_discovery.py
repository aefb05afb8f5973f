"""Which devices are found, which one `auto` takes, and what is said about the others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from adbutils import AdbClient
from lab_artifacts import script_artifact
from lab_bundles import StandInBundle, script_bundle
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer, UnauthorizedDevice

from device_runner import DeviceBusy, DeviceLost, DeviceUnknownError, RunRequest
from device_runner.commands.runner_option import runner_finder
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.listing import list_adb
from device_runner.devices.adb.server import AdbServer
from device_runner.devices.discovery import open_device, survey
from device_runner.devices.listing import look

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bundle(tmp_path: Path) -> StandInBundle:
    return script_bundle(tmp_path / "bundle")


@pytest.fixture
def connect(own_server: LabServer) -> Callable[[str], None]:
    def to(serial: str) -> None:
        # The server itself waits ten seconds for a phone that does not answer.
        client = AdbClient(port=own_server.port, socket_timeout=60)
        client.connect(serial)

    return to


def test_auto_takes_a_phone_before_an_emulator(
    connect: Callable[[str], None], make_device: MakeDevice, bundle: StandInBundle
) -> None:
    emulator, phone = make_device(), make_device()
    emulator.set_props(**{"ro.boot.qemu": "1"})
    connect(emulator.serial)
    first = open_device("auto", bundles=lambda abi: bundle)
    assert first.device.serial == emulator.serial
    assert first.sentence.endswith("an emulator, because no phone is ready.")
    connect(phone.serial)
    then = open_device("auto", bundles=lambda abi: bundle)
    assert then.device.serial == phone.serial
    assert then.sentence == f"Device: {phone.serial}, a phone."


def test_auto_is_the_phone_that_adb_would_take(
    connect: Callable[[str], None], make_device: MakeDevice, bundle: StandInBundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    phones = [make_device(), make_device()]
    for phone in phones:
        connect(phone.serial)
    for phone in phones:
        monkeypatch.setenv("ANDROID_SERIAL", phone.serial)
        chosen = open_device("auto", bundles=lambda abi: bundle)
        assert chosen.device.serial == phone.serial
        assert chosen.sentence == f"Device: {phone.serial}, as ANDROID_SERIAL says."
    monkeypatch.setenv("ANDROID_SERIAL", "R58")
    with pytest.raises(DeviceUnknownError, match=r"called 'R58': .*, or unset ANDROID_SERIAL"):
        open_device("auto", bundles=lambda abi: bundle)
    assert open_device("host").sentence == "Device: host, as asked for."


def test_auto_says_why_it_is_the_host(
    connect: Callable[[str], None], unauthorized: UnauthorizedDevice, phone: LabDevice
) -> None:
    assert open_device("auto").sentence == ("Device: host, because adb lists no phone or emulator.")
    connect(unauthorized.serial)
    connect(phone.serial)
    sentence = open_device("auto").sentence
    assert f"{unauthorized.serial} is unauthorized" in sentence
    assert "runner build --abi x86_64" in sentence


def test_a_phone_of_32_bits_is_not_told_to_build_what_cannot_be_built(
    connect: Callable[[str], None], phone: LabDevice
) -> None:
    """As many of Android's Go edition are, whatever their processor is."""
    phone.set_props(**{"ro.product.cpu.abi": "armeabi-v7a"})
    connect(phone.serial)
    (row,) = [one for one in look(survey()) if one.serial == phone.serial]
    for sentence in (row.advice, open_device("auto").sentence):
        assert "there are runners for arm64-v8a and x86_64, not for 'armeabi-v7a'" in sentence
        assert "--runner executor_runner=PATH" in sentence
        assert "runner build" not in sentence


def test_host_asks_no_adb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "not a port")
    assert open_device("host").device.serial == "host"
    assert "correct or unset it" in open_device("auto").sentence


def test_import_knows_no_adb() -> None:
    code = (
        "import device_runner, device_runner.commands.cli, sys; sys.exit('adbutils' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_remote_server_is_never_started() -> None:
    listing = list_adb(AdbServer("127.0.0.2", 9))
    assert listing.devices == ()
    assert "ANDROID_ADB_SERVER_ADDRESS" in listing.problem


def test_an_address_is_connected_to(
    own_server: LabServer, phone: LabDevice, bundle: StandInBundle
) -> None:
    selection = open_device(phone.serial, bundles=lambda abi: bundle)
    assert selection.device.profile().model == "Lab Phone"
    with pytest.raises(DeviceUnknownError, match="auto, host"):
        open_device("R5CT1234567")


def test_unauthorized_is_refused_with_advice(
    connect: Callable[[str], None], unauthorized: UnauthorizedDevice
) -> None:
    connect(unauthorized.serial)
    assert [one.state for one in survey().unready] == ["unauthorized"]
    with pytest.raises(DeviceLost, match="tap 'Allow'"):
        open_device(unauthorized.serial)


def test_offline_is_listed_so(connect: Callable[[str], None], phone: LabDevice) -> None:
    phone.freeze()
    connect(phone.serial)
    assert [one.state for one in survey().unready] == ["offline"]


def test_devices_command(
    connect: Callable[[str], None], phone: LabDevice, unauthorized: UnauthorizedDevice,
    tmp_path: Path, bundle: StandInBundle,
) -> None:  # fmt: skip
    connect(phone.serial)
    connect(unauthorized.serial)
    model = script_artifact(tmp_path / "model")
    with AdbDevice(phone.serial, bundles=lambda abi: bundle) as device, device.lease():
        device.run(RunRequest(model, (model.check_input_path,)))
        assert device.pushed.total_bytes > model.manifest.size_bytes
    assert (phone.storage / "blobs").exists()
    command = [sys.executable, "-m", "mobilesr_tune", "devices", "--clean", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = {row["serial"]: row for row in json.loads(done.stdout)}
    assert rows.keys() == {"host", phone.serial, unauthorized.serial}
    assert rows[phone.serial]["profile"]["model"] == "Lab Phone"
    assert {one["name"] for one in rows[phone.serial]["conditions"]} >= {"battery", "thermal"}
    assert "Allow" in rows[unauthorized.serial]["advice"]
    assert not phone.storage.exists()
    table = subprocess.run(command[:-2], cwd=ROOT, capture_output=True, text=True).stdout
    assert "tap 'Allow'" in " ".join(table.split())


def test_second_process_hears_who_holds_it(phone: LabDevice, own_server: LabServer) -> None:
    with (
        AdbDevice(phone.serial, bundles=runner_finder(None)) as device,
        AdbDevice(phone.serial, bundles=runner_finder(None)) as other,
        device.lease(),
        pytest.raises(DeviceBusy, match="process"),
        other.lease(),
    ):
        pass


def test_old_files_make_room_for_new(
    own_server: LabServer, phone: LabDevice, tmp_path: Path
) -> None:
    models = [script_artifact(tmp_path / str(n), size=(1 << 20) + n) for n in range(4)]
    with (
        AdbDevice(phone.serial, bundles=runner_finder(None), budget_bytes=3 << 20) as device,
        device.lease(),
    ):
        for index, model in enumerate(models):
            device.push(model)
            # Not all in one second, which is what the file system counts in.
            path = phone.storage / "blobs" / model.manifest.sha256
            subprocess.run(["touch", "-d", f"@{1_000_000_000 + index}", path], check=True)
    left = {path.name for path in (phone.storage / "blobs").iterdir()}
    assert models[0].manifest.sha256 not in left
    assert models[3].manifest.sha256 in left
