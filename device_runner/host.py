"""The host as a device: the stand-in for a phone, with the same life cycle and the same truths."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from device_runner import kernel_facts
from device_runner.child_process import run_bounded
from device_runner.device import (
    Device,
    PushReport,
    RunReport,
    RunRequest,
    ThreadChoice,
    check_request,
    element_count,
    name_of,
)
from device_runner.errors import (
    ArtifactChangedError,
    DeviceNotLeasedError,
    InputRefusedError,
    RunnerBrokenError,
)
from device_runner.lease import Lease
from device_runner.outcomes import Ended, Verdict, judge
from device_runner.protocol import MAX_STDOUT_BYTES
from device_runner.records import DeviceProfile, Outcome
from foundation import Artifact, sha256_of

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


def _runner_environment() -> Mapping[str, str]:
    """Ours, with the folder of this very package first unless the interpreter has it anyway."""
    environment = dict(os.environ)
    root = str(Path(__file__).resolve().parents[1])
    if root not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        paths = [root, environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


def _runner_arguments(request: RunRequest) -> list[str]:
    arguments = ["--model", str(request.artifact.model_path.absolute())]
    for path in request.inputs:
        arguments += ["--inputs", str(path.absolute())]
    if request.output_dir is not None:
        arguments += ["--output-dir", str(request.output_dir.absolute())]
        arguments += ["--output-dtype", request.output_dtype]
    arguments += ["--threads", str(request.threads)]
    if request.cpus:
        arguments += ["--cpus", ",".join(map(str, request.cpus))]
    if request.memory_limit_mb is not None:
        arguments += ["--memory-limit-mb", str(request.memory_limit_mb)]
    if request.timing is None:
        return [*arguments, "--no-timing"]
    timing = request.timing
    arguments += ["--min-warmup", str(timing.min_warmup), "--max-warmup", str(timing.max_warmup)]
    arguments += ["--min-iterations", str(timing.min_iterations)]
    return [*arguments, "--min-time-s", repr(timing.min_time_s)]


class HostDevice(Device):
    """Runs artifacts on this computer, each launch in its own process."""

    def __init__(self) -> None:
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
        physical = kernel_facts.physical_cores()
        allowed = len(kernel_facts.affinity()) or physical
        quota = kernel_facts.cpu_quota()
        granted = math.ceil(quota) if quota is not None else physical
        threads = max(1, min(physical, allowed, granted))
        if threads == physical:
            return ThreadChoice(threads, "one for each physical core")
        limit = "its CPU affinity" if allowed <= granted else "the container's CPU quota"
        return ThreadChoice(threads, f"as many as {limit} leaves to this process")

    def lease(self, wait_s: float = 0.0) -> AbstractContextManager[None]:
        return self._lease.hold(wait_s)

    def push(self, artifact: Artifact) -> PushReport:
        """Nothing needs to move; what lies there is checked, as on any device."""
        self._require_lease()
        if sha256_of(artifact.model_path) != artifact.manifest.sha256:
            raise ArtifactChangedError(
                f"{artifact.model_path} is not the file its manifest describes (sha256 differs): "
                "export the candidate again"
            )
        return PushReport(bytes_pushed=0, already_there=True)

    def run(self, request: RunRequest) -> RunReport:
        self._require_lease()
        check_request(request)
        allowed = set(kernel_facts.affinity())
        if not set(request.cpus) <= allowed:
            raise InputRefusedError(
                f"CPUs {', '.join(map(str, request.cpus))} were asked for, device {SERIAL} has "
                f"{', '.join(map(str, sorted(allowed))) or 'none that can be chosen'}"
            )
        if request.memory_limit_mb is not None and not sys.platform.startswith("linux"):
            raise InputRefusedError("a memory limit on the host needs Linux: leave it out")
        self.push(request.artifact)
        finished = run_bounded(
            [sys.executable, "-P", "-m", "device_runner.host_runner", *_runner_arguments(request)],
            environment=_runner_environment(),
            timeout_s=request.timeout_s,
            stdout_limit=MAX_STDOUT_BYTES,
            stderr_limit=_STDERR_BYTES,
        )
        verdict = judge(
            Ended(
                exit_code=finished.exit_code,
                timed_out=finished.timed_out,
                stdout=finished.stdout,
                stderr=finished.stderr,
                memory_limited=request.memory_limit_mb is not None,
            ),
            SERIAL,
        )
        return _report(request, verdict, finished.duration_s)

    def close(self) -> None:
        """There is no connection to let go of."""

    def _require_lease(self) -> None:
        if not self._lease.held:
            raise DeviceNotLeasedError(
                f"device {SERIAL} was used without its lease: call inside 'with device.lease():'"
            )


def _report(request: RunRequest, verdict: Verdict, duration_s: float) -> RunReport:
    ok = verdict.outcome is Outcome.OK
    limit = ""
    if verdict.outcome is Outcome.TIMED_OUT:
        limit = f" at its limit of {request.timeout_s:g} s"
    elif verdict.outcome is Outcome.OUT_OF_MEMORY and request.memory_limit_mb is not None:
        limit = f" within its limit of {request.memory_limit_mb} MB"
    return RunReport(
        outcome=verdict.outcome,
        message=f"{name_of(request.artifact)} {verdict.reason}{limit} on device {SERIAL}",
        duration_s=duration_s,
        session=verdict.transcript.session if ok else None,
        outputs=_checked_outputs(request, verdict) if ok else (),
    )


def _checked_outputs(request: RunRequest, verdict: Verdict) -> tuple[Path, ...]:
    """The output files, each there and of the size that the manifest promises."""
    if request.output_dir is None:
        return ()
    size = 1 if request.output_dtype == "uint8" else 4
    wanted = size * element_count(request.artifact.manifest.outputs[0].shape)
    paths = tuple(request.output_dir / file.name for file in verdict.transcript.outputs)
    sizes = [path.stat().st_size if path.is_file() else -1 for path in paths]
    if len(paths) != len(request.inputs) or any(found != wanted for found in sizes):
        raise RunnerBrokenError(
            f"device {SERIAL} returned {len(paths)} outputs for {len(request.inputs)} inputs of "
            f"{name_of(request.artifact)}, or of another size than {wanted} bytes: export the "
            "candidate again, and report this if it stays"
        )
    return paths
