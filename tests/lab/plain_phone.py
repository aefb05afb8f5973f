"""A plain phone, for conditions that are asked what an answer of a phone means."""

from __future__ import annotations

import dataclasses

from device_runner.devices.adb.cores import Cluster, Cores
from device_runner.devices.adb.kind import Kind
from device_runner.devices.adb.profile import Hardware

PHONE = Hardware(
    its_kind=Kind("phone"),
    model="A phone",
    soc="A SoC",
    abi="arm64-v8a",
    android="15",
    sdk=35,
    os_build="Android 15",
    build_type="user",
    debuggable=False,
    ram_mb=8192,
    cpus=Cores((Cluster((0, 1, 2, 3), 1800000, 400), Cluster((4, 5, 6, 7), 2800000, 1024)), ()),
)


def phone(**changes: object) -> Hardware:
    return dataclasses.replace(PHONE, **changes)  # type: ignore[arg-type]
