"""What every device that speaks the runner protocol shares: from request to arguments, from
launch to report.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from device_runner.errors import RunnerBrokenError
from device_runner.launching.checks import element_count, name_of
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.launching.outcomes import LaunchOutcome
from device_runner.records import Outcome, SessionRecord


def runner_arguments(
    request: RunRequest, *, model: str, inputs: Sequence[str], output_dir: str | None
) -> list[str]:
    """The runner's arguments (see `protocol`), with paths as the device knows them."""
    arguments = ["--model", model]
    for path in inputs:
        arguments += ["--inputs", path]
    if output_dir is not None:
        arguments += ["--output-dir", output_dir, "--output-dtype", request.output_dtype]
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


def run_report(
    request: RunRequest, judged: LaunchOutcome, duration_s: float, device: str
) -> RunReport:
    """The report of a launch whose outputs, if any, lie in `request.output_dir` already.

    Raises:
        RunnerBrokenError: see `checked_outputs` and `check_timed`.
    """
    ok = judged.outcome is Outcome.OK
    limit = ""
    if judged.outcome is Outcome.TIMED_OUT:
        limit = f" at its limit of {request.timeout_s:g} s"
    elif judged.outcome is Outcome.OUT_OF_MEMORY and request.memory_limit_mb is not None:
        limit = f" within its limit of {request.memory_limit_mb} MB"
    if judged.transcript.session is not None and ok:
        check_timed(request, judged.transcript.session, device)
    return RunReport(
        outcome=judged.outcome,
        message=f"{name_of(request.artifact)} {judged.reason}{limit} on device {device}",
        duration_s=duration_s,
        session=judged.transcript.session if ok else None,
        outputs=checked_outputs(request, judged, device) if ok else (),
    )


def check_timed(request: RunRequest, session: SessionRecord, device: str) -> None:
    """Refuse a session that was to be timed and holds no times, or times of nothing.

    Raises:
        RunnerBrokenError.
    """
    if request.timing is None or (session.iteration_ns and min(session.iteration_ns) > 0):
        return
    told = "iterations that took no time" if session.iteration_ns else "no timed iteration"
    raise RunnerBrokenError(
        f"the runner on device {device} ended well but told of {told} of "
        f"{name_of(request.artifact)}: use the runner that belongs to this version of "
        "mobilesr-tune, and restart the device if its clock stands still"
    )


def output_bytes(request: RunRequest) -> int:
    """The size of one output file, by the manifest."""
    made = request.artifact.manifest.outputs[0]
    size = 1 if "uint8" in (request.output_dtype, made.dtype) else 4
    return size * element_count(made.shape)


def checked_outputs(request: RunRequest, judged: LaunchOutcome, device: str) -> tuple[Path, ...]:
    """The output files, each there and of the size that the manifest promises.

    Raises:
        RunnerBrokenError: they are not.
    """
    if request.output_dir is None:
        return ()
    wanted = output_bytes(request)
    paths = tuple(request.output_dir / file.name for file in judged.transcript.outputs)
    sizes = [path.stat().st_size if path.is_file() else -1 for path in paths]
    if len(paths) != len(request.inputs) or any(found != wanted for found in sizes):
        raise wrong_outputs(request, len(paths), device)
    return paths


def wrong_outputs(request: RunRequest, found: int, device: str) -> RunnerBrokenError:
    """The error for outputs that are not what the manifest promises."""
    return RunnerBrokenError(
        f"device {device} returned {found} outputs for {len(request.inputs)} inputs of "
        f"{name_of(request.artifact)}, or of another size than {output_bytes(request)} bytes: "
        "export the candidate again, and report this if it stays"
    )
