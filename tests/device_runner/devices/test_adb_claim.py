"""The lease on the device itself: two hosts, two users or two addresses, and one phone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_artifacts import BYTES, script_artifact
from lab_bundles import StandInBundle, script_bundle
from lab_device import LabDevice
from lab_server import LabServer

from device_runner import DeviceBusy, DeviceLost, DeviceStorageError, RunRequest, TimingPlan
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.holder import Holder, own_holder, parsed_holder
from device_runner.devices.lease import LOCK_DIR_VARIABLE
from device_runner.devices.listing import _row
from foundation import Artifact, load_artifact, sha256_of

ROOT = Path(__file__).parents[3]
_ELSEWHERE = {"host": "rack-2", "system": "rack-2 another-boot pid:[1]"}


@pytest.fixture
def bundle(tmp_path: Path) -> StandInBundle:
    return script_bundle(tmp_path / "bundle")


@pytest.fixture
def opened(
    lab_server: LabServer, phone: LabDevice, bundle: StandInBundle
) -> Iterator[Callable[[str], AdbDevice]]:
    made: list[AdbDevice] = []

    def open_it(serial: str = "") -> AdbDevice:
        made.append(AdbDevice(serial or phone.serial, bundles=lambda abi: bundle, patience_s=5.0))
        return made[-1]

    yield open_it
    for device in made:
        device.close()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From here on this host's locks are others': as another host, user or container has it."""

    def go() -> None:
        monkeypatch.setenv(LOCK_DIR_VARIABLE, str(tmp_path / "locks of another host"))

    return go


def lock_of(phone: LabDevice) -> Path:
    return phone.storage / "lock"


def rewrite(phone: LabDevice, *, age_s: int, lasts_s: int, **changes: object) -> Holder:
    """The lock as if its last sign of life were so old."""
    token, at, _ = (lock_of(phone) / "beat").read_text().split()
    (lock_of(phone) / "beat").write_text(f"{token} {int(at) - age_s} {lasts_s}\n")
    found = parsed_holder((lock_of(phone) / "holder").read_bytes())
    assert found is not None
    changed = found.model_copy(update=changes)
    (lock_of(phone) / "holder").write_text(changed.model_dump_json() + "\n")
    return changed


def plant(phone: LabDevice, *, age_s: int, lasts_s: int, token: str = "abc") -> None:
    """A lock of another host's, which is not heard any more."""
    lock_of(phone).mkdir(parents=True)
    up = int(float(Path("/proc/uptime").read_text().split()[0]))
    (lock_of(phone) / "beat").write_text(f"{token} {up - age_s} {lasts_s}\n")
    holder = own_holder(token).model_copy(update=_ELSEWHERE | {"pid": 4711})
    (lock_of(phone) / "holder").write_text(holder.model_dump_json() + "\n")


def test_two_hosts_share_a_phone_one_after_the_other(
    opened: Callable[..., AdbDevice], phone: LabDevice, elsewhere: Callable[[], None]
) -> None:
    first, second = opened(), opened()
    with first.lease():
        elsewhere()
        with (
            pytest.raises(DeviceBusy, match=f"process {os.getpid()}.*sign of life"),
            second.lease(),
        ):
            pass
        # Neither killed nor tidied by the one that was refused.
        assert (phone.storage / "runs").is_dir()
    with second.lease():
        pass
    assert not lock_of(phone).exists()


def test_one_phone_under_two_addresses_is_one_phone(
    opened: Callable[..., AdbDevice], phone: LabDevice
) -> None:
    phone.set_props(**{"ro.serialno": "R58N12ABCDE"})
    with (
        opened().lease(),
        pytest.raises(DeviceBusy, match="process"),
        opened(f"localhost:{phone.port}").lease(),
    ):
        pass


