"""A phone with the shell and the tools of Android 8: nothing is lost, and nothing is misnamed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_artifacts import script_artifact
from lab_bundles import StandInBundle, script_bundle
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer

from device_runner import Outcome, RunRequest, TimingPlan
from device_runner.devices.adb import tools
from device_runner.devices.adb.device import AdbDevice
from device_runner.errors import DeviceStorageError, DeviceUnfitError

_TIMING = TimingPlan(min_warmup=1, max_warmup=1, min_iterations=1, min_time_s=0.0)
_DEEDS = {
    "nothing": Outcome.OK,
    "crash at load": Outcome.CRASHED,
    "die at run": Outcome.OUT_OF_MEMORY,
    "starve at timing": Outcome.OUT_OF_MEMORY,
}


@pytest.fixture(params=[True, False], ids=["old", "new"])
def phone(request: pytest.FixtureRequest, make_device: MakeDevice) -> LabDevice:
    return make_device(old=request.param)


@pytest.fixture
def bundle(tmp_path: Path) -> StandInBundle:
    return script_bundle(tmp_path / "bundle")


@pytest.fixture
def device(lab_server: LabServer, phone: LabDevice, bundle: StandInBundle) -> Iterator[AdbDevice]:
    with AdbDevice(phone.serial, bundles=lambda abi: bundle) as opened:
        yield opened


def _request(folder: Path, deed: str = "nothing", **others: object) -> RunRequest:
    artifact = script_artifact(folder, size=4096, deed=deed)
    return RunRequest(
        artifact=artifact, inputs=(artifact.check_input_path,), timing=_TIMING, timeout_s=60.0,
        **others,  # type: ignore[arg-type]
    )  # fmt: skip


def test_each_run_is_told_as_what_it_was(
    device: AdbDevice, phone: LabDevice, tmp_path: Path
) -> None:
    """A shorter `benchmarks/launches.py`: what went wrong once in twenty launches."""
    requests = {deed: _request(tmp_path / deed, deed) for deed in _DEEDS}
    with device.lease():
        for deed in ["nothing"] * 20 + [*_DEEDS] * 5:
            report = device.run(requests[deed])
            assert report.outcome is _DEEDS[deed], report.message
            assert (report.session is not None) == (deed == "nothing")
    phone.await_idle(2.0)


def test_hang_is_ended_with_all_that_it_started(
    device: AdbDevice, phone: LabDevice, tmp_path: Path
) -> None:
    request = _request(tmp_path / "hang", "hang at timing")
    with device.lease():
        report = device.run(
            RunRequest(
                artifact=request.artifact, inputs=request.inputs, timing=_TIMING, timeout_s=2.0
            )
        )
    assert report.outcome is Outcome.TIMED_OUT
    phone.await_idle(2.0)


def test_a_setsid_that_runs_its_program_in_a_child_loses_no_answer(
    device: AdbDevice, phone: LabDevice, tmp_path: Path
) -> None:
    """As toybox's did that called setpgid first: the number of `setsid` is not the program's."""
    device.hardware()
    forking = '#!/system/bin/sh\n/usr/bin/busybox setsid "$@" &\nexit 0\n'
    device._connection.script(
        'cd /system/bin; rm setsid; print -r -- "$1" > setsid; chmod 755 setsid',
        forking,
    )
    with device.lease():
        report = device.run(_request(tmp_path / "model"))
        assert report.outcome is Outcome.OK, report.message
        assert device.run(_request(tmp_path / "bad", "crash at load")).outcome is Outcome.CRASHED
    phone.await_idle(2.0)


def test_folders_are_nobody_elses_to_write(
    device: AdbDevice, phone: LabDevice, bundle: StandInBundle, tmp_path: Path
) -> None:
    # As a version before left one.
    left = phone.storage / "bundles/old/licences"
    left.mkdir(parents=True)
    for path in (left, left.parent, left.parent.parent, phone.storage):
        path.chmod(0o777)
    with device.lease():
        device.run(_request(tmp_path / "model", output_dir=tmp_path / "out"))
    folders = [phone.storage, *(path for path in phone.storage.rglob("*") if path.is_dir())]
    assert phone.storage / "bundles" / bundle.key / "part" in folders
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folders}
    assert modes == {0o755}


def test_folder_that_cannot_be_made_is_no_want_of_space(
    device: AdbDevice, phone: LabDevice, tmp_path: Path
) -> None:
    request = _request(tmp_path / "model")
    with device.lease():
        device.run(request)
        (phone.storage / "runs").rmdir()
        (phone.storage / "runs").write_text("in the way")
        with pytest.raises(DeviceStorageError, match="something that is no folder stands there"):
            device.run(request)


@pytest.mark.parametrize("missing", ["sha256sum", "stat", "tail"])
def test_missing_tool_is_named_before_anything_is_done(
    device: AdbDevice, phone: LabDevice, missing: str
) -> None:
    device.hardware()
    device._connection.shell(["rm", f"/system/bin/{missing}"])
    with pytest.raises(DeviceUnfitError, match=rf"takes: {missing} \("), device.lease():
        pass
    assert not phone.storage.exists()


def test_no_other_tool_is_used(device: AdbDevice, phone: LabDevice, tmp_path: Path) -> None:
    """With everything removed that is not in the list, a run goes as ever."""
    request = _request(tmp_path / "model", output_dir=tmp_path / "out")
    failing = _request(tmp_path / "failing", "crash at load")
    device.hardware()
    device._connection.script(
        'cd /system/bin && for one in *; do case " $* " in *" $one "*) ;; *) rm "$one"; esac; done',
        "sh",
        *tools.TOOLS,
    )
    with device.lease():
        report = device.run(request)
        assert report.outcome is Outcome.OK, report.message
        assert len(report.outputs) == 1
        assert device.run(failing).outcome is Outcome.CRASHED
        assert device.clean() > 0
    phone.await_idle(2.0)
