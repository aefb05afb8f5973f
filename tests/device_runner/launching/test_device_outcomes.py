from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest
from test_device_protocol import LOAD, START, WHOLE, lines

from device_runner import (
    DeviceStorageError,
    DeviceUnknownError,
    HostDevice,
    InputRefusedError,
    Outcome,
    RunnerBrokenError,
    open_device,
)
from device_runner.devices.discovery import survey
from device_runner.devices.host.child_process import run_bounded
from device_runner.launching.outcomes import Ended, judge
from device_runner.records import DeviceProfile

PROFILE = DeviceProfile(
    kind="phone",
    model="Pixel 6/../x",
    soc="gs101",
    abi="arm64-v8a",
    os_build="14",
    cores=8,
    ram_mb=7600,
    runtime="executorch 1.4.1",
    runner="native 1",
)


def ended(
    stdout: bytes,
    *,
    exit_code: int = 0,
    timed_out: bool = False,
    stderr: bytes = b"",
    memory_limited: bool = False,
) -> Ended:
    return Ended(exit_code, timed_out, stdout, stderr, memory_limited)


def error(kind: str, message: str = "why") -> bytes:
    return lines(START, {"event": "error", "kind": kind, "message": message})


@pytest.mark.parametrize(
    ("launch", "outcome"),
    [
        (ended(lines(*WHOLE)), Outcome.OK),
        (ended(lines(*WHOLE), timed_out=True, exit_code=-9), Outcome.TIMED_OUT),
        (ended(b"", timed_out=True, exit_code=-9), Outcome.TIMED_OUT),
        (ended(lines(START), exit_code=-11), Outcome.CRASHED),
        (ended(lines(START), exit_code=139), Outcome.CRASHED),
        (ended(lines(START, LOAD), exit_code=0), Outcome.CRASHED),
        (ended(lines(START) + b"garbage\n", exit_code=-11), Outcome.CRASHED),
        (ended(lines(START), exit_code=-9), Outcome.OUT_OF_MEMORY),
        (ended(lines(START), exit_code=137), Outcome.OUT_OF_MEMORY),
        (ended(lines(START), exit_code=-6), Outcome.CRASHED),
        (ended(lines(START), exit_code=-6, memory_limited=True), Outcome.OUT_OF_MEMORY),
        (ended(lines(START), exit_code=-11, stderr=b"std::bad_alloc"), Outcome.OUT_OF_MEMORY),
        (ended(error("bad_file"), exit_code=1), Outcome.BAD_FILE),
        (ended(error("failed"), exit_code=1), Outcome.CRASHED),
        (ended(error("out_of_memory"), exit_code=1), Outcome.OUT_OF_MEMORY),
        (ended(error("bad_file", "error: 0x:21"), exit_code=1), Outcome.OUT_OF_MEMORY),
        (
            ended(error("failed"), exit_code=1, stderr=b"code: xnn_status_out_of_memory"),
            Outcome.OUT_OF_MEMORY,
        ),
    ],
)
def test_how_a_launch_ended(launch: Ended, outcome: Outcome) -> None:
    assert judge(launch, "some-phone").outcome is outcome


@pytest.mark.parametrize(
    ("launch", "kind"),
    [
        (ended(b"", exit_code=1, stderr=b"No module named 'torch'"), RunnerBrokenError),
        (ended(b"hello\n"), RunnerBrokenError),
        (ended(error("output", "disk full"), exit_code=1), DeviceStorageError),
        (ended(error("bad_input"), exit_code=1), InputRefusedError),
    ],
)
def test_what_is_no_candidates_fault_is_raised(launch: Ended, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="some-phone"):
        judge(launch, "some-phone")


def test_crash_says_signal_and_phase() -> None:
    reason = judge(ended(lines(START, LOAD), exit_code=139), "x").reason
    assert "SIGSEGV" in reason
    assert "'load'" in reason


def bounded(code: str, timeout_s: float = 60.0) -> tuple[int, bool, bytes, bytes]:
    finished = run_bounded(
        [sys.executable, "-c", code],
        environment={},
        timeout_s=timeout_s,
        stdout_limit=100,
        stderr_limit=100,
    )
    return finished.exit_code, finished.timed_out, finished.stdout, finished.stderr


def test_captured_words_are_bounded() -> None:
    code = "import sys; sys.stdout.write('a' * 10**7); sys.stderr.write('b' * 10**7 + 'end')"
    exit_code, timed_out, stdout, stderr = bounded(code)
    assert (exit_code, timed_out) == (0, False)
    assert stdout == b"a" * 101
    assert len(stderr) == 100
    assert stderr.endswith(b"end")


def test_grandchildren_die_at_the_limit(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(p.pid))\n"
        "time.sleep(600)"
    )
    begin = time.monotonic()
    _, timed_out, _, _ = bounded(code, timeout_s=3.0)
    assert timed_out
    assert time.monotonic() - begin < 60
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_profile_key_groups_and_is_fit_for_a_file_name() -> None:
    assert PROFILE.key == PROFILE.model_copy(update={"ram_mb": 7610}).key
    assert PROFILE.key != PROFILE.model_copy(update={"os_build": "15"}).key
    assert PROFILE.key != PROFILE.model_copy(update={"kind": "emulator"}).key
    assert PROFILE.key.startswith("phone-pixel-6-x-")
    assert PROFILE.stand_in_note == ""


def test_auto_says_what_it_chose_and_unknown_names_are_refused() -> None:
    selection = open_device("auto")
    assert isinstance(selection.device, HostDevice)
    assert "host" in selection.sentence
    assert [device.serial for device in survey().devices] == ["host"]
    with pytest.raises(DeviceUnknownError, match="auto, host") as caught:
        open_device("emulator-5554")
    assert caught.value.exit_code == 2
