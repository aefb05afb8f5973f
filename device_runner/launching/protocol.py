"""The runner protocol: arguments in, JSON lines out, outputs as raw files.

A runner is a program that loads one `.pte`, feeds it raw tensors and says what it saw. The
Python runner (`host.runner`) and the native one speak this protocol, version 1; whatever parses
a runner's output does it here.

**Arguments** (GNU style, every value its own argument)::

    --model PATH            the .pte; its method `forward` has one input and one output, both
                            float32 or both uint8
    --inputs PATH           raw little-endian numbers, row-major; repeat it for several inputs
    --output-dir PATH       write each input's output there as out-0.bin, out-1.bin, ...
    --output-dtype TYPE     of a float32 output. float32 (default), or uint8: clamp to [0, 1], times
                            255, round half to even. A uint8 output is written as it is
    --threads N             size of the thread pool (at least 1)
    --cpus LIST             comma-separated CPU numbers to be bound to; default: unbound. The native
                            runner also takes ranges (4-7), 0xMASK, `all`, and `big`: every CPU
                            that is not of the slowest cluster
    --min-warmup N  --max-warmup N  --min-iterations N  --min-time-s S
    --no-timing             stop after the outputs: neither warm-up nor timed iterations
    --memory-limit-mb N     address space that may be added from the load on

**Order of work.** Start; bind CPUs and threads; take RSS and reset the kernel's high-water mark;
load the program; load the method; run every input once (the first of all is the first run) and
write its output if asked; then, unless `--no-timing`, warm up and time the first input. Warm-up
ends by `warmup.may_stop`. Timed iterations end when count and time are both met, or at
`MAX_ITERATIONS`. An iteration is `execute` alone: its input is set anew before, for its memory
may have been used again, and outputs are not fetched. The first input's outputs are hashed between
executions, from the first run on, as long as that takes no more than a hundredth of the time
(`repeats`).

**Events**: one JSON object a line on stdout, which carries nothing else, in this order. Memory
is in MB of 2**20 bytes. Fields not listed are ignored, and so are events with another name: a
newer runner may say more. A change of meaning raises `PROTOCOL_VERSION`.

    start       protocol, runner, runtime_version, threads, affinity: [cpu, ...]
    load        program_load_ms, method_load_ms, rss_before_mb, rss_after_load_mb, peak_reset
    first_run   ms
    output      index, name, bytes                     (one for each file written)
    conditions  cpu_freq_mhz: [...], temperature_c: [...]   (before warm-up, after timing;
                                                             empty where unreadable)
    warmup      ms: [...], settled
    iterations  ns: [...], start_ns: [...]             (at most CHUNK_ITERATIONS an event,
                                                        start_ns since the start event)
    timing      cpu_time_ms, minor_faults, major_faults     (of the timed iterations)
    outputs_seen  digest: [...], executions: [...]    (of the first input; a digest is of this
                                                       runner's own making, 16 letters at most;
                                                       `further` where there were too many)
    memory      rss_after_mb, peak_rss_mb              (the kernel's mark, never polled)
    done        (nothing)
    error       kind, message   kind: bad_file | bad_input | out_of_memory | output | failed

**Exit code**: 0 after `done`, 1 after `error`. Anything else is a crash. stderr is free text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from device_runner.launching.repeats import outputs_seen
from device_runner.records import SessionRecord
from foundation.records import first_problem

PROTOCOL_VERSION = 1
MAX_LINE_BYTES = 256 * 1024
MAX_STDOUT_BYTES = 64 * 1024 * 1024
MAX_ITERATIONS = 1_000_000
MAX_OUTPUTS = 100_000
CHUNK_ITERATIONS = 1000

ErrorKind = Literal["bad_file", "bad_input", "out_of_memory", "output", "failed"]
_Count = Annotated[int, Field(ge=0, le=2**62)]
_Positive = Annotated[int, Field(ge=1, le=2**62)]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-z]{1,16}$")]
_Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
# Sensors that are not connected tell INT_MIN, and nothing rests on these: any number will do.
_Reading = Annotated[float, Field(allow_inf_nan=False)]


_E = TypeVar("_E", bound="_Event")


class ProtocolError(ValueError):
    """The runner said something that this protocol has no meaning for."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class _Envelope(_Event):
    event: str = Field(max_length=64)


