"""A stock `executor_runner` on a lab device: its flags, its log, and what it leaves open.

The program is a stand-in with the flags and log lines of the real one, which has to be built from
ExecuTorch's sources; it answers its input.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lab_artifacts import BYTES, SHAPE, script_artifact
from lab_device import LabDevice
from lab_server import LabServer

from device_runner import (
    InputRefusedError,
    MeasurePlan,
    Outcome,
    RunnerBrokenError,
    RunRequest,
    TimingPlan,
    infer,
    measure,
    open_device,
    open_devices,
)
from device_runner.devices.adb.stock import StockAdbDevice
from foundation import Artifact, RequestError

PROGRAM = r"""#!/system/bin/sh
for flag in "$@"; do
  case "$flag" in
    --model_path=*) model=${flag#*=};; --inputs=*) input=${flag#*=};;
    --output_file=*) base=${flag#*=};; --num_executions=*) n=${flag#*=};;
    --cpu_threads=*) threads=${flag#*=};;
  esac
done
[ "$(head -c 5 "$model")" != crash ] || {
  echo "E 00:00:00.1 executorch:executor_runner.cpp:1] Loading of method forward failed" >&2
  kill -ABRT $$; }
cp "$input" "$base-0.bin" || exit 1
i=1
while [ $i -le $n ]; do
  echo "I 00:00:00.$i executorch:executor_runner.cpp:420] Iteration $i of $n: $((30 / i + 2)).5 ms"
  i=$((i + 1))
done
echo "I 0:1 executor_runner.cpp:431] Model executed successfully $n time(s) in 9.0 ms."
"""
QUICK = TimingPlan(min_warmup=2, min_iterations=4, min_time_s=0)


def number_artifact(folder: Path) -> Artifact:
    """An artifact whose check input, and answer, holds numbers only."""
    artifact = script_artifact(folder)
    values = np.random.default_rng(1).uniform(0, 1, SHAPE).astype("<f4")
    for path in (artifact.check_input_path, artifact.check_output_path):
        values.tofile(path)
    return artifact


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "executor_runner"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def stock(own_server: LabServer, phone: LabDevice, program: Path) -> StockAdbDevice:
    device = open_device(phone.serial, runner=f"executor_runner={program}").device
    assert isinstance(device, StockAdbDevice)
    return device


def test_what_it_does_not_tell_is_no_number(stock: StockAdbDevice, tmp_path: Path) -> None:
    plan = MeasurePlan(sessions=2, timing=QUICK, threads=2)
    found = measure(stock, number_artifact(tmp_path / "model"), plan)
    assert found.verification.passed
    estimate = found.estimate
    assert (estimate.load_ms, estimate.peak_memory_mb) == (None, None)
    assert estimate.first_run_ms == 32.5
    assert "stock_runner" in found.flags
    assert "peak_memory_inexact" not in found.flags
    session = found.sessions[0]
    assert "peak_rss_mb" in session.unknown
    assert "threads" in session.unknown
    # The first execution is the first run, the next two stand for the warm-up.
    assert session.warmup_ms == (17.5, 12.5)
    assert len(session.iteration_ns) >= 4
    assert session.iteration_ns[0] == 9_500_000
    assert found.device.runner.startswith("stock executor_runner ")
    assert "not told" in found.device.runtime


def test_outputs_are_made_as_our_runner_makes_them(
    stock: StockAdbDevice, tmp_path: Path, phone: LabDevice
) -> None:
    artifact = script_artifact(tmp_path / "model")
    rng = np.random.default_rng(0)
    images = [rng.uniform(-0.2, 1.2, SHAPE).astype(np.float32) for _ in range(2)]
    answers = infer(stock, artifact, images, threads=1, timeout_s=30)
    for image, answer in zip(images, answers, strict=True):
        expected = np.rint(image[0].clip(0, 1) * np.float32(255)).astype(np.uint8)
        np.testing.assert_array_equal(answer, expected)
    assert stock.pushed.inputs_bytes == 2 * BYTES
    assert list((phone.storage / "runs").iterdir()) == []


def test_how_it_ends_is_told_apart(
    stock: StockAdbDevice, tmp_path: Path, phone: LabDevice, program: Path,
    pixel_artifact: Artifact,
) -> None:  # fmt: skip
    damaged = script_artifact(tmp_path / "damaged", deed="crash at load")
    whole = script_artifact(tmp_path / "whole")
    with stock.lease():
        report = stock.run(RunRequest(damaged, (damaged.check_input_path,), timing=QUICK))
        assert report.outcome is Outcome.BAD_FILE
        assert "SIGABRT" in report.message
        with pytest.raises(InputRefusedError, match="memory limit"):
            stock.run(RunRequest(whole, (whole.check_input_path,), memory_limit_mb=100))
        with pytest.raises(InputRefusedError, match=r"takes uint8, and .* is fed float32 only"):
            stock.run(RunRequest(pixel_artifact, (pixel_artifact.check_input_path,)))
    for text, sentence in (
        ("\x7fELF of another machine", "is it built for x86_64"),
        ("#!/system/bin/sh\nexit 0\n", "EXECUTORCH_ENABLE_LOGGING=ON"),
    ):
        program.write_text(text)
        device = open_device(phone.serial, runner=f"executor_runner={program}").device
        with pytest.raises(RunnerBrokenError, match=sentence), device.lease():
            device.run(RunRequest(whole, (whole.check_input_path,), timing=QUICK))
    program.write_text("#!/system/bin/sh\nsleep 3600\n")
    device = open_device(phone.serial, runner=f"executor_runner={program}").device
    with device.lease():
        request = RunRequest(whole, (whole.check_input_path,), timing=QUICK, timeout_s=1.0)
        assert device.run(request).outcome is Outcome.TIMED_OUT
    phone.await_idle()


def test_a_runner_is_for_phones(tmp_path: Path, program: Path) -> None:
    for name in ("host", "auto", "all"):
        with pytest.raises(RequestError, match="--runner is for phones, and the device is the ho"):
            open_devices(name, runner=f"executor_runner={program}")


def test_a_runner_that_is_not_there(
    own_server: LabServer, phone: LabDevice, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="there is no executor_runner at"):
        open_device(phone.serial, runner="executor_runner=/nowhere")
    with pytest.raises(RequestError, match="holds no runner bundle"):
        open_device(phone.serial, runner=str(tmp_path))
    with pytest.raises(RequestError, match=r"--runner is for phones.* holds no runner bundle"):
        open_device("auto", runner=str(tmp_path))