def test_a_run_is_not_ended_by_who_comes_later(
    opened: Callable[..., AdbDevice], phone: LabDevice, elsewhere: Callable[[], None],
    tmp_path: Path, eventually: Callable[[Callable[[], bool]], None],
) -> None:  # fmt: skip
    model = script_artifact(tmp_path / "model", size=1000)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with opened() as device, device.lease():
                timing = TimingPlan(min_time_s=1e6)
                device.run(RunRequest(model, (model.check_input_path,), timing=timing, timeout_s=6))
            code = 0
        finally:
            os._exit(code)
    eventually(lambda: any("3600" in line for line in phone.runs()))
    elsewhere()
    with pytest.raises(DeviceBusy, match=f"process {child}"), opened().lease():
        pass
    # It came to its own limit: nobody had killed it before.
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("age_s", [30, 1])
def test_a_host_that_is_not_heard_loses_it_when_its_promise_has_passed(
    opened: Callable[..., AdbDevice], phone: LabDevice, age_s: int
) -> None:
    plant(phone, age_s=age_s, lasts_s=20)
    device = opened()
    if age_s < 20:
        words = r"process 4711 on rack-2 .*free in \d+ s"
        with pytest.raises(DeviceBusy, match=words), device.lease():
            pass
        return
    with device.lease():
        assert own_holder().host in (lock_of(phone) / "holder").read_text()


def test_it_is_waited_for(opened: Callable[..., AdbDevice], phone: LabDevice) -> None:
    plant(phone, age_s=0, lasts_s=3)
    begin = time.monotonic()
    with opened().lease(wait_s=30):
        assert time.monotonic() - begin < 20


def test_who_lost_it_while_asleep_does_not_blame_the_candidate(
    opened: Callable[..., AdbDevice], phone: LabDevice, tmp_path: Path
) -> None:
    model = script_artifact(tmp_path / "model", size=1000, deed="die at run")
    device = opened()
    with device.lease():
        device.push(model)
        # A laptop that was shut for an hour: another host has the phone now.
        rewrite(phone, age_s=0, lasts_s=900, **_ELSEWHERE, pid=4711)
        token = (lock_of(phone) / "beat").read_text().split()[0]
        (lock_of(phone) / "beat").write_text(
            (lock_of(phone) / "beat").read_text().replace(token, "ffff")
        )
        with pytest.raises(DeviceLost, match="lost to process 4711 on rack-2"):
            device.run(RunRequest(model, (model.check_input_path,), timeout_s=30))
    # What is another's stays.
    assert lock_of(phone).exists()