class _Start(_Event):
    protocol: int
    runner: str = Field(max_length=100)
    runtime_version: str = Field(max_length=100)
    threads: int = Field(ge=1, le=4096)
    affinity: list[_Count] = Field(max_length=4096)


class _Load(_Event):
    program_load_ms: _Amount
    method_load_ms: _Amount
    rss_before_mb: _Amount
    rss_after_load_mb: _Amount
    peak_reset: bool


class _FirstRun(_Event):
    ms: _Amount


class OutputFile(_Event):
    """One output that the runner says it wrote; its name can only be `out-<index>.bin`."""

    index: int = Field(ge=0, le=MAX_OUTPUTS)
    name: str = Field(max_length=32)
    bytes: _Count


class _Conditions(_Event):
    cpu_freq_mhz: list[_Reading] = Field(max_length=4096)
    temperature_c: list[_Reading] = Field(max_length=4096)


class _Warmup(_Event):
    ms: list[_Amount] = Field(max_length=100_000)
    settled: bool


class _Iterations(_Event):
    ns: list[_Count] = Field(max_length=CHUNK_ITERATIONS)
    start_ns: list[_Count] = Field(max_length=CHUNK_ITERATIONS)


class _Timing(_Event):
    cpu_time_ms: _Amount
    minor_faults: _Count
    major_faults: _Count


class _OutputsSeen(_Event):
    digest: list[_Digest] = Field(max_length=1000)
    executions: list[_Positive] = Field(max_length=1000)


class _Memory(_Event):
    rss_after_mb: _Amount
    peak_rss_mb: _Amount


class _Done(_Event):
    pass


class RunnerError(_Event):
    """What the runner itself says went wrong."""

    kind: ErrorKind
    message: str = Field(max_length=4000)


_EVENTS: dict[str, type[_Event]] = {
    "start": _Start,
    "load": _Load,
    "first_run": _FirstRun,
    "output": OutputFile,
    "conditions": _Conditions,
    "warmup": _Warmup,
    "iterations": _Iterations,
    "timing": _Timing,
    "outputs_seen": _OutputsSeen,
    "memory": _Memory,
    "done": _Done,
    "error": RunnerError,
}


@dataclass
class Transcript:
    """What one launch said, as far as it got."""

    last_event: str = ""
    error: RunnerError | None = None
    outputs: list[OutputFile] = field(default_factory=list)
    session: SessionRecord | None = None

    @property
    def started(self) -> bool:
        """Whether the runner got as far as its own start: before that, no candidate is to blame."""
        return bool(self.last_event)


