"""The device contract with the native runner: our own bundles on devices of the lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from device_contract import DeviceContract
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer

from device_runner import Device
from device_runner.bundles import Bundle
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.native import NativeBundle


class OnLabDevice(DeviceContract):
    """The contract on one device for the whole class."""

    abi: ClassVar[str]

    @pytest.fixture(scope="class")
    def contract_phone(self, make_device_module: MakeDevice) -> LabDevice:
        return make_device_module(abi=self.abi)

    @pytest.fixture
    def native(self, runner_bundle: Callable[[str], Bundle]) -> NativeBundle:
        return NativeBundle(runner_bundle(self.abi))

    @pytest.fixture
    def device(
        self,
        contract_phone: LabDevice,
        lab_server: LabServer,
        native: NativeBundle,
    ) -> Iterator[Device]:
        with AdbDevice(contract_phone.serial, bundles=lambda abi: native) as device:
            yield device
        contract_phone.await_idle()

    @pytest.fixture
    def second(
        self, contract_phone: LabDevice, lab_server: LabServer, native: NativeBundle
    ) -> Iterator[Device]:
        with AdbDevice(contract_phone.serial, bundles=lambda abi: native) as device:
            yield device


class TestNativeRunnerOnX86(OnLabDevice):
    abi = "x86_64"


class TestNativeRunnerOnArm64(OnLabDevice):
    abi = "arm64-v8a"
