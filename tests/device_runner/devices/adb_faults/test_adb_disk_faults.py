"""Disks that are full, there and here: before a push, in it, before a run, in it, at the pull."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from fault_steps import assert_fit, holds, row, run
from lab_artifacts import script_artifact
from lab_bundles import StandInBundle, script_bundle
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer

from device_runner import DeviceStorageError, Outcome
from device_runner.devices.adb.device import AdbDevice
from foundation import Artifact, RequestError

OTHER = "/data/local/tmp/other"


@pytest.fixture
def small(
    own_server: LabServer, make_device: MakeDevice, bundle: StandInBundle
) -> Iterator[AdbDevice]:
    """A device with 8 MB for everything, leased."""
    serial = make_device(data_mb=8).serial
    with AdbDevice(serial, bundles=lambda abi: bundle) as device, device.lease():
        yield device


def fill(device: AdbDevice, size: int) -> None:
    device._connection.script('head -c "$1" /dev/zero > "$2"', str(size), OTHER)


def lies_there(device: AdbDevice, folder: str) -> list[str]:
    listed = device._connection.script('ls "$1"', f"/data/local/tmp/mobilesr-tune/{folder}")
    return listed.text.split()


def test_too_little_room_for_a_push(small: AdbDevice, tmp_path: Path, model: Artifact) -> None:
    large = script_artifact(tmp_path / "large", size=12 << 20)
    with row("disk full", "before push") as came_to:
        with pytest.raises(DeviceStorageError, match="MB free") as caught:
            small.push(large)
        came_to.append(f"DeviceStorageError: {caught.value}")
    # What was used longest ago makes room for what fits.
    small.push(script_artifact(tmp_path / "old", size=4 << 20))
    assert run(small, model, tmp_path / "out").outcome is Outcome.OK


def test_it_fills_up_while_we_push(
    small: AdbDevice, tmp_path: Path, model: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        # The first look was right, and still it fails.
        patch.setattr(small._storage, "make_room", lambda needed, keep: None)
        fill(small, 9_000_000)
        with row("disk full", "push") as came_to:
            with pytest.raises(DeviceStorageError, match="No space left") as caught:
                small.push(model)
            came_to.append(f"DeviceStorageError: {caught.value}")
    assert lies_there(small, "blobs") == []
    small._connection.shell(["rm", OTHER])
    assert run(small, model, tmp_path / "out").outcome is Outcome.OK


def test_too_little_room_for_a_run(small: AdbDevice, tmp_path: Path, model: Artifact) -> None:
    small.push(model)
    fill(small, 2_000_000)
    with row("disk full", "before run") as came_to:
        with pytest.raises(DeviceStorageError) as caught:
            run(small, script_artifact(tmp_path / "more", size=4 << 20), tmp_path / "out")
        came_to.append(f"DeviceStorageError: {caught.value}")
    small._connection.shell(["rm", OTHER])
    assert run(small, model, tmp_path / "out").outcome is Outcome.OK


def test_it_fills_up_while_outputs_are_written(
    small: AdbDevice, tmp_path: Path, model: Artifact
) -> None:
    filling = script_artifact(tmp_path / "filling", size=1000, deed="fill at output")
    with row("disk full", "outputs written") as came_to:
        with pytest.raises(DeviceStorageError, match="MB free") as caught:
            run(small, filling, tmp_path / "out")
        came_to.append(f"DeviceStorageError: {caught.value}")
    assert not holds(tmp_path / "out")
    assert lies_there(small, "runs") == []
    small._connection.shell(["rm", OTHER])
    assert run(small, model, tmp_path / "again").outcome is Outcome.OK


def mount_small_disk(folder: Path) -> None:
    """Put a disk of 1 MB there, for this process alone."""
    new_user, new_mounts = 0x10000000, 0x00020000
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(new_user | new_mounts):
        raise OSError(ctypes.get_errno(), "no namespaces")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)


def test_this_hosts_disk_fills_up_at_the_pull(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path,
    lab_lacks: Callable[[str], NoReturn],
) -> None:  # fmt: skip
    out, told = tmp_path / "out", tmp_path / "told"
    out.mkdir()
    with row("this host's disk full", "pull") as came_to:
        child = os.fork()
        if child == 0:
            try:
                mount_small_disk(out)
                try:
                    with device.lease():
                        run(device, model, out)
                except RequestError as error:
                    # The first of three outputs fits, the second does not.
                    told.write_text(f"{len(list(out.iterdir()))} {error}")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        words = told.read_text() if told.exists() else ""
        came_to.append(f"RequestError: {words[2:]}")
    if not words:
        lab_lacks("this system grants no user namespaces")
    assert words.startswith("1 ")
    assert "no space left on the disk" in words
    assert_fit(device, model, tmp_path / "again", phone)


@pytest.mark.parametrize(
    "what", ["*", "mobilesr-tune/blobs", "mobilesr-tune/blobs/{sha256}", "mobilesr-tune/bundles"]
)
def test_what_a_script_has_cleared_is_put_there_again(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path, what: str
) -> None:
    """`adb shell rm -rf /data/local/tmp/*`, between two runs: no fault of the candidate's."""
    with device.lease():
        assert run(device, model, tmp_path / "out").outcome is Outcome.OK
        where = what.format(sha256=model.manifest.sha256)
        device._connection.script(f"rm -rf /data/local/tmp/{where}")
        assert run(device, model, tmp_path / "again").outcome is Outcome.OK
        # The lock is ours again as well, so that no other host takes the device.
        assert holds(phone.storage / "lock")
        assert device.push(model).already_there


@pytest.mark.parametrize("what", ["*", "mobilesr-tune/runs/*"])
def test_a_run_whose_folder_is_cleared_is_no_candidates_fault(
    server: LabServer, phone: LabDevice, tmp_path: Path, model: Artifact, what: str
) -> None:
    """In the middle of a run, by the runner itself: it is told at once, not at the time limit."""
    clearing = script_bundle(tmp_path / "clearing")
    script = clearing.folder / "part/runner.sh"
    script.write_text(f"rm -rf /data/local/tmp/{what}\n{script.read_text()}")
    with (
        AdbDevice(phone.serial, bundles=lambda abi: clearing) as device,
        device.lease(),
        pytest.raises(DeviceStorageError, match="something else removes what lies in"),
    ):
        run(device, model, tmp_path / "out", timeout_s=60.0)
    phone.await_idle()


def test_a_model_that_is_cleared_before_the_runner_opens_it_is_no_damaged_file(
    server: LabServer, phone: LabDevice, tmp_path: Path, model: Artifact
) -> None:
    """The runner's own word is `bad_file`; what it was to open is put there again."""
    clearing = script_bundle(tmp_path / "clearing")
    script = clearing.folder / "part/runner.sh"
    whole = script.read_text()
    opens = """[ -e "$model" ] || {
      echo '{"event":"error","kind":"bad_file","message":"it is not there"}'; exit 1; }
    """
    once = f"[ -e {OTHER} ] || {{ : > {OTHER}; rm -rf /data/local/tmp/mobilesr-tune/blobs/*; }}\n"
    script.write_text(once + whole.replace("set -- $(dd", f"{opens}set -- $(dd", 1))
    with AdbDevice(phone.serial, bundles=lambda abi: clearing) as device, device.lease():
        assert run(device, model, tmp_path / "out").outcome is Outcome.OK
