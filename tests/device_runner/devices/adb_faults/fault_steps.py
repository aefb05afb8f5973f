"""What the tests of faults do over and over: a run, a look at the time, a device that is fit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_device import LabDevice

from device_runner import Outcome, RunReport, RunRequest, TimingPlan
from device_runner.devices.adb.device import AdbDevice
from foundation import Artifact

MOMENTS = ("push", "run", "pull")
ENDLESS = TimingPlan(min_time_s=1e6)
# Beyond this a call did not end within its bound. The longest: silence, a probe, and a look.
BOUND_S = 60.0
Eventually = Callable[[Callable[[], bool]], None]
Hook = Callable[[str, Callable[[], None]], None]


@contextmanager
def row(fault: str, moment: str) -> Iterator[list[str]]:
    """One row of the table of faults; the block appends what it came to."""
    begin = time.monotonic()
    came_to: list[str] = []
    yield came_to
    seconds = time.monotonic() - begin
    print(f"TABLE | {fault} | {moment} | {'; '.join(came_to)} | {seconds:.1f} |")
    assert seconds < BOUND_S


def run(
    device: AdbDevice,
    artifact: Artifact,
    out: Path,
    *,
    moment: str = "pull",
    timeout_s: float = 40.0,
) -> RunReport:
    """A run that is long enough for the moment, and that brings outputs."""
    return device.run(
        RunRequest(
            artifact=artifact,
            inputs=(artifact.check_input_path,) * 3,
            output_dir=out,
            timing=ENDLESS if moment == "run" else None,
            timeout_s=timeout_s,
        )
    )


def assert_clean(phone: LabDevice) -> None:
    """The device holds no process of ours, no run and nothing half-pushed."""
    phone.await_idle()
    assert list((phone.storage / "tmp").iterdir()) == []
    assert list((phone.storage / "runs").iterdir()) == []


def assert_fit(device: AdbDevice, artifact: Artifact, out: Path, phone: LabDevice) -> None:
    """A whole run works, on the very object that met the fault, and leaves nothing."""
    with device.lease():
        report = run(device, artifact, out)
        assert report.outcome is Outcome.OK, report.message
        assert report.outputs[0].read_bytes() == artifact.check_input_path.read_bytes()
        assert device.push(artifact).already_there
    assert_clean(phone)


def holds(folder: Path) -> bool:
    """Whether anything lies in a folder, which need not be there."""
    return folder.exists() and any(folder.iterdir())