class _Collector:
    """Puts events together; each kind may come once, save those that are lists by nature."""

    def __init__(self) -> None:
        self.once: dict[type[_Event], _Event] = {}
        self.conditions: list[_Conditions] = []
        self.ns: list[int] = []
        self.start_ns: list[int] = []
        self.transcript = Transcript()

    def add(self, name: str, event: _Event) -> None:
        if not self.transcript.started and not isinstance(event, _Start | RunnerError):
            raise ProtocolError(f"event {name!r} came before 'start'")
        if isinstance(event, _Start) and event.protocol != PROTOCOL_VERSION:
            raise ProtocolError(
                f"the runner speaks protocol {event.protocol}, this tool {PROTOCOL_VERSION}"
            )
        if isinstance(event, OutputFile):
            self._add_output(event)
        elif isinstance(event, _Iterations):
            self._add_iterations(event)
        elif isinstance(event, _Conditions) and len(self.conditions) < 2:
            self.conditions.append(event)
        elif type(event) in self.once or isinstance(event, _Conditions):
            raise ProtocolError(f"event {name!r} came too often")
        else:
            self.once[type(event)] = event
        if isinstance(event, _OutputsSeen) and len(event.digest) != len(event.executions):
            raise ProtocolError(f"event {name!r} has digests and counts of unequal number")
        if isinstance(event, RunnerError):
            self.transcript.error = event
        self.transcript.last_event = name

    def _add_output(self, event: OutputFile) -> None:
        if event.index != len(self.transcript.outputs) or event.name != f"out-{event.index}.bin":
            raise ProtocolError(f"output {event.index} ({event.name}) is out of order")
        self.transcript.outputs.append(event)

    def _add_iterations(self, event: _Iterations) -> None:
        if len(event.ns) != len(event.start_ns):
            raise ProtocolError("event 'iterations' has durations and starts of unequal number")
        if len(self.ns) + len(event.ns) > MAX_ITERATIONS:
            raise ProtocolError(f"more than {MAX_ITERATIONS} iterations")
        self.ns += event.ns
        self.start_ns += event.start_ns

    def _find(self, kind: type[_E]) -> _E | None:
        event = self.once.get(kind)
        return event if isinstance(event, kind) else None

    def finish(self) -> Transcript:
        if self._find(_Done) is not None:
            self.transcript.session = self._session()
        return self.transcript

    def _session(self) -> SessionRecord:
        start, load, first = self._find(_Start), self._find(_Load), self._find(_FirstRun)
        memory = self._find(_Memory)
        if start is None or load is None or first is None or memory is None:
            raise ProtocolError("'done' came without 'load', 'first_run' or 'memory'")
        if self.ns and self._find(_Timing) is None:
            raise ProtocolError("'iterations' came without 'timing'")
        warmup = self._find(_Warmup) or _Warmup(ms=[], settled=False)
        timing = self._find(_Timing) or _Timing(cpu_time_ms=0.0, minor_faults=0, major_faults=0)
        nothing = _Conditions(cpu_freq_mhz=[], temperature_c=[])
        seen = self._find(_OutputsSeen)
        before, after = (*self.conditions, nothing, nothing)[:2]
        return SessionRecord(
            program_load_ms=load.program_load_ms,
            method_load_ms=load.method_load_ms,
            first_run_ms=first.ms,
            warmup_ms=tuple(warmup.ms),
            warmup_settled=warmup.settled,
            iteration_ns=tuple(self.ns),
            iteration_start_ns=tuple(self.start_ns),
            cpu_time_ms=timing.cpu_time_ms,
            minor_faults=timing.minor_faults,
            major_faults=timing.major_faults,
            rss_before_mb=load.rss_before_mb,
            rss_after_load_mb=load.rss_after_load_mb,
            rss_after_mb=memory.rss_after_mb,
            peak_rss_mb=memory.peak_rss_mb,
            peak_reset=load.peak_reset,
            threads=start.threads,
            affinity=tuple(start.affinity),
            cpu_freq_mhz_before=tuple(before.cpu_freq_mhz),
            cpu_freq_mhz_after=tuple(after.cpu_freq_mhz),
            temperature_c_before=tuple(before.temperature_c),
            temperature_c_after=tuple(after.temperature_c),
            runtime_version=start.runtime_version,
            outputs_seen=None if seen is None else outputs_seen(seen.digest, seen.executions),
        )


def parse_transcript(stdout: bytes) -> Transcript:
    """Read what a runner wrote. A last line without its newline was cut off, and is dropped.

    Raises:
        ProtocolError: a line that is too long, no JSON object, or breaks the rules above.
    """
    if len(stdout) > MAX_STDOUT_BYTES:
        raise ProtocolError(f"the runner wrote more than {MAX_STDOUT_BYTES} bytes")
    collector = _Collector()
    for line in stdout.split(b"\n")[:-1]:
        if len(line) > MAX_LINE_BYTES:
            raise ProtocolError(f"a line of {len(line)} bytes, more than {MAX_LINE_BYTES}")
        try:
            name = _Envelope.model_validate_json(line).event
            kind = _EVENTS.get(name)
            if kind is not None:
                collector.add(name, kind.model_validate_json(line))
        except ValidationError as error:
            shown = line[:80].decode("ascii", "backslashreplace")
            raise ProtocolError(f"the line {shown!r}: {first_problem(error)}") from error
    return collector.finish()
