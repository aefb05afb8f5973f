"""The runner program of the `host` device: the protocol of `protocol`, spoken from Python.

It runs in its own process (``python -P -m device_runner.devices.host.runner ...``), so that a
candidate that crashes, hangs or eats all memory takes nothing with it. The ExecuTorch binding is
imported from its extension module: the public wrapper pulls in the exporter, which costs every
launch six seconds and its memory.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import resource
import sys
import time
from array import array
from pathlib import Path
from typing import Any, TextIO

from device_runner.launching import kernel_facts
from device_runner.launching.protocol import (
    CHUNK_ITERATIONS,
    MAX_ITERATIONS,
    PROTOCOL_VERSION,
    ErrorKind,
)
from device_runner.launching.repeats import OutputWatch
from device_runner.launching.warmup import is_settled, may_stop
from foundation.artifact import RAW_TYPES
from foundation.process import die_with_parent

# By scalar_type.h, whose numbers the file format keeps; numpy's words for them.
_RAW_TYPES = {0: RAW_TYPES["uint8"], 6: RAW_TYPES["float32"]}


class _Failure(Exception):
    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Events:
    """Writes events to the real stdout; the C++ libraries' chatter on fd 1 goes to stderr."""

    def __init__(self) -> None:
        self._stream: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def emit(self, event: str, **fields: object) -> None:
        self._stream.write(json.dumps({"event": event, **fields}, allow_nan=False) + "\n")
        self._stream.flush()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="runner", description="see device_runner.launching.protocol"
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--inputs", type=Path, action="append", required=True)
    parser.add_argument("--output-dir", type=Path)
    parser.add_argument("--output-dtype", choices=("float32", "uint8"), default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpus", default="")
    parser.add_argument("--min-warmup", type=int, default=3)
    parser.add_argument("--max-warmup", type=int, default=30)
    parser.add_argument("--min-iterations", type=int, default=10)
    parser.add_argument("--min-time-s", type=float, default=1.0)
    parser.add_argument("--no-timing", action="store_true")
    parser.add_argument("--memory-limit-mb", type=int)
    return parser.parse_args(argv)


def _limit_memory(headroom_mb: int) -> None:
    current_mb = kernel_facts.address_space_mb()
    if current_mb is None:
        raise _Failure("failed", "a memory limit needs Linux")
    limit = int((current_mb + headroom_mb) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _load(arguments: argparse.Namespace, binding: Any, events: _Events) -> Any:
    """Load program and method, and say what that took. Returns the method and its program."""
    kernel_facts.release_free_memory()
    kernel_facts.make_libraries_resident()
    before_mb = kernel_facts.rss_mb()
    peak_reset = kernel_facts.reset_peak_rss()
    if arguments.memory_limit_mb is not None:
        _limit_memory(arguments.memory_limit_mb)
    try:
        begin = time.perf_counter()
        program = binding._load_program(
            str(arguments.model), program_verification=binding.Verification.InternalConsistency
        )
        middle = time.perf_counter()
        method = program.load_method("forward")
        end = time.perf_counter()
        meta = method.method_meta()
        if meta.num_inputs() != 1 or meta.input_tensor_meta(0).dtype() not in _RAW_TYPES:
            raise _Failure("bad_file", "method 'forward' does not take one float32 or uint8 tensor")
    except RuntimeError as error:
        raise _Failure("bad_file", str(error)) from error
    events.emit(
        "load",
        program_load_ms=(middle - begin) * 1e3,
        method_load_ms=(end - middle) * 1e3,
        rss_before_mb=before_mb,
        rss_after_load_mb=kernel_facts.rss_mb(),
        peak_reset=peak_reset,
    )
    return program, method


def _read_input(path: Path, method: Any) -> Any:
    import numpy as np
    import torch

    meta = method.method_meta().input_tensor_meta(0)
    shape, raw_type = tuple(meta.sizes()), _RAW_TYPES[meta.dtype()]
    wanted = np.dtype(raw_type).itemsize * int(np.prod(shape, dtype=np.int64))
    try:
        found = path.stat().st_size
        if found != wanted:
            raise _Failure("bad_input", f"{path} holds {found} bytes, the model takes {wanted}")
        values = np.fromfile(path, raw_type)
    except OSError as error:
        raise _Failure("bad_input", f"{path} cannot be read: {error.strerror}") from error
    return torch.from_numpy(values.reshape(shape))


def _write_output(method: Any, folder: Path, index: int, dtype: str) -> dict[str, object]:
    import numpy as np

    # A view is enough: it is on disk before the next input is set.
    values = method.get_outputs(clone_outputs=False)[0].numpy()
    if values.dtype != np.uint8:
        values = values.astype("<f4", copy=False)
        if dtype == "uint8":
            values = np.rint(np.clip(values, 0.0, 1.0) * np.float32(255.0)).astype(np.uint8)
    name = f"out-{index}.bin"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        values.tofile(folder / name)
    except OSError as error:
        raise _Failure("output", f"{folder / name}: {error.strerror or error}") from error
    return {"index": index, "name": name, "bytes": values.nbytes}


class _Fed:
    """A method and the first input, which is timed; `watch` sees the outputs that it gives."""

    def __init__(self, method: Any, given: Any) -> None:
        self._method, self._given = method, given
        self.watch = OutputWatch(time.perf_counter_ns)

    def execute(self) -> tuple[int, int]:
        """One execution's begin and end, ns.

        The input is set each time: its planned memory is a kernel's to use again as soon as nobody
        needs the input any more.
        """
        self._method.set_inputs([self._given])
        begin = time.perf_counter_ns()
        self._method.execute()
        end = time.perf_counter_ns()
        self.watch.see(self._output)
        return begin, end

    def _output(self) -> memoryview:
        """The output's bytes as they lie there, until the next execution."""
        output = self._method.get_outputs(clone_outputs=False)[0]
        return memoryview(output.contiguous().numpy()).cast("B")


def _run_inputs(arguments: argparse.Namespace, method: Any, events: _Events) -> _Fed:
    first = _read_input(arguments.inputs[0], method)
    fed = _Fed(method, first)
    for index, path in enumerate(arguments.inputs):
        if index == 0:
            begin, end = fed.execute()
            events.emit("first_run", ms=(end - begin) / 1e6)
        else:
            method.set_inputs([_read_input(path, method)])
            method.execute()
        if arguments.output_dir is not None:
            written = _write_output(method, arguments.output_dir, index, arguments.output_dtype)
            events.emit("output", **written)
    return fed


def _emit_conditions(events: _Events) -> None:
    events.emit(
        "conditions",
        cpu_freq_mhz=kernel_facts.cpu_freq_mhz(),
        temperature_c=kernel_facts.temperature_c(),
    )


def _warm_up(arguments: argparse.Namespace, fed: _Fed, events: _Events) -> None:
    durations_ms: list[float] = []
    while not may_stop(durations_ms, arguments.min_warmup, arguments.max_warmup):
        begin, end = fed.execute()
        durations_ms.append((end - begin) / 1e6)
    events.emit("warmup", ms=durations_ms, settled=is_settled(durations_ms))


def _time_iterations(
    arguments: argparse.Namespace, fed: _Fed, events: _Events, origin_ns: int
) -> None:
    starts, durations = array("q"), array("q")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu_begin, hashing_ns = time.process_time(), fed.watch.spent_ns
    begin = now = time.perf_counter_ns()
    least_ns = arguments.min_time_s * 1e9
    while len(durations) < MAX_ITERATIONS and (
        len(durations) < arguments.min_iterations or now - begin < least_ns
    ):
        start, now = fed.execute()
        starts.append(start - origin_ns)
        durations.append(now - start)
    # Of one thread, which did nothing else meanwhile.
    hashing_ms = (fed.watch.spent_ns - hashing_ns) / 1e6
    cpu_time_ms = max(0.0, (time.process_time() - cpu_begin) * 1e3 - hashing_ms)
    after = resource.getrusage(resource.RUSAGE_SELF)
    for at in range(0, len(durations), CHUNK_ITERATIONS):
        part = slice(at, at + CHUNK_ITERATIONS)
        events.emit("iterations", ns=list(durations[part]), start_ns=list(starts[part]))
    events.emit(
        "timing",
        cpu_time_ms=cpu_time_ms,
        minor_faults=after.ru_minflt - usage.ru_minflt,
        major_faults=after.ru_majflt - usage.ru_majflt,
    )


def _run(arguments: argparse.Namespace, events: _Events) -> None:
    if arguments.cpus:
        os.sched_setaffinity(0, [int(cpu) for cpu in arguments.cpus.split(",")])
    import torch

    binding = importlib.import_module("executorch.extension.pybindings._portable_lib")
    # Ours is the pool that computes; torch must not bring a second one.
    torch.set_num_threads(1)
    binding._unsafe_reset_threadpool(arguments.threads)
    origin_ns = time.perf_counter_ns()
    events.emit(
        "start",
        protocol=PROTOCOL_VERSION,
        runner=f"python-{platform.python_version()}",
        runtime_version=importlib.metadata.version("executorch"),
        threads=binding._threadpool_get_thread_count(),
        affinity=kernel_facts.affinity(),
    )
    program, method = _load(arguments, binding, events)
    fed = _run_inputs(arguments, method, events)
    if not arguments.no_timing:
        gc.disable()
        _emit_conditions(events)
        _warm_up(arguments, fed, events)
        _time_iterations(arguments, fed, events, origin_ns)
        _emit_conditions(events)
    events.emit("outputs_seen", **fed.watch.told())
    events.emit(
        "memory", rss_after_mb=kernel_facts.rss_mb(), peak_rss_mb=kernel_facts.peak_rss_mb()
    )
    del fed, method, program


def main(argv: list[str] | None = None) -> int:
    """Run one launch; returns the exit code that the protocol names."""
    die_with_parent()
    events = _Events()
    try:
        _run(_arguments(argv), events)
    except _Failure as failure:
        events.emit("error", kind=failure.kind, message=str(failure)[:2000])
        return 1
    except MemoryError as error:
        events.emit("error", kind="out_of_memory", message=str(error)[:2000])
        return 1
    except RuntimeError as error:
        events.emit("error", kind="failed", message=str(error)[:2000])
        return 1
    events.emit("done")
    return 0


if __name__ == "__main__":
    # The interpreter's own teardown of torch is slow and says nothing about the candidate.
    code = main()
    sys.stderr.flush()
    os._exit(code)
