from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from device_contract import LAUNCH_S, QUICK, DeviceContract

from device_runner import (
    Device,
    HostDevice,
    InputRefusedError,
    Outcome,
    RunnerBrokenError,
    RunRequest,
    TimingPlan,
)
from device_runner import host as host_module
from foundation import Artifact


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


class TestHostDevice(DeviceContract):
    @pytest.fixture
    def device(self, host: HostDevice) -> Device:
        return host

    @pytest.fixture
    def second(self) -> Iterator[Device]:
        with HostDevice() as device:
            yield device

    def test_timeout_leaves_no_process(self, host: HostDevice, artifact: Artifact) -> None:
        with host.lease():
            report = host.run(self.request(artifact, timing=TimingPlan(), timeout_s=0.3))
        assert report.outcome is Outcome.TIMED_OUT
        assert report.duration_s < LAUNCH_S
        assert children() == []

    def test_ctrl_c_leaves_no_process(
        self, host: HostDevice, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
            if timeout is not None:
                raise KeyboardInterrupt
            return wait(process)

        wait = subprocess.Popen.wait
        monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), host.lease():
            host.run(self.request(artifact))
        assert children() == []
        with host.lease():
            pass

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
    def test_runner_dies_with_a_killed_parent(
        self, artifact: Artifact, eventually: Callable[[Callable[[], bool]], None]
    ) -> None:
        program = f"""
from pathlib import Path
from device_runner import HostDevice, RunRequest, TimingPlan
from foundation import load_artifact
artifact = load_artifact(Path({str(artifact.folder)!r}))
device = HostDevice()
with device.lease():
    device.run(RunRequest(artifact=artifact, inputs=(artifact.check_input_path,),
               timing=TimingPlan(min_time_s=1e6), timeout_s=60))
"""
        environment = dict(host_module._runner_environment())
        parent = subprocess.Popen([sys.executable, "-P", "-c", program], env=environment)
        runner: list[psutil.Process] = []

        def computes() -> bool:
            runner[:] = psutil.Process(parent.pid).children()
            # Its ExecuTorch library is mapped: it is past its own start.
            return any("_portable_lib" in found.path for p in runner for found in p.memory_maps())

        try:
            eventually(computes)
        finally:
            parent.kill()
            parent.wait()
        eventually(lambda: not any(process.is_running() for process in runner))

    def test_cpus_bind_the_runner(self, host: HostDevice, artifact: Artifact) -> None:
        cpu = min(os.sched_getaffinity(0))
        with host.lease():
            report = host.run(self.request(artifact, cpus=(cpu,)))
            with pytest.raises(InputRefusedError, match="4000"):
                host.run(self.request(artifact, cpus=(4000,)))
        assert report.session is not None
        assert report.session.affinity == (cpu,)

    def test_runner_that_cannot_start_is_no_candidates_fault(
        self, host: HostDevice, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with host.lease(), pytest.raises(RunnerBrokenError, match="did not start"):
            host.run(self.request(artifact, timing=QUICK))

    def test_memory_comes_from_the_kernels_mark(self, host: HostDevice, artifact: Artifact) -> None:
        with host.lease():
            session = host.run(self.request(artifact, timing=QUICK)).session
        assert session is not None
        assert session.peak_rss_mb >= session.rss_after_mb - 1
        # 64 channels of 48x48 float32 live between the convolutions.
        assert session.peak_memory_mb > 64 * 48 * 48 * 4 / 2**20

    def test_runs_from_any_folder(
        self,
        host: HostDevice,
        artifact: Artifact,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # A folder whose names would shadow what the runner imports.
        (tmp_path / "torch.py").write_text("raise SystemExit(9)")
        monkeypatch.chdir(tmp_path)
        with host.lease():
            assert host.run(self.request(artifact)).outcome is Outcome.OK


def test_installed_package_needs_no_extra_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    root = str(Path(host_module.__file__).parents[1])
    assert host_module._runner_environment()["PYTHONPATH"] == f"{root}:/somewhere"
    monkeypatch.setattr(sysconfig, "get_path", lambda name: root)
    assert host_module._runner_environment()["PYTHONPATH"] == "/somewhere"


def test_import_of_the_package_stays_light() -> None:
    code = "import device_runner, device_runner.cli, sys; sys.exit('torch' in sys.modules)"
    root = Path(host_module.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


def test_request_is_frozen(artifact: Artifact) -> None:
    request = RunRequest(artifact=artifact, inputs=())
    with pytest.raises(AttributeError):
        request.threads = 3  # type: ignore[misc]
