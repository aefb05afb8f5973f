"""A device of the lab does all that the contract asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from device_contract import DeviceContract
from lab_bundles import StandInBundle, python_bundle
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer

from device_runner import Device
from device_runner.devices.adb.device import AdbDevice


@pytest.fixture(scope="module")
def contract_phone(make_device_module: MakeDevice) -> LabDevice:
    return make_device_module()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> StandInBundle:
    return python_bundle(tmp_path_factory.mktemp("bundle") / "python")


class TestAdbDevice(DeviceContract):
    @pytest.fixture
    def device(
        self,
        contract_phone: LabDevice,
        lab_server: LabServer,
        bundle: StandInBundle,
    ) -> Iterator[Device]:
        with AdbDevice(contract_phone.serial, bundles=lambda abi: bundle) as device:
            yield device
        contract_phone.await_idle()

    @pytest.fixture
    def second(
        self, contract_phone: LabDevice, lab_server: LabServer, bundle: StandInBundle
    ) -> Iterator[Device]:
        with AdbDevice(contract_phone.serial, bundles=lambda abi: bundle) as device:
            yield device

    def test_nothing_is_left_of_a_run(
        self, device: Device, contract_phone: LabDevice, artifact: object, tmp_path: Path
    ) -> None:
        with device.lease():
            device.run(self.request(artifact, output_dir=tmp_path / "out"))  # type: ignore[arg-type]
        assert list((contract_phone.storage / "runs").iterdir()) == []
        assert list((contract_phone.storage / "tmp").iterdir()) == []
