"""How fast a search goes: as its own results say, as this computer remembers, or by rule."""

from __future__ import annotations

import contextlib
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import MobileSRTuneError
from foundation.places import state_folder
from foundation.records import VersionedRecord
from models.cost import macs
from search.request import SearchRequest
from search.study.records import CandidateResult

# Rules of thumb from a quiet 2-core x86-64 machine with avx512_bf16, all of this tool's own
# figures: a step of the default training at two threads (benchmarks/training_speed.py), and a
# default search on the host. Another machine's first search replaces them.
STEP_S = 0.31
PREPARATION_S = 12.0
EXPORT_S = 0.1
SESSION_OVERHEAD_S = 0.17
GMACS_A_SECOND = 30.0
# Its clock is made up: what it costs is this computer's own bookkeeping.
SIMULATED_SESSION_S = 0.02
# What the latest candidate took weighs most: a computer may get other work in the meantime.
FORGETTING = 0.85
RULE = "by rule, from a 2-core x86-64 machine"
FILE_NAME = "search-rates.json"


@dataclass(frozen=True)
class Rate:
    """Seconds for one piece of work, and how that is known."""

    seconds: float
    source: str


@dataclass(frozen=True)
class Rates:
    """Of one device profile.

    Attributes:
        step: one of the supernet's training.
        preparation: the largest config's PSNR, the sentinel, starting the export process.
        export: one, when its process is warm.
        session: a launch of the runner, timed.
    """

    step: Rate
    preparation: Rate
    export: Rate
    session: Rate

    def sources(self, training: bool = True) -> list[str]:
        """A sentence for each rate; that of training only where there is any."""
        step = f"a training step {self.step.seconds:.2f} s ({self.step.source})"
        return [
            *[step] * training,
            f"preparing {self.preparation.seconds:.0f} s ({self.preparation.source})",
            f"an export {self.export.seconds:.1f} s ({self.export.source})",
            f"a session {self.session.seconds:.2f} s ({self.session.source})",
        ]


class ProfileRates(BaseModel):
    """What a search on one profile took.

    Attributes:
        session_overhead_s: of a session, beyond what was timed.
        gmacs_a_second: of the candidates it measured, in the middle.
        step_s: of training with the default batch, crop and space; None where nothing was trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_at: str
    preparation_s: float = Field(ge=0)
    export_s: float = Field(ge=0)
    session_overhead_s: float = Field(ge=0)
    gmacs_a_second: float = Field(gt=0)
    step_s: float | None = Field(default=None, ge=0)


class RememberedRates(VersionedRecord):
    """What searches of this user on this computer took, by device profile."""

    kind: ClassVar[str] = "search-rates"
    version: ClassVar[int] = 1

    profiles: dict[str, ProfileRates] = Field(default_factory=dict)


def remembered() -> RememberedRates:
    """What is known from earlier searches; nothing where that cannot be read."""
    with contextlib.suppress(MobileSRTuneError):
        return RememberedRates.load(state_folder() / FILE_NAME)
    return RememberedRates()


def remember(profile_key: str, found: ProfileRates) -> None:
    """Keep what a search took. A folder that cannot be written costs only the estimate."""
    with contextlib.suppress(MobileSRTuneError, OSError):
        known = remembered().profiles
        if found.step_s is None and profile_key in known:
            found = found.model_copy(update={"step_s": known[profile_key].step_s})
        RememberedRates(profiles={**known, profile_key: found}).save(state_folder() / FILE_NAME)


def rates_for(request: SearchRequest, profile_key: str, kind: str) -> Rates:
    """The rates of a search that has measured nothing yet: remembered, else by rule."""
    step_s = _steps_compared(request)
    known = remembered().profiles.get(profile_key)
    if known is None:
        session_s = _session_s(request, SESSION_OVERHEAD_S, GMACS_A_SECOND)
        if kind == "simulated":
            session_s = SIMULATED_SESSION_S
        return Rates(
            step=Rate(STEP_S * step_s, RULE),
            preparation=Rate(PREPARATION_S, RULE),
            export=Rate(EXPORT_S, RULE),
            session=Rate(session_s, RULE),
        )
    source = f"as in the search here on this device that ended {known.measured_at}"
    trained = Rate(STEP_S * step_s, RULE)
    if known.step_s is not None:
        trained = Rate(known.step_s * step_s, source)
    session_s = _session_s(request, known.session_overhead_s, known.gmacs_a_second)
    return Rates(
        step=trained,
        preparation=Rate(known.preparation_s, source),
        export=Rate(known.export_s, source),
        session=Rate(session_s, source),
    )


def rates_from(
    results: Sequence[CandidateResult], rates: Rates, sessions: float, source: str
) -> Rates:
    """`rates`, the session's replaced by what these results took.

    `sessions` is what a candidate costs in sessions (`search.forecast.work.candidate_sessions`).
    """
    took = [result.device_s for result in results if result.device_s > 0]
    if not took:
        return rates
    weights = [FORGETTING**age for age in range(len(took) - 1, -1, -1)]
    mean_s = statistics.fmean(took, weights)
    return replace(rates, session=Rate(mean_s / sessions, source))


def measured_rates(
    request: SearchRequest,
    results: Sequence[CandidateResult],
    session_s: float,
    preparation_s: float,
    step_s: float | None,
) -> ProfileRates | None:
    """What a search that has ended says of its profile; None where it timed nothing."""
    timed = [r for r in results if r.latency_ms and r.artifact is not None]
    if not timed:
        return None
    speeds = [r.artifact.macs / 1e6 / r.latency_ms for r in timed if r.artifact and r.latency_ms]
    exports = [r.artifact.export_s for r in timed if r.artifact is not None]
    timed_s = statistics.mean(
        max(request.min_time_s, request.min_iterations * (r.latency_ms or 0.0) / 1000)
        for r in timed
    )
    return ProfileRates(
        measured_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        preparation_s=preparation_s,
        # The first waits for the imports.
        export_s=statistics.median(exports),
        session_overhead_s=max(0.0, session_s - timed_s),
        gmacs_a_second=statistics.median(speeds),
        step_s=None if step_s is None else step_s / _steps_compared(request),
    )


def _session_s(request: SearchRequest, overhead_s: float, gmacs_a_second: float) -> float:
    latency_s = mean_macs(request) / 1e9 / gmacs_a_second
    return overhead_s + max(request.min_time_s, request.min_iterations * latency_s)


def mean_macs(request: SearchRequest) -> float:
    """Multiply-accumulates of a config of the space, over a few drawn ones."""
    rng = random.Random(0)
    return statistics.mean(macs(request.space.sample(rng), *request.lr_size) for _ in range(32))


def _steps_compared(request: SearchRequest) -> float:
    """The work of this search's training step, in steps of the default search's."""
    default = SearchRequest()
    here = request.batch_size * macs(request.space.largest(), request.crop, request.crop)
    there = default.batch_size * macs(default.space.largest(), default.crop, default.crop)
    return here / there
