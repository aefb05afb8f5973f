"""ExecuTorch's own `executor_runner` in place of ours: its log lines, and what they leave open.

It has no warm-up and reports neither memory nor load times, so a session made from its log is
poorer than one of ours: `StockSession.unknown` names every field that holds no measurement.
On Android its log goes to logcat, unless it was built with -DEXECUTORCH_PAL_DEFAULT=posix.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device_runner.launching.protocol import MAX_ITERATIONS
from device_runner.records import SessionRecord

_MILLISECONDS = r"(\d{1,12}(?:\.\d{1,9})?) ms"
_ITERATION = re.compile(rf"\bIteration (\d{{1,9}}) of (\d{{1,9}}): {_MILLISECONDS}")
_DONE = re.compile(rf"\bModel executed successfully (\d{{1,9}}) time\(s\) in {_MILLISECONDS}")

# What `executor_runner` does not tell; the record's numbers there are zeros, not measurements.
UNKNOWN = (
    "program_load_ms", "method_load_ms", "warmup_ms", "iteration_start_ns", "cpu_time_ms",
    "minor_faults", "major_faults", "rss_before_mb", "rss_after_load_mb", "rss_after_mb",
    "peak_rss_mb", "affinity", "cpu_freq_mhz_before", "cpu_freq_mhz_after",
    "temperature_c_before", "temperature_c_after", "outputs_seen",
)  # fmt: skip


class StockLogError(ValueError):
    """The log does not tell of a run that ended well."""


@dataclass(frozen=True)
class StockRunner:
    """A stock `executor_runner` for the device, named by `--runner executor_runner=PATH`."""

    path: Path


@dataclass(frozen=True)
class StockSession:
    """A session as far as the log tells it; the fields named in `unknown` hold nothing measured."""

    session: SessionRecord
    unknown: tuple[str, ...]


def arguments(
    model: str, inputs: Sequence[str], *, output_base: str, executions: int, threads: int
) -> list[str]:
    """Its flags for one launch; the output lands in `OUTPUT_BASE-0.bin` as raw float32.

    Paths with a comma cannot be said to it: it splits `inputs` there, one for each model input.
    """
    if any("," in path for path in inputs):
        raise ValueError("executor_runner splits its inputs at commas: no path may have one")
    return [
        f"--model_path={model}",
        f"--inputs={','.join(inputs)}",
        f"--output_file={output_base}",
        f"--num_executions={executions}",
        f"--cpu_threads={threads}",
    ]


def parse_log(log: str, *, threads: int, runtime_version: str) -> StockSession:
    """Read the log of one launch, whatever stands before each message (logcat, timestamps).

    The first execution is the first run; the others are the timed ones. Where the log has only
    the total, its mean stands for one timed iteration. `threads` is what was asked for.

    Raises:
        StockLogError: it did not end well, or the lines contradict each other.
    """
    done = _DONE.search(log)
    if done is None:
        raise StockLogError("executor_runner did not say that the model was executed")
    executions, total_ms = int(done[1]), float(done[2])
    if not 1 <= executions <= MAX_ITERATIONS:
        raise StockLogError(f"executor_runner tells of {executions} executions")
    each_ms = [float(found[3]) for found in _ITERATION.finditer(log)]
    unknown = [*UNKNOWN, "threads"]
    if not each_ms:
        unknown.append("first_run_ms")
        timed_ms, first_ms = [total_ms / executions], 0.0
    elif len(each_ms) == executions:
        first_ms, timed_ms = each_ms[0], each_ms[1:]
    else:
        raise StockLogError(
            f"executor_runner tells of {executions} executions, its log has {len(each_ms)}"
        )
    session = SessionRecord(
        program_load_ms=0.0,
        method_load_ms=0.0,
        first_run_ms=first_ms,
        iteration_ns=tuple(round(value * 1e6) for value in timed_ms),
        rss_before_mb=0.0,
        rss_after_load_mb=0.0,
        rss_after_mb=0.0,
        peak_rss_mb=0.0,
        peak_reset=False,
        threads=threads,
        runtime_version=runtime_version,
    )
    return StockSession(session, tuple(unknown))
