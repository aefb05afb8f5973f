"""The simulated phone does all that the contract asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from device_contract import DeviceContract

from device_runner import Device
from device_runner.devices.simulated import PRESETS, SimulatedDevice


class TestSimulatedDevice(DeviceContract):
    @pytest.fixture
    def device(self) -> Iterator[Device]:
        with SimulatedDevice(PRESETS["pixel"]) as device:
            yield device

    @pytest.fixture
    def second(self) -> Iterator[Device]:
        with SimulatedDevice(PRESETS["pixel"]) as device:
            yield device
