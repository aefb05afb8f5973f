"""What a device and a run of an artifact leave behind, as values that can be written to disk.

Units are in the names. Strings and numbers that came from a device are bounded here, so that
whatever holds a record may print it.
"""

from __future__ import annotations

import hashlib
import json
import re
import statistics
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from foundation import VersionedRecord

DeviceKind = Literal["host", "phone", "emulator", "simulated"]
ShortText = Annotated[str, Field(max_length=200)]

_STAND_IN_NOTES: dict[str, str] = {
    "host": "These are numbers of the host computer, not of a phone: a phone ranks models "
    "differently, so measure there before you choose.",
    "emulator": "These are numbers of an emulator, not of a phone: its speed says nothing about "
    "any real device.",
    "simulated": "These times come from a simulated device: no model was timed.",
    "phone": "",
}


class Outcome(StrEnum):
    """How one launch of the runner ended. Only `OK` carries numbers."""

    OK = "ok"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    BAD_FILE = "bad_file"
    # The device vanished under the run. Devices raise `DeviceLost`; this is how it is written down.
    DEVICE_LOST = "device_lost"


class DeviceProfile(BaseModel):
    """What a result depends on beside the artifact. Different profiles are never mixed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: DeviceKind
    model: ShortText
    soc: ShortText
    abi: ShortText
    os_build: ShortText
    cores: int = Field(ge=1, le=4096)
    ram_mb: int = Field(ge=1)
    runtime: ShortText
    runner: ShortText

    @property
    def key(self) -> str:
        """Short, stable and fit for file names: readable start, then a hash of every field.

        RAM enters in whole GiB, because a kernel update may shift it by some MB.
        """
        fields = self.model_dump() | {"ram_mb": round(self.ram_mb / 1024)}
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:8]
        name = self.soc if self.kind == "host" else self.model
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].strip("-")
        return "-".join(part for part in (self.kind, slug, digest) if part)

    @property
    def stand_in_note(self) -> str:
        """One sentence that says whose numbers these are; empty for a phone."""
        return _STAND_IN_NOTES[self.kind]


class OutputSeen(BaseModel):
    """One output of the session's input, named by its digest, and how many executions gave it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = Field(pattern=r"^[0-9a-z]{1,16}$")
    executions: int = Field(ge=1)


class SessionRecord(BaseModel):
    """One launch of the runner: what it took to load, to run first, and to run in a steady state.

    The timing tuples are empty where the launch was asked for outputs only. `unknown` names the
    fields that a runner other than ours does not tell: what stands in them is no measurement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    program_load_ms: float = Field(ge=0)
    method_load_ms: float = Field(ge=0)
    first_run_ms: float = Field(ge=0)
    warmup_ms: tuple[float, ...] = ()
    warmup_settled: bool = False
    iteration_ns: tuple[int, ...] = ()
    # Since the runner's own start, so that pauses between iterations can be seen.
    iteration_start_ns: tuple[int, ...] = ()
    cpu_time_ms: float = Field(default=0.0, ge=0)
    minor_faults: int = Field(default=0, ge=0)
    major_faults: int = Field(default=0, ge=0)
    rss_before_mb: float = Field(ge=0)
    rss_after_load_mb: float = Field(ge=0)
    rss_after_mb: float = Field(ge=0)
    peak_rss_mb: float = Field(ge=0)
    # False: the high-water mark could not be reset, so it may stem from before the load.
    peak_reset: bool
    threads: int = Field(ge=1)
    affinity: tuple[int, ...] = ()
    cpu_freq_mhz_before: tuple[float, ...] = ()
    cpu_freq_mhz_after: tuple[float, ...] = ()
    temperature_c_before: tuple[float, ...] = ()
    temperature_c_after: tuple[float, ...] = ()
    runtime_version: ShortText
    # None: the runner is of a version that does not tell.
    outputs_seen: tuple[OutputSeen, ...] | None = None
    unknown: tuple[ShortText, ...] = ()

    @property
    def load_ms(self) -> float:
        """Program and method together: from file to ready."""
        return self.program_load_ms + self.method_load_ms

    @property
    def peak_memory_mb(self) -> float:
        """What the model added to the process at its highest, by the kernel's own mark."""
        return max(0.0, self.peak_rss_mb - self.rss_before_mb)

    @property
    def median_ms(self) -> float:
        """Median of the timed iterations. Raises `ValueError` where nothing was timed."""
        if not self.iteration_ns:
            raise ValueError("this session was run for its outputs: nothing was timed")
        return statistics.median(self.iteration_ns) / 1e6


