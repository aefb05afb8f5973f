"""Where the outputs of a device that does not exist come from: the host computes them.

So quality on a simulated phone is real, and so is every refusal of a file that does not load;
only the times are made up.
"""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

from device_runner.devices.host import HostDevice
from device_runner.devices.simulated.synthetic import is_synthetic
from device_runner.errors import InputRefusedError
from device_runner.launching.checks import name_of
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.records import Outcome

# Computing an answer is the host's work: its bounds are the wall clock's.
HOST_TIMEOUT_S = 600.0
HOST_LEASE_WAIT_S = 600.0


@dataclass(frozen=True)
class Answer:
    """How the artifact fared on the host. `memory_mb` is what it added to a process there."""

    outcome: Outcome
    message: str
    outputs: tuple[Path, ...]
    memory_mb: float


class Answers:
    """Answers for one device. An artifact is run on the host when something of it is unknown."""

    def __init__(self) -> None:
        self._known: dict[str, Answer] = {}

    def give(self, request: RunRequest) -> Answer:
        """Compute the outputs, if asked for; else find out once whether the artifact runs at all.

        Raises:
            InputRefusedError: a synthetic artifact is asked about anything but its check input.
            foundation.DeviceFailure: the host is in trouble, or busy being measured.
        """
        if is_synthetic(request.artifact.manifest):
            return _given(request)
        sha256 = request.artifact.manifest.sha256
        known = self._known.get(sha256)
        if known is not None and (request.output_dir is None or known.outcome is not Outcome.OK):
            return known
        answer = _computed(request)
        self._known[sha256] = dataclasses.replace(answer, outputs=())
        return answer


def _computed(request: RunRequest) -> Answer:
    with HostDevice() as host, host.lease(HOST_LEASE_WAIT_S):
        report: RunReport = host.run(
            dataclasses.replace(
                request,
                threads=host.suggest_threads().threads,
                cpus=(),
                timing=None,
                timeout_s=HOST_TIMEOUT_S,
                memory_limit_mb=None,
            )
        )
    memory_mb = 0.0 if report.session is None else report.session.peak_memory_mb
    return Answer(report.outcome, report.message, report.outputs, memory_mb)


def _given(request: RunRequest) -> Answer:
    artifact = request.artifact
    outputs: list[Path] = []
    if request.output_dir is not None:
        if request.output_dtype != "float32" or set(request.inputs) != {artifact.check_input_path}:
            raise InputRefusedError(
                f"{name_of(artifact)} is synthetic: it answers to its check input only"
            )
        request.output_dir.mkdir(parents=True, exist_ok=True)
        for index in range(len(request.inputs)):
            outputs.append(request.output_dir / f"out-{index}.bin")
            shutil.copyfile(artifact.check_output_path, outputs[-1])
    memory_mb = artifact.manifest.planned_memory_bytes / 2**20
    return Answer(Outcome.OK, "", tuple(outputs), memory_mb)
