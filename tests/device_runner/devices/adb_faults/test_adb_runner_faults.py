"""What goes wrong with the runner itself, before, in and after each of its steps."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from fault_steps import ENDLESS, Hook, assert_fit, holds, row, run
from lab_artifacts import script_artifact
from lab_device import LabDevice
from lab_server import LabServer

from device_runner import Outcome, RunRequest
from device_runner.bundles import Bundle
from device_runner.devices.adb import launch
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.native import NativeBundle
from foundation import Artifact

STAGES = ("load", "run", "output")
# Deed of the stand-in -> what it is called, the outcome, a word of the sentence.
DEEDS = {
    "die": ("runner killed by the system", Outcome.OUT_OF_MEMORY, "out of memory after"),
    "starve": ("allocation fails", Outcome.OUT_OF_MEMORY, "out of memory"),
    "crash": ("segfault", Outcome.CRASHED, "SIGSEGV"),
    "hang": ("hang", Outcome.TIMED_OUT, "at its limit of 2 s"),
}
LAST_WORD = {"load": "start", "run": "load", "output": "output"}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("deed", DEEDS)
def test_outcome_at_each_stage(
    deed: str, stage: str, device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path,
) -> None:  # fmt: skip
    name, outcome, words = DEEDS[deed]
    bad = script_artifact(tmp_path / "bad", deed=f"{deed} at {stage}")
    limit_s = 2.0 if deed == "hang" else 40.0
    with row(name, stage) as came_to, device.lease():
        report = run(device, bad, tmp_path / "out", timeout_s=limit_s)
        came_to.append(f"{report.outcome}: {report.message}")
    assert report.outcome is outcome
    assert words in report.message
    assert phone.serial in report.message
    if deed != "starve":
        assert f"after '{LAST_WORD[stage]}'" in report.message
    assert report.outputs == ()
    assert not holds(tmp_path / "out")
    assert_fit(device, model, tmp_path / "again", phone)


def test_hang_while_timing(
    device: AdbDevice, phone: LabDevice, model: Artifact, tmp_path: Path
) -> None:
    with row("hang", "timing") as came_to, device.lease():
        report = device.run(
            RunRequest(model, (model.check_input_path,), timing=ENDLESS, timeout_s=2.0)
        )
        came_to.append(f"{report.outcome}: {report.message}")
    assert report.outcome is Outcome.TIMED_OUT
    assert_fit(device, model, tmp_path / "again", phone)


def test_killed_while_timing(
    device: AdbDevice, phone: LabDevice, model: Artifact, at: Hook, tmp_path: Path,
) -> None:  # fmt: skip
    def kill() -> None:
        for process in phone.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.cmdline()[:2] == ["sh", "part/runner.sh"]:
                    process.send_signal(signal.SIGKILL)

    at("run", kill)
    with row("runner killed from outside", "timing") as came_to, device.lease():
        report = run(device, model, tmp_path / "out", moment="run")
        came_to.append(f"{report.outcome}: {report.message}")
    # Nobody of ours killed it: the system did, which it does for memory.
    assert report.outcome is Outcome.OUT_OF_MEMORY
    assert_fit(device, model, tmp_path / "again", phone)


@pytest.fixture
def native(
    server: LabServer, phone: LabDevice, runner_bundle: Callable[[str], Bundle]
) -> AdbDevice:
    bundle = NativeBundle(runner_bundle("x86_64"))
    return AdbDevice(phone.serial, bundles=lambda abi: bundle, patience_s=5.0)


# Where the damage begins, as a share of the file: its tables, its middle, its end.
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6])
def test_damaged_pte(
    share: float, native: AdbDevice, phone: LabDevice, artifact: Artifact,
    altered: Callable[[str, bytes], Artifact], tmp_path: Path,
) -> None:  # fmt: skip
    content = bytearray(artifact.model_path.read_bytes())
    for place in range(int(len(content) * share), len(content), 97):
        content[place] ^= 0xFF
    broken = altered("model.pte", bytes(content))
    with row("damaged .pte, native runner", f"from {share:.0%}") as came_to, native.lease():
        report = run(native, broken, tmp_path / "out")
        came_to.append(f"{report.outcome}: {report.message}")
    # What is left whole may run: then the check against eager PyTorch finds it.
    allowed = {Outcome.BAD_FILE, Outcome.CRASHED} | ({Outcome.OK} if share > 0.01 else set())
    assert report.outcome in allowed
    with native.lease():
        assert run(native, artifact, tmp_path / "again").outcome is Outcome.OK
    phone.await_idle()


def test_memory_limit(native: AdbDevice, phone: LabDevice, artifact: Artifact) -> None:
    request = RunRequest(artifact, (artifact.check_input_path,), memory_limit_mb=1)
    with row("memory limit of 1 MB, native runner", "load") as came_to, native.lease():
        report = native.run(request)
        came_to.append(f"{report.outcome}: {report.message}")
    assert report.outcome is Outcome.OUT_OF_MEMORY
    assert "1 MB" in report.message
    phone.await_idle()


def test_a_run_that_ended_while_we_were_stopped_ended_in_time(
    device: AdbDevice, model: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-Z for longer than a run may take: its answer lies in the socket when we come back."""
    listen, stopped = launch._Watch._listen, [6.0]

    def late(self: launch._Watch, seconds: float) -> bool:
        if stopped:
            time.sleep(stopped.pop())
            return False
        return listen(self, seconds)

    monkeypatch.setattr(launch._Watch, "_listen", late)
    with device.lease():
        assert run(device, model, tmp_path / "out", timeout_s=5.0).outcome is Outcome.OK
