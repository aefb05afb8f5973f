from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
import threading
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
from device_runner.devices.host import launcher as launcher_module
from device_runner.devices.host.fork_server import Channel
from device_runner.devices.host.launcher import (
    ColdLauncher,
    ForkLauncher,
    Launcher,
    runner_environment,
)
from foundation import Artifact

ROOT = Path(launcher_module.__file__).parents[3]


@pytest.fixture
def runners() -> Callable[[], list[psutil.Process]]:
    """Every process below us that this test has started, but for fork servers waiting for work."""
    before = psutil.Process().children(recursive=True)

    def found() -> list[psutil.Process]:
        new = set(psutil.Process().children(recursive=True)) - set(before)
        return [process for process in new if not _is_server(process)]

    return found


def _is_server(process: psutil.Process) -> bool:
    try:
        # A forked runner has its server's command line, and the server for a parent.
        return (
            "device_runner.devices.host.fork_server" in process.cmdline()
            and process.ppid() == os.getpid()
        )
    except psutil.NoSuchProcess:
        return False


def living(processes: list[psutil.Process]) -> bool:
    return any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


class TestHostDevice(DeviceContract):
    """Forked launches, the way of every user on Linux."""

    @pytest.fixture
    def device(self, host: HostDevice) -> Device:
        return host

    @pytest.fixture
    def second(self) -> Iterator[Device]:
        with HostDevice() as device:
            yield device

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
        parent = subprocess.Popen(
            [sys.executable, "-P", "-c", program], env=dict(runner_environment())
        )
        found: list[psutil.Process] = []

        def computes() -> bool:
            found[:] = psutil.Process(parent.pid).children(recursive=True)
            return len(found) == 2

        try:
            eventually(computes)
        finally:
            parent.kill()
            parent.wait()
        eventually(lambda: not living(found))

    def test_cpus_bind_the_runner(self, host: HostDevice, artifact: Artifact) -> None:
        cpu = min(os.sched_getaffinity(0))
        with host.lease():
            report = host.run(self.request(artifact, cpus=(cpu,)))
            with pytest.raises(InputRefusedError, match="4000"):
                host.run(self.request(artifact, cpus=(4000,)))
        assert report.session is not None
        assert report.session.affinity == (cpu,)

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


@pytest.fixture(params=[ForkLauncher, ColdLauncher])
def launcher(request: pytest.FixtureRequest) -> Iterator[Launcher]:
    made = request.param()
    yield made
    if isinstance(made, ForkLauncher):
        made.close()


def a_request(artifact: Artifact, **changes: object) -> RunRequest:
    return DeviceContract().request(artifact, **changes)


def test_both_launches_say_the_same(artifact: Artifact, tmp_path: Path) -> None:
    outputs, memory_mb = [], []
    forks = ForkLauncher()
    for kind in (forks, ColdLauncher()):
        device = HostDevice(kind)
        with device.lease():
            report = device.run(
                a_request(artifact, timing=QUICK, output_dir=tmp_path / type(kind).__name__)
            )
        assert report.session is not None, report.message
        assert len(report.session.iteration_ns) == 4
        memory_mb.append(report.session.peak_memory_mb)
        outputs.append(report.outputs[0].read_bytes())
    forks.close()
    assert outputs[0] == outputs[1]
    assert memory_mb[0] == pytest.approx(memory_mb[1], abs=1.0)


def test_time_limit_leaves_no_process(
    launcher: Launcher, artifact: Artifact, runners: Callable[[], list[psutil.Process]]
) -> None:
    device = HostDevice(launcher)
    with device.lease():
        report = device.run(a_request(artifact, timing=TimingPlan(min_time_s=1e6), timeout_s=0.5))
    assert report.outcome is Outcome.TIMED_OUT
    assert report.duration_s < LAUNCH_S
    assert not living(runners())


def test_ctrl_c_leaves_no_process(
    launcher: Launcher,
    artifact: Artifact,
    monkeypatch: pytest.MonkeyPatch,
    runners: Callable[[], list[psutil.Process]],
) -> None:
    wait = subprocess.Popen.wait

    def interrupted_wait(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        # A runner is waited for with its limit, a killed one and a server otherwise.
        if timeout == 50.0:
            raise KeyboardInterrupt
        return wait(process, timeout)

    def interrupted_receive(channel: Channel) -> tuple[dict[str, object], list[int]]:
        if channel.socket.gettimeout() == 50.0:
            raise KeyboardInterrupt
        return receive(channel)

    receive = Channel.receive

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted_wait)
    monkeypatch.setattr(Channel, "receive", interrupted_receive)
    device = HostDevice(launcher)
    with pytest.raises(KeyboardInterrupt), device.lease():
        device.run(a_request(artifact, timing=TimingPlan(min_time_s=1e6), timeout_s=50.0))
    assert not living(runners())
    with device.lease():
        assert device.run(a_request(artifact)).outcome is Outcome.OK


def test_runner_that_cannot_start_is_no_candidates_fault(
    launcher: Launcher, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    device = HostDevice(launcher)
    with device.lease(), pytest.raises(RunnerBrokenError, match="did not start"):
        device.run(a_request(artifact, timing=QUICK))


def test_a_server_that_was_killed_is_replaced(artifact: Artifact) -> None:
    launcher = ForkLauncher()
    device = HostDevice(launcher)
    before = set(psutil.Process().children())
    with device.lease():
        assert device.run(a_request(artifact)).outcome is Outcome.OK
        (server,) = set(psutil.Process().children()) - before
        server.kill()
        server.wait(30)
        assert device.run(a_request(artifact)).outcome is Outcome.OK
    launcher.close()
    assert set(psutil.Process().children()) == before


def test_a_server_killed_in_a_run_takes_the_runner_with_it(
    artifact: Artifact, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    launcher = ForkLauncher()
    device = HostDevice(launcher)
    before = set(psutil.Process().children())
    found: list[psutil.Process] = []

    def kill_the_server() -> None:
        def computes() -> bool:
            (server,) = set(psutil.Process().children()) - before
            # The first run's runner is its zombie until the next request arrives.
            found[:] = [server, *(child for child in server.children() if living([child]))]
            return len(found) == 2

        eventually(computes)
        found[0].kill()

    with device.lease():
        assert device.run(a_request(artifact)).outcome is Outcome.OK
        killer = threading.Thread(target=kill_the_server)
        killer.start()
        report = device.run(a_request(artifact, timing=TimingPlan(min_time_s=1e6)))
        killer.join()
    assert report.outcome is Outcome.OUT_OF_MEMORY
    eventually(lambda: not living(found))


def test_messages_that_arrive_together_are_told_apart() -> None:
    ours, theirs = map(Channel, socket.socketpair())
    with ours.socket, theirs.socket:
        theirs.send({"pid": 7})
        theirs.send({"exit_code": 0})
        assert ours.receive() == ({"pid": 7}, [])
        assert ours.receive() == ({"exit_code": 0}, [])
        theirs.socket.close()
        with pytest.raises(EOFError):
            ours.receive()


def test_installed_package_needs_no_extra_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    root = str(ROOT)
    assert runner_environment()["PYTHONPATH"] == f"{root}:/somewhere"
    monkeypatch.setattr(sysconfig, "get_path", lambda name: root)
    assert runner_environment()["PYTHONPATH"] == "/somewhere"


def test_import_of_the_package_stays_light() -> None:
    code = "import device_runner, device_runner.commands.cli, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_request_is_frozen(artifact: Artifact) -> None:
    request = RunRequest(artifact=artifact, inputs=())
    with pytest.raises(AttributeError):
        request.threads = 3  # type: ignore[misc]
