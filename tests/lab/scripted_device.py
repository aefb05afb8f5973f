"""A device whose every answer a test writes down: for what no real device does on demand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from device_runner import (
    Device,
    DeviceProfile,
    Outcome,
    PushReport,
    RunReport,
    RunRequest,
    SessionRecord,
    ThreadChoice,
)
from device_runner.conditions import Reading
from device_runner.records import OutputSeen
from foundation import Artifact


@dataclass
class FakeClock:
    """Hours that pass at once; `stuck` is a clock that does not even move when slept on."""

    at_s: float = 0.0
    stuck: bool = False
    slept_s: list[float] = field(default_factory=list)

    def monotonic_s(self) -> float:
        return self.at_s

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.at_s)

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        if not self.stuck:
            self.at_s += seconds


@dataclass
class ScriptedDevice(Device):
    """`latency_ms(artifact, clock)` is how long an iteration takes; inf is a crash."""

    latency_ms: Callable[[Artifact, FakeClock], float]
    flags: Callable[[FakeClock], tuple[str, ...]] = lambda clock: ()
    time: FakeClock = field(default_factory=FakeClock)
    ran: list[tuple[str, bool]] = field(default_factory=list)
    timer_factor: float = 1.0

    @property
    def serial(self) -> str:
        return "scripted"

    @property
    def clock(self) -> FakeClock:
        return self.time

    def profile(self) -> DeviceProfile:
        return DeviceProfile(
            kind="phone", model="m", soc="s", abi="a", os_build="o", cores=8, ram_mb=8192,
            runtime="r", runner="r",
        )  # fmt: skip

    def suggest_threads(self) -> ThreadChoice:
        return ThreadChoice(1, "one")

    @contextlib.contextmanager
    def lease(self, wait_s: float = 0.0) -> Iterator[None]:
        yield

    def push(self, artifact: Artifact) -> PushReport:
        return PushReport(0, True)

    def conditions(self) -> list[Reading]:
        self.time.at_s += 0.05
        return [Reading("script", "as written", self.flags(self.time))]

    def run(self, request: RunRequest) -> RunReport:
        self.ran.append((request.artifact.manifest.candidate_key, request.timing is not None))
        one_ms = self.latency_ms(request.artifact, self.time)
        if not np.isfinite(one_ms):
            return RunReport(Outcome.CRASHED, "it crashed", 0.1)
        duration_s = 10 * one_ms / 1e3
        self.time.at_s += duration_s
        if request.timing is None:
            return RunReport(
                Outcome.OK, "", duration_s, None, (request.artifact.check_output_path,)
            )
        each_ns = int(self.timer_factor * one_ms * 1e6)
        session = SessionRecord(
            program_load_ms=1, method_load_ms=1, first_run_ms=1, warmup_settled=True,
            iteration_ns=(each_ns,) * 10,
            iteration_start_ns=tuple(i * each_ns for i in range(10)),
            rss_before_mb=1, rss_after_load_mb=1, rss_after_mb=1, peak_rss_mb=2, peak_reset=True,
            threads=request.threads, runtime_version="1",
            outputs_seen=(OutputSeen(digest="same", executions=10),),
        )  # fmt: skip
        return RunReport(Outcome.OK, "", duration_s, session)

    def close(self) -> None:
        """Nothing is open."""
