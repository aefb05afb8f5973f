"""Each cause has its own sentence: what is said fits what happened."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_steps import run
from lab_bundles import script_bundle
from lab_device import LabDevice
from lab_server import LabServer

from device_runner import DeviceLost, DeviceStorageError, Outcome, RunnerBrokenError
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.listing import list_adb
from foundation import Artifact


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ('ln -s "$last" "$dir/out-$i.bin"', "at most a link or a folder"),
        ('mkdir "$dir/out-$i.bin"', "at most a link or a folder"),
        ('cat "$last" "$last" > "$dir/out-$i.bin"', r"has \d+ bytes"),
        (': > "$dir/out-$i.bin"', "has 0 bytes"),
        ("true", "at most a link or a folder"),
    ],
)
def test_an_output_that_is_none_is_the_runners_fault(
    server: LabServer, phone: LabDevice, model: Artifact, tmp_path: Path, deed: str, words: str
) -> None:
    bundle = script_bundle(tmp_path / "liar")
    script = bundle.folder / "part/runner.sh"
    honest = 'cat "$last" > "$dir/out-$i.bin"'
    assert honest in script.read_text()
    script.write_text(script.read_text().replace(honest, deed))
    with AdbDevice(phone.serial, bundles=lambda abi: bundle) as device, device.lease():
        with pytest.raises(RunnerBrokenError, match=words) as caught:
            run(device, model, tmp_path / "out")
        assert "does not answer" not in str(caught.value)
        assert not list((tmp_path / "out").glob("*.bin"))


def test_a_folder_that_cannot_be_written_is_no_lack_of_space(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path
) -> None:
    with device.lease():
        assert run(device, model, tmp_path / "out").outcome is Outcome.OK
        (phone.storage / "runs").rmdir()
        (phone.storage / "runs").write_text("a file")
        with pytest.raises(DeviceStorageError) as caught:
            run(device, model, tmp_path / "again")
    assert "no folder stands there" in str(caught.value)
    assert "free" not in str(caught.value)


def test_a_disk_from_which_no_program_runs_is_told(
    server: LabServer, make_device: Callable[..., LabDevice], model: Artifact, tmp_path: Path
) -> None:
    serial = make_device(data_mb=8, data_options="noexec").serial
    bundle = script_bundle(tmp_path / "bundle")
    with (
        AdbDevice(serial, bundles=lambda abi: bundle) as device,
        device.lease(),
        pytest.raises(RunnerBrokenError, match="programs may not run from its folder there"),
    ):
        run(device, model, tmp_path / "out")


def test_a_program_for_another_processor_is_told(
    server: LabServer, phone: LabDevice, model: Artifact, tmp_path: Path
) -> None:
    bundle = script_bundle(tmp_path / "bundle")
    # The header of a RISC-V program, and no more.
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\xf3\0\x01\0\0\0" + bytes(40)
    (bundle.folder / "run").write_bytes(header)
    with (
        AdbDevice(phone.serial, bundles=lambda abi: bundle) as device,
        device.lease(),
        pytest.raises(RunnerBrokenError, match="program for another processor"),
    ):
        run(device, model, tmp_path / "out")


def test_a_frozen_server_has_not_ended(
    server: LabServer, device: AdbDevice, phone: LabDevice
) -> None:
    device.profile()
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        assert "kill-server" in list_adb().problem
        with pytest.raises(DeviceLost, match="kill-server") as caught:
            device.conditions()
    finally:
        os.kill(server._process.pid, signal.SIGCONT)
    assert "has ended" not in str(caught.value)