class TimingPlan(BaseModel):
    """How long a session warms up and is timed: both a count and a time must be met."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_warmup: int = Field(default=3, ge=0)
    max_warmup: int = Field(default=30, ge=0, le=100_000)
    min_iterations: int = Field(default=10, ge=1, le=1_000_000)
    min_time_s: float = Field(default=1.0, ge=0)


class MeasurePlan(BaseModel):
    """How artifacts are measured on one device.

    A device that is hot, or busy throttling, is waited for `cooldown_s` at most before a session;
    a session during which it throttled is discarded and done again, `redo` times at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sessions: int = Field(default=5, ge=1, le=1000)
    cooldown_s: float = Field(default=300.0, ge=0)
    redo: int = Field(default=2, ge=0, le=10)
    timing: TimingPlan = TimingPlan()
    threads: int = Field(default=1, ge=1, le=1024)
    cpus: tuple[int, ...] = ()
    timeout_s: float = Field(default=300.0, gt=0)
    memory_limit_mb: int | None = Field(default=None, ge=1)
    lease_wait_s: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    seed: int = Field(default=0, ge=0)


class Verification(BaseModel):
    """How far the device's answer lies from eager PyTorch's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Infinity where the output holds something that is no number.
    max_abs_error: float = Field(ge=0)
    tolerance: float = Field(ge=0)
    passed: bool


class Estimate(BaseModel):
    """What the sessions say together. Percentiles are over all iterations of all sessions.

    `latency_ms` and its interval are corrected for the device's drift where a sentinel ran
    beside the sessions; `raw_latency_ms` is what was read. None is what no session tells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_ms: float
    raw_latency_ms: float | None = None
    latency_low_ms: float
    latency_high_ms: float
    p10_ms: float
    p90_ms: float
    first_run_ms: float | None
    load_ms: float | None
    peak_memory_mb: float | None
    sessions: int
    iterations: int


class SessionSlot(BaseModel):
    """Where a session stood among those it was interleaved with, and what the device said.

    `started_s` is on the device's clock, from the start of the measurement; `redone` counts the
    launches that were discarded before this one was kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    round: int = Field(ge=0)
    position: int = Field(ge=0)
    started_s: float = Field(ge=0)
    redone: int = Field(default=0, ge=0)
    flags: tuple[ShortText, ...] = ()


class SentinelTrack(BaseModel):
    """The fixed reference model's sessions beside a measurement.

    `rounds`, `started_s` and `median_ms` have one entry for each of its sessions, as in
    `SessionSlot`. `drift` has one factor a session of the measurement: what it was divided by,
    i.e. how much slower than `reference_ms` the sentinel was around it, to the power of `reaction`
    (known to within `reaction_sd`, see `statistics.reaction`). `unlike`: the artifact reacts to
    heat otherwise than the sentinel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    artifact_sha256: str
    reference_ms: float = Field(gt=0)
    rounds: tuple[int, ...]
    started_s: tuple[float, ...]
    median_ms: tuple[float, ...]
    drift: tuple[float, ...]
    reaction: float = Field(default=1.0, ge=0)
    reaction_sd: float = Field(default=0.0, ge=0)
    unlike: bool = False


def corrected_medians_ms(
    sessions: Sequence[SessionRecord], sentinel: SentinelTrack | None
) -> tuple[float, ...]:
    """Each session's median in ms, divided by the drift around it where a sentinel ran.

    Raises:
        ValueError: a session was not timed, or the track is of other sessions.
    """
    medians_ms = tuple(session.median_ms for session in sessions)
    if sentinel is None:
        return medians_ms
    return tuple(ms / factor for ms, factor in zip(medians_ms, sentinel.drift, strict=True))


class Measurement(VersionedRecord):
    """One artifact measured on one device: the raw sessions and what they add up to."""

    kind: ClassVar[str] = "measurement"
    version: ClassVar[int] = 3
    # Version 1 knew no slots and no sentinel; version 2 took the sentinel at its word, and did not
    # know whether outputs repeat.
    also_reads: ClassVar[tuple[int, ...]] = (1, 2)

    candidate_key: str
    artifact_sha256: str
    device: DeviceProfile
    serial: ShortText
    verification: Verification
    sessions: tuple[SessionRecord, ...]
    slots: tuple[SessionSlot, ...] = ()
    sentinel: SentinelTrack | None = None
    estimate: Estimate
    flags: tuple[str, ...]
    threads: int
    plan: MeasurePlan
    started_at: datetime
    finished_at: datetime

    @property
    def session_medians_ms(self) -> tuple[float, ...]:
        """Each session's median, corrected for drift where a sentinel ran beside it."""
        return corrected_medians_ms(self.sessions, self.sentinel)
