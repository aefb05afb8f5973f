"""A phone to break, and the moments at which it can be broken.

Every fault is a real one: processes are killed or stopped, disks are full. Only the moment is
arranged, by a hook in the file protocol or in the wait for the runner.

    MOBILESR_TUNE_LAB_REAL_BOUNDS=1 pytest -n 0 -rP tests/device_runner/adb_faults | grep TABLE

prints what each came to, and how long that took with the bounds that users have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_steps import Hook
from lab_artifacts import script_artifact
from lab_bundles import StandInBundle, script_bundle
from lab_device import LabDevice
from lab_server import LabServer

from device_runner.devices.adb import launch, wire
from device_runner.devices.adb.bounds import DEFAULT_BOUNDS, Bounds
from device_runner.devices.adb.device import AdbDevice
from foundation import Artifact

REAL_BOUNDS = os.environ.get("MOBILESR_TUNE_LAB_REAL_BOUNDS") == "1"
SHORT_BOUNDS = Bounds(stall_s=2.0, transfer_s=5.0, probe_every_s=1.0, probe_s=2.0)


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
    bounds = DEFAULT_BOUNDS if REAL_BOUNDS else SHORT_BOUNDS
    with AdbDevice(
        phone.serial, bundles=lambda abi: bundle, patience_s=1.0, bounds=bounds
    ) as opened:
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

        def watched(self: launch._Watch, seconds: float) -> bool:
            came = listen(self, seconds)
            if any("3600" in line for line in phone.runs()):
                now()
            return came

        chunks: list[int] = []
        if moment == "push":
            monkeypatch.setattr(wire.Wire, "send", counted)
        elif moment == "pull":
            monkeypatch.setattr(wire.Sync, "read", cut)
        else:
            monkeypatch.setattr(launch._Watch, "_listen", watched)

    return arrange
