"""A runner whose kernels err in some executions: the Python runner's own code, at made-up speed.

Only the method is a stand-in: it takes as long as it is told to, on a clock that leaps instead of
waiting, and now and then a bit of its output is another. What is hashed, when, and what is told of
it is the real runner's doing, and so is what hashing costs.
"""

from __future__ import annotations

import argparse
import json
import time
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch

from device_runner.devices.host import runner
from device_runner.launching.protocol import parse_transcript
from device_runner.records import MeasurePlan, SessionRecord, TimingPlan

_SHAPE = (1, 3, 32, 32)


class _Clock:
    """The machine's clock, and the time that leapt."""

    def __init__(self) -> None:
        self.leapt_ns = 0

    def now_ns(self) -> int:
        return time.perf_counter_ns() + self.leapt_ns


class _Method:
    """Executes in `latency_ms`; in `wrong_share` of the executions one bit is flipped."""

    def __init__(
        self, clock: _Clock, rng: np.random.Generator, latency_ms: float, wrong_share: float
    ) -> None:
        self._clock, self._rng = clock, rng
        self._latency_ms, self._wrong_share = latency_ms, wrong_share
        self._right = torch.linspace(0.1, 0.9, int(np.prod(_SHAPE))).reshape(_SHAPE)
        self._output = self._right

    def set_inputs(self, inputs: list[torch.Tensor]) -> None:
        pass

    def execute(self) -> None:
        factor = 1.0 + 0.02 * self._rng.exponential()
        self._clock.leapt_ns += round(self._latency_ms * factor * 1e6)
        self._output = self._right
        if self._rng.random() < self._wrong_share:
            self._output = self._right.clone()
            bits = self._output.view(torch.int32).reshape(-1)
            bits[int(self._rng.integers(bits.numel()))] ^= 1

    def get_outputs(self, *, clone_outputs: bool) -> list[torch.Tensor]:
        return [self._output]


class _Lines:
    """Events as a runner writes them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def emit(self, event: str, **fields: object) -> None:
        self.lines.append(json.dumps({"event": event, **fields}))


def session(
    rng: np.random.Generator, *, timing: TimingPlan, latency_ms: float, wrong_share: float
) -> SessionRecord:
    """One launch, as the parser of the protocol reads it."""
    clock, events = _Clock(), _Lines()
    arguments = argparse.Namespace(**timing.model_dump())
    clocks = SimpleNamespace(perf_counter_ns=clock.now_ns, process_time=time.process_time)
    with mock.patch.object(runner, "time", clocks):
        events.emit(
            "start", protocol=1, runner="stand-in", runtime_version="none", threads=1, affinity=[]
        )
        events.emit(
            "load", program_load_ms=1.0, method_load_ms=1.0, rss_before_mb=1.0,
            rss_after_load_mb=1.0, peak_reset=True,
        )  # fmt: skip
        fed = runner._Fed(_Method(clock, rng, latency_ms, wrong_share), torch.zeros(_SHAPE))
        begin, end = fed.execute()
        events.emit("first_run", ms=(end - begin) / 1e6)
        runner._warm_up(arguments, fed, events)  # type: ignore[arg-type]
        runner._time_iterations(arguments, fed, events, begin)  # type: ignore[arg-type]
        events.emit("outputs_seen", **fed.watch.told())
        events.emit("memory", rss_after_mb=1.0, peak_rss_mb=1.0)
        events.emit("done")
    found = parse_transcript(("\n".join(events.lines) + "\n").encode()).session
    assert found is not None
    return found


def sessions(
    rng: np.random.Generator, plan: MeasurePlan, *, latency_ms: float, wrong_share: float
) -> tuple[SessionRecord, ...]:
    """All launches of one measurement."""
    return tuple(
        session(rng, timing=plan.timing, latency_ms=latency_ms, wrong_share=wrong_share)
        for _ in range(plan.sessions)
    )