def test_a_killed_process_of_this_host_frees_it_at_once(
    opened: Callable[..., AdbDevice], phone: LabDevice, bundle: StandInBundle
) -> None:
    code = textwrap.dedent(f"""
        import time
        from device_runner.devices.adb.device import AdbDevice
        with AdbDevice({phone.serial!r}, bundles=None).lease():
            print("held", flush=True)
            time.sleep(100)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        device = opened()
        assert device.user().startswith(f"process {process.pid}")
        process.kill()
    assert lock_of(phone).exists()
    assert device.user() == ""
    with device.lease():
        pass


def test_another_host_restores_what_a_dead_one_left(
    opened: Callable[..., AdbDevice], phone: LabDevice, elsewhere: Callable[[], None],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[[Callable[[], bool]], None],
) -> None:  # fmt: skip
    model = script_artifact(tmp_path / "model", size=1000)
    child = os.fork()
    if child == 0:
        try:
            with opened() as device, device.lease():
                timing = TimingPlan(min_time_s=1e6)
                device.run(
                    RunRequest(model, (model.check_input_path,), timing=timing, timeout_s=60)
                )
        finally:
            os._exit(0)
    try:
        eventually(lambda: any("3600" in line for line in phone.runs()))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert phone.setting("fixed_performance") == "true"
    # That host is not heard of any more, and nothing of its disk is here.
    rewrite(phone, age_s=30, lasts_s=20, **_ELSEWHERE, pid=4711)
    elsewhere()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state of another host"))
    device = opened()
    row = _row(device)
    assert set(row.left_behind) == {"fixed_performance", "stay_awake"}
    assert "restores it" in row.advice
    with device.lease():
        assert phone.setting("fixed_performance") == "false"
        assert phone.setting("settings/stay_on_while_plugged_in") == "0"
        assert not (phone.storage / "conditions").exists()
    assert _row(device).left_behind == ()


def test_what_was_lost_with_the_phone_is_ours_again(
    opened: Callable[..., AdbDevice], phone: LabDevice
) -> None:
    device = opened()
    with device.lease():
        phone.kill()
    phone.start()
    assert lock_of(phone).exists()
    device._connection.patience_s = 20.0
    with device.lease():
        pass


@pytest.mark.parametrize(
    "beat", [None, "", "zz 1", "../../x 1 2", "aa 99999999999 900", "aa -1 900", "\x1b[31m\n" * 9]
)
def test_a_lock_that_makes_no_sense_stops_nobody(
    opened: Callable[..., AdbDevice], phone: LabDevice, beat: str | None
) -> None:
    lock_of(phone).mkdir(parents=True)
    if beat is not None:
        (lock_of(phone) / "beat").write_text(beat)
        (lock_of(phone) / "holder").write_bytes(b"\xff{" * 5000)
    made_s = time.time() - 11
    os.utime(lock_of(phone), (made_s, made_s))
    with opened().lease():
        holder = parsed_holder((lock_of(phone) / "holder").read_bytes())
        assert holder is not None
        assert holder.pid == os.getpid()
    assert not lock_of(phone).exists()


def test_a_lock_just_made_is_respected_and_not_for_long(
    opened: Callable[..., AdbDevice], phone: LabDevice
) -> None:
    lock_of(phone).mkdir(parents=True)
    device = opened()
    with pytest.raises(DeviceBusy, match="another host"), device.lease():
        pass
    with device.lease(wait_s=60):
        pass


def test_one_of_many_takes_over(opened: Callable[..., AdbDevice], phone: LabDevice) -> None:
    from concurrent.futures import ThreadPoolExecutor

    plant(phone, age_s=999, lasts_s=10)
    claims = [opened()._claim for _ in range(8)]
    for claim in claims:
        claim._connection.revive()

    def try_it(claim: object) -> bool:
        try:
            claim.take()  # type: ignore[attr-defined]
        except DeviceBusy:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, claims)) == 1


def test_clean_leaves_no_lock(opened: Callable[..., AdbDevice], phone: LabDevice) -> None:
    device = opened()
    with device.lease():
        pass
    assert phone.storage.exists()
    device.clean()
    assert not phone.storage.exists()


def test_a_file_where_our_folder_goes_is_no_lack_of_space(
    opened: Callable[..., AdbDevice], phone: LabDevice
) -> None:
    phone.storage.parent.mkdir(parents=True, exist_ok=True)
    phone.storage.write_text("a file")
    with pytest.raises(DeviceStorageError, match="no folder stands there"), opened().lease():
        pass


def _answering_right(folder: Path) -> Artifact:
    """An artifact that is timed, for its answer is the one that it should give."""
    model = script_artifact(folder, size=1000)
    for path in (model.check_input_path, model.check_output_path):
        path.write_bytes(bytes(BYTES))
    check = sha256_of(model.check_input_path)
    changed = {"check_input_sha256": check, "check_output_sha256": check}
    model.manifest.model_copy(update=changed).save(folder / "manifest.json")
    return load_artifact(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_bench_that_is_ended_restores_the_phone(
    opened: Callable[..., AdbDevice], phone: LabDevice, bundle: StandInBundle, tmp_path: Path,
    eventually: Callable[[Callable[[], bool]], None], number: signal.Signals,
) -> None:  # fmt: skip
    model = _answering_right(tmp_path / "model")
    facts = json.dumps({"folder": str(bundle.folder), "key": bundle.key})
    code = textwrap.dedent("""
        import json, sys
        import mobilesr_tune
        from pathlib import Path
        from lab_bundles import StandInBundle
        from device_runner.devices import discovery
        bundle = StandInBundle(Path(json.loads(sys.argv.pop(1))["folder"]), "x86_64", "script 1",
                               ("./run",))
        discovery.runner_finder = lambda runner: lambda abi: bundle
        mobilesr_tune.main()
    """)
    command = [sys.executable, "-c", code, facts, "bench", str(model.folder), "--device",
               phone.serial, "--min-time-s", "1000000"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests/lab'}"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    eventually(lambda: any("3600" in line for line in phone.runs()))
    assert phone.setting("fixed_performance") == "true"
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "stopped" in said
    assert phone.setting("fixed_performance") == "false"
    assert phone.setting("settings/stay_on_while_plugged_in") == "0"
    assert not lock_of(phone).exists()
    phone.await_idle()
