"""What breaks between this host and a phone, at each moment at which it can.

Every fault is a real one: processes are killed or stopped, disks are full. Only the moment is
arranged, by a hook in the file protocol or in the wait for the runner.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_artifacts import script_artifact
from lab_bundles import StandInBundle, script_bundle
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer, UnauthorizedDevice

from device_runner import DeviceLost, DeviceStorageError, Outcome, RunReport, RunRequest, TimingPlan
from device_runner.adb import connection, launch, wire
from device_runner.adb.device import AdbDevice
from foundation import Artifact

REAL_BOUNDS = os.environ.get("MOBILESR_TUNE_LAB_REAL_BOUNDS") == "1"
# Beyond this a call did not end within its bound. The longest: silence, a probe, and a look.
BOUND_S = 60.0
ENDLESS = TimingPlan(min_time_s=1e6)
Eventually = Callable[[Callable[[], bool]], None]
Hook = Callable[[str, Callable[[], None]], None]


@pytest.fixture(autouse=True)
def _short_bounds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if not REAL_BOUNDS:
        monkeypatch.setattr(launch, "_PROBE_EVERY_S", 1.0)
        monkeypatch.setattr(launch, "_PROBE_S", 2.0)
        monkeypatch.setattr(connection, "_TRANSFER_S", 2.0)


@pytest.fixture
def bundle(tmp_path: Path) -> StandInBundle:
    return script_bundle(tmp_path / "bundle")


@pytest.fixture
def model(tmp_path: Path) -> Artifact:
    return script_artifact(tmp_path / "model")


@pytest.fixture
def server(own_server: LabServer, phone: LabDevice) -> LabServer:
    return own_server


@pytest.fixture
def device(server: LabServer, phone: LabDevice, bundle: StandInBundle) -> Iterator[AdbDevice]:
    with AdbDevice(phone.serial, bundles=lambda abi: bundle, patience_s=1.0) as opened:
        yield opened


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, phone: LabDevice) -> Hook:
    """Have something happen, once, in the middle of a push, a run or a pull."""

    def arrange(moment: str, happen: Callable[[], None]) -> None:
        pending = [happen]

        def now() -> None:
            if pending:
                pending.pop()()

        send, read, listen = wire.Wire.send, wire.Sync.read, launch._Watch._listen

        def counted(self: wire.Wire, data: bytes) -> None:
            send(self, data)
            if data[:4] == b"DATA":
                chunks.append(len(data))
                if sum(chunks) > 1 << 20:
                    now()

        def cut(self: wire.Sync, path: str) -> Iterator[bytes]:
            for chunk in read(self, path):
                yield chunk
                now()

        def watched(self: launch._Watch, seconds: float) -> None:
            listen(self, seconds)
            if any("3600" in line for line in phone.runs()):
                now()

        chunks: list[int] = []
        if moment == "push":
            monkeypatch.setattr(wire.Wire, "send", counted)
        elif moment == "pull":
            monkeypatch.setattr(wire.Sync, "read", cut)
        else:
            monkeypatch.setattr(launch._Watch, "_listen", watched)

    return arrange


def run(device: AdbDevice, artifact: Artifact, out: Path, *, moment: str = "pull") -> RunReport:
    """A run that is long enough for the moment, and that brings outputs."""
    return device.run(
        RunRequest(
            artifact=artifact,
            inputs=(artifact.check_input_path,) * 3,
            output_dir=out,
            timing=ENDLESS if moment == "run" else None,
            timeout_s=40.0,
        )
    )


def assert_fit(device: AdbDevice, artifact: Artifact, out: Path, phone: LabDevice) -> None:
    """The device holds nothing of the past, and a whole run works."""
    with device.lease():
        report = run(device, artifact, out)
        assert report.outcome is Outcome.OK, report.message
        assert report.outputs[0].read_bytes() == artifact.check_input_path.read_bytes()
        assert device.push(artifact).already_there
    assert list((phone.storage / "tmp").iterdir()) == []
    assert list((phone.storage / "runs").iterdir()) == []


FAULTS = ("cable", "reboot", "frozen", "server")


@pytest.mark.parametrize("moment", ["push", "run", "pull"])
@pytest.mark.parametrize("fault", FAULTS)
def test_lost_and_back(
    fault: str,
    moment: str,
    device: AdbDevice,
    phone: LabDevice,
    server: LabServer,
    model: Artifact,
    at: Hook,
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    happen = {
        "cable": phone.kill, "reboot": phone.reboot, "frozen": phone.freeze, "server": server.kill,
    }[fault]  # fmt: skip
    at(moment, happen)
    begin = time.monotonic()
    with pytest.raises(DeviceLost) as caught, device.lease():
        run(device, model, tmp_path / "out", moment=moment)
    seconds = time.monotonic() - begin
    print(f"TABLE | {fault} | {moment} | DeviceLost: {caught.value} | {seconds:.1f}")
    assert seconds < BOUND_S
    assert phone.serial in str(caught.value)
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
    if moment == "push":
        assert not (phone.storage / "blobs" / model.manifest.sha256).exists()
    if fault == "cable":
        with pytest.raises(DeviceLost, match="in this network"), device.lease():
            pass
        phone.start()
    if fault == "frozen":
        phone.thaw()
    # Its own watch has ended the run, without any word from here.
    eventually(lambda: phone.runs() == [])
    device._connection.patience_s = 20.0
    assert_fit(device, model, tmp_path / "again", phone)
    eventually(lambda: phone.runs() == [])


def test_runner_killed(
    device: AdbDevice, phone: LabDevice, model: Artifact, at: Hook, tmp_path: Path
) -> None:
    def kill() -> None:
        for process in phone.processes():
            if process.cmdline()[:2] == ["sh", "part/runner.sh"]:
                process.send_signal(signal.SIGKILL)

    at("run", kill)
    begin = time.monotonic()
    with device.lease():
        report = run(device, model, tmp_path / "out", moment="run")
    print(f"TABLE | runner killed | run | {report.message} | {time.monotonic() - begin:.1f}")
    # Nobody of ours killed it: the system did, which it does for memory.
    assert report.outcome is Outcome.OUT_OF_MEMORY
    assert_fit(device, model, tmp_path / "again", phone)


def test_damaged_program_crashes(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path
) -> None:
    damaged = script_artifact(tmp_path / "damaged", whole=False)
    with device.lease():
        report = run(device, damaged, tmp_path / "out")
    print(f"TABLE | segfault | run | {report.message} | {report.duration_s:.1f}")
    assert report.outcome is Outcome.CRASHED
    assert "SIGSEGV" in report.message
    assert_fit(device, model, tmp_path / "again", phone)


def test_hang_ends_at_its_limit(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path, eventually: Eventually
) -> None:
    begin = time.monotonic()
    with device.lease():
        report = device.run(
            RunRequest(model, (model.check_input_path,), timing=ENDLESS, timeout_s=2.0)
        )
    print(f"TABLE | hang | run | {report.message} | {time.monotonic() - begin:.1f}")
    assert report.outcome is Outcome.TIMED_OUT
    assert "after 'first_run'" in report.message
    eventually(lambda: phone.runs() == [])
    assert_fit(device, model, tmp_path / "again", phone)


def test_ctrl_c_ends_the_run(
    device: AdbDevice, phone: LabDevice, model: Artifact, at: Hook, tmp_path: Path,
    eventually: Eventually,
) -> None:  # fmt: skip
    def interrupt() -> None:
        raise KeyboardInterrupt

    at("run", interrupt)
    with pytest.raises(KeyboardInterrupt), device.lease():
        run(device, model, tmp_path / "out", moment="run")
    eventually(lambda: phone.runs() == [])
    assert_fit(device, model, tmp_path / "again", phone)


@pytest.fixture
def small_phone(own_server: LabServer, make_device: MakeDevice) -> LabDevice:
    return make_device(data_mb=8)


def test_disk_full(
    small_phone: LabDevice, bundle: StandInBundle, model: Artifact, tmp_path: Path
) -> None:
    large = script_artifact(tmp_path / "large", size=12 << 20)
    with AdbDevice(small_phone.serial, bundles=lambda abi: bundle) as device, device.lease():
        begin = time.monotonic()
        with pytest.raises(DeviceStorageError, match="MB free") as caught:
            device.push(large)
        print(f"TABLE | disk full | push | {caught.value} | {time.monotonic() - begin:.1f}")
        # Something else fills it while we push: the first look was right, and still it fails.
        fill = 'head -c 9000000 /dev/zero > "$1"'
        device._storage.make_room = lambda needed, keep: None  # type: ignore[method-assign]
        device._connection.script(fill, "/data/local/tmp/other")
        begin = time.monotonic()
        with pytest.raises(DeviceStorageError, match="No space left") as caught:
            device.push(model)
        print(f"TABLE | disk fills | push | {caught.value} | {time.monotonic() - begin:.1f}")
        del device._storage.make_room
        device._connection.shell(["rm", "/data/local/tmp/other"])
        # What was used longest ago makes room.
        device.push(model)
        device._connection.script('head -c 2000000 /dev/zero > "$1"', "/data/local/tmp/other")
        begin = time.monotonic()
        with pytest.raises(DeviceStorageError) as caught:
            run(device, script_artifact(tmp_path / "more", size=4 << 20), tmp_path / "out")
        print(f"TABLE | disk full | run | {caught.value} | {time.monotonic() - begin:.1f}")
        device._connection.shell(["rm", "/data/local/tmp/other"])
        assert run(device, model, tmp_path / "out").outcome is Outcome.OK


def test_unauthorized_says_what_to_tap(
    own_server: LabServer, unauthorized: UnauthorizedDevice, bundle: StandInBundle
) -> None:
    begin = time.monotonic()
    with (
        AdbDevice(unauthorized.serial, bundles=lambda abi: bundle, patience_s=5.0) as device,
        pytest.raises(DeviceLost, match="tap 'Allow'") as caught,
        device.lease(),
    ):
        pass
    print(f"TABLE | unauthorized | claim | {caught.value} | {time.monotonic() - begin:.1f}")


def test_killed_process_leaves_no_run(
    device: AdbDevice, phone: LabDevice, server: LabServer, model: Artifact, tmp_path: Path,
    eventually: Eventually,
) -> None:  # fmt: skip
    child = os.fork()
    if child == 0:
        try:
            with device.lease():
                run(device, model, tmp_path / "out", moment="run")
        finally:
            os._exit(0)
    try:
        eventually(lambda: any("3600" in line for line in phone.runs()))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    eventually(lambda: phone.runs() == [])
    assert_fit(device, model, tmp_path / "again", phone)


def test_damaged_blob_is_pushed_again(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path
) -> None:
    with device.lease():
        assert device.push(model).bytes_pushed > 0
    # As a reboot may leave it: the name is there, the content was never written out.
    (phone.storage / "blobs" / model.manifest.sha256).write_bytes(b"")
    with device.lease():
        assert device.push(model).bytes_pushed > 0
    assert_fit(device, model, tmp_path / "again", phone)
