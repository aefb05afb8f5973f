"""What breaks between this host and a phone, in the middle of a push, a run and a pull."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fault_steps import MOMENTS, Eventually, Hook, assert_clean, assert_fit, holds, row, run
from lab_bundles import StandInBundle
from lab_device import LabDevice
from lab_server import LabServer, UnauthorizedDevice

from device_runner import DeviceLost, Outcome
from device_runner.devices.adb.device import AdbDevice
from foundation import Artifact

FAULTS = ("cable", "reboot", "frozen", "server", "unauthorized")


class Breaker:
    """Breaks one phone in one way, and makes it whole again."""

    def __init__(
        self, fault: str, phone: LabDevice, server: LabServer, eventually: Eventually
    ) -> None:
        self.fault, self._phone, self._server = fault, phone, server
        self._eventually = eventually
        self._stranger: UnauthorizedDevice | None = None

    def happen(self) -> None:
        if self.fault == "unauthorized":
            self._phone.kill()
            self._eventually(self._take_its_place)
        else:
            {
                "cable": self._phone.kill,
                "reboot": self._phone.reboot,
                "frozen": self._phone.freeze,
                "server": self._server.kill,
            }[self.fault]()

    def _take_its_place(self) -> bool:
        try:
            self._stranger = UnauthorizedDevice(self._phone.port)
        except OSError:
            return False
        return True

    def mend(self, device: AdbDevice) -> None:
        """What a person does: plug it in, wake it, tap 'Allow'."""
        if self.fault == "frozen":
            self._phone.thaw()
        if self._stranger is not None:
            self._stranger.close()
            adb = device._connection.server
            self._eventually(lambda: adb.state_of(self._phone.serial) != "unauthorized")
        if self.fault in ("cable", "unauthorized"):
            self._phone.start()


@pytest.fixture
def breaker(
    request: pytest.FixtureRequest, phone: LabDevice, server: LabServer, eventually: Eventually
) -> Breaker:
    return Breaker(request.param, phone, server, eventually)


@contextmanager
def lost(phone: LabDevice, breaker: Breaker, moment: str) -> Iterator[None]:
    """The block loses the phone within its bound, and says so in a sentence."""
    with row(breaker.fault, moment) as came_to:
        with pytest.raises(DeviceLost) as caught:
            yield
        came_to.append(f"DeviceLost: {caught.value}")
    assert phone.serial in str(caught.value)


def still_lost(phone: LabDevice, breaker: Breaker, device: AdbDevice) -> None:
    """Asked again while it is away, the device says what to do."""
    words = {"cable": "in this network", "unauthorized": "tap 'Allow'"}.get(breaker.fault)
    if words is None:
        return
    device._connection.patience_s = 20.0 if breaker.fault == "unauthorized" else 1.0
    with row(breaker.fault, "claim") as came_to:
        with pytest.raises(DeviceLost, match=words) as caught, device.lease():
            pass
        came_to.append(f"DeviceLost: {caught.value}")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("breaker", FAULTS, indirect=True)
def test_lost_and_back(
    breaker: Breaker, moment: str, device: AdbDevice, phone: LabDevice, model: Artifact, at: Hook,
    tmp_path: Path
) -> None:  # fmt: skip
    at(moment, breaker.happen)
    with lost(phone, breaker, moment), device.lease():
        run(device, model, tmp_path / "out", moment=moment)
    assert not holds(tmp_path / "out")
    if moment == "push":
        assert not (phone.storage / "blobs" / model.manifest.sha256).exists()
    still_lost(phone, breaker, device)
    breaker.mend(device)
    # Its own watch has ended the run, without any word from here.
    phone.await_idle()
    device._connection.patience_s = 20.0
    assert_fit(device, model, tmp_path / "again", phone)


@pytest.mark.parametrize("breaker", ["cable", "server"], indirect=True)
def test_lost_and_back_within_one_lease(
    breaker: Breaker, device: AdbDevice, phone: LabDevice, model: Artifact, at: Hook,
    tmp_path: Path
) -> None:  # fmt: skip
    at("run", breaker.happen)
    with device.lease():
        with pytest.raises(DeviceLost):
            run(device, model, tmp_path / "out", moment="run")
        breaker.mend(device)
        device._connection.patience_s = 20.0
        assert run(device, model, tmp_path / "out").outcome is Outcome.OK
    assert_clean(phone)


@pytest.mark.parametrize("moment", MOMENTS)
def test_our_own_process_is_killed(
    moment: str, device: AdbDevice, phone: LabDevice, model: Artifact, at: Hook, tmp_path: Path,
    eventually: Eventually,
) -> None:  # fmt: skip
    test = os.getpid()

    def die() -> None:
        if os.getpid() != test:
            os.kill(os.getpid(), signal.SIGKILL)

    at(moment, die)
    with row("our process killed", moment) as came_to:
        child = os.fork()
        if child == 0:
            try:
                with device.lease():
                    run(device, model, tmp_path / "out", moment=moment)
            finally:
                os._exit(0)
        if moment == "run":
            # Only the parent can look at the lab's processes.
            eventually(lambda: any("3600" in line for line in phone.runs()))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        phone.await_idle()
        came_to.append("nothing runs on the device; the next process claims it")
    assert not holds(tmp_path / "out")
    if moment == "push":
        assert not (phone.storage / "blobs" / model.manifest.sha256).exists()
    assert_fit(device, model, tmp_path / "again", phone)


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c(
    moment: str, device: AdbDevice, phone: LabDevice, model: Artifact, at: Hook, tmp_path: Path,
) -> None:  # fmt: skip
    def interrupt() -> None:
        raise KeyboardInterrupt

    at(moment, interrupt)
    with row("Ctrl-C", moment) as came_to:
        with pytest.raises(KeyboardInterrupt), device.lease():
            run(device, model, tmp_path / "out", moment=moment)
        phone.await_idle()
        came_to.append("KeyboardInterrupt; nothing runs on the device")
    assert not holds(tmp_path / "out")
    assert_fit(device, model, tmp_path / "again", phone)


def test_unauthorized_from_the_start(
    own_server: LabServer, unauthorized: UnauthorizedDevice, bundle: StandInBundle
) -> None:
    with (
        row("unauthorized", "first claim") as came_to,
        AdbDevice(unauthorized.serial, bundles=lambda abi: bundle, patience_s=5.0) as device,
    ):
        with pytest.raises(DeviceLost, match="tap 'Allow'") as caught, device.lease():
            pass
        came_to.append(f"DeviceLost: {caught.value}")


def test_damaged_blob_is_pushed_again(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path,
) -> None:  # fmt: skip
    with device.lease():
        assert device.push(model).bytes_pushed > 0
    # As a reboot may leave it: the name is there, the content was never written out.
    (phone.storage / "blobs" / model.manifest.sha256).write_bytes(b"")
    with device.lease():
        assert device.push(model).bytes_pushed > 0
    assert_fit(device, model, tmp_path / "again", phone)
