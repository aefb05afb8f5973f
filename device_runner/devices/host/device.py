"""The host as a device: the stand-in for a phone, with the same life cycle and the same truths."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from device_runner.device import Device, PushReport, ThreadChoice
from device_runner.devices.host.launcher import Launcher, shared_launcher
from device_runner.devices.lease import Lease
from device_runner.errors import InputRefusedError
from device_runner.launching import kernel_facts
from device_runner.launching.checks import check_artifact, check_cpus, check_request
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.launching.outcomes import Ended, judge
from device_runner.launching.protocol import MAX_STDOUT_BYTES
from device_runner.launching.reporting import run_report, runner_arguments
from device_runner.measuring.tuned import tuned_choice
from device_runner.records import DeviceProfile
from foundation import Artifact

SERIAL = "host"
_STDERR_BYTES = 64 * 1024


def _cpu_name() -> str:
    """What the CPU calls itself: `model name` on x86, `Hardware` on some ARM boards."""
    wanted = ("model name", "Hardware", "Model")
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            field, _, value = line.partition(":")
            if field.strip() in wanted and value.strip():
                return value.strip()[:200]
    except OSError:
        pass
    return (platform.processor() or platform.machine())[:200]


def _machine_name() -> str:
    try:
        name = Path("/sys/class/dmi/id/product_name").read_text(errors="replace").strip()
    except OSError:
        name = ""
    return (name or f"{platform.system()} computer")[:200]


def _arguments(request: RunRequest) -> list[str]:
    output = request.output_dir
    return runner_arguments(
        request,
        model=str(request.artifact.model_path.absolute()),
        inputs=[str(path.absolute()) for path in request.inputs],
        output_dir=None if output is None else str(output.absolute()),
    )


class HostDevice(Device):
    """Runs artifacts on this computer, each launch in its own process.

    `launcher` says how these processes come to be; without one, all host devices of this process
    share the fastest way that the system has.
    """

    def __init__(self, launcher: Launcher | None = None) -> None:
        self._launcher = launcher
        self._lease = Lease(SERIAL)
        self._profile: DeviceProfile | None = None

    @property
    def serial(self) -> str:
        return SERIAL

    def profile(self) -> DeviceProfile:
        if self._profile is None:
            self._profile = DeviceProfile(
                kind="host",
                model=_machine_name(),
                soc=_cpu_name(),
                abi=platform.machine()[:200],
                os_build=platform.platform()[:200],
                cores=os.cpu_count() or 1,
                ram_mb=kernel_facts.ram_mb(),
                runtime=f"executorch {importlib.metadata.version('executorch')}",
                runner=f"python {platform.python_version()}",
            )
        return self._profile

    def suggest_threads(self) -> ThreadChoice:
        if (tuned := tuned_choice(self.profile())) is not None:
            return tuned
        physical = kernel_facts.physical_cores()
        allowed = len(kernel_facts.affinity()) or physical
        quota = kernel_facts.cpu_quota()
        granted = math.ceil(quota) if quota is not None else physical
        threads = max(1, min(physical, allowed, granted))
        if threads == physical:
            return ThreadChoice(threads, "one for each physical core")
        limit = "its CPU affinity" if allowed <= granted else "the container's CPU quota"
        return ThreadChoice(threads, f"as many as {limit} leaves to this process")

    def uptime_s(self) -> float | None:
        return kernel_facts.uptime_s()

    def lease(self, wait_s: float = 0.0) -> AbstractContextManager[None]:
        return self._lease.hold(wait_s)

    def push(self, artifact: Artifact) -> PushReport:
        """Nothing needs to move; what lies there is checked, as on any device."""
        self._lease.require()
        check_artifact(artifact)
        return PushReport(bytes_pushed=0, already_there=True)

    def run(self, request: RunRequest) -> RunReport:
        self._lease.require()
        check_request(request)
        check_cpus(request, kernel_facts.affinity(), SERIAL)
        if request.memory_limit_mb is not None and not sys.platform.startswith("linux"):
            raise InputRefusedError("a memory limit on the host needs Linux: leave it out")
        self.push(request.artifact)
        finished = (self._launcher or shared_launcher()).launch(
            _arguments(request),
            timeout_s=request.timeout_s,
            stdout_limit=MAX_STDOUT_BYTES,
            stderr_limit=_STDERR_BYTES,
        )
        judged = judge(
            Ended(
                exit_code=finished.exit_code,
                timed_out=finished.timed_out,
                stdout=finished.stdout,
                stderr=finished.stderr,
                memory_limited=request.memory_limit_mb is not None,
            ),
            SERIAL,
        )
        return run_report(request, judged, finished.duration_s, SERIAL)

    def close(self) -> None:
        """There is no connection to let go of."""
