"""What one night finds out, as values: before they are stored, and as they are read back."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from nightly.judging.robust import hodges_lehmann

OK = "ok"


class NightStatus(StrEnum):
    """Where a night stands. Only finished nights are ever compared with."""

    OPEN = "open"
    FINISHED = "finished"
    # Its process ended before the night did; what it had measured stays, and counts for nothing.
    ABANDONED = "abandoned"
    # Measured beside the row of nights (`--bisect`): an old commit is no part of the history.
    ASIDE = "aside"


@dataclass(frozen=True)
class Night:
    """One night. `number` orders nights; the date is only told, because clocks are set back."""

    number: int
    suite: str
    status: NightStatus
    started_at: datetime
    finished_at: datetime | None = None
    exit_code: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class SeriesKey:
    """What is compared from night to night: a model by its name, on one device, in one way."""

    model: str
    device: str
    condition: str

    def words(self) -> str:
        """For people: `published on 38021FDJH00A (default)`."""
        return f"{self.model} on {self.device} ({self.condition})"


@dataclass(frozen=True)
class Observation:
    """One model measured once in a night; `attempt` 1 is the second look at a suspect.

    Attributes:
        outcome: `ok`, or how the model failed.
        readings: per metric one value a session (a single one where the metric is exact).
    """

    series: SeriesKey
    attempt: int
    outcome: str
    message: str = ""
    artifact_sha256: str = ""
    candidate_key: str = ""
    flags: tuple[str, ...] = ()
    readings: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class DeviceNight:
    """One device under one condition in one night: the sentinel, how long, or why not.

    `failure` is the sentence why nothing was measured there; `unsteady` is by how much the
    models scattered more than on other nights (1 is as usual). `booted_at` is when the device was
    started, by this computer's clock; None where it does not tell.
    """

    device: str
    condition: str
    failure: str = ""
    sentinel_ms: float | None = None
    session_s: float | None = None
    unsteady: float = 1.0
    flags: tuple[str, ...] = ()
    booted_at: datetime | None = None


@dataclass(frozen=True)
class Epoch:
    """A stretch of nights on one device as it was: same build, runtime, threads and sentinel.

    Nights of two epochs are never compared. `reason` says what began it.
    """

    number: int
    device: str
    condition: str
    profile: dict[str, object]
    sentinel_sha256: str
    sentinel_reference_ms: float | None
    first_night: int
    reason: str


@dataclass(frozen=True)
class Point:
    """A metric's value in one night: the middle of its sessions, and that middle's standard error.

    `error` is 0 where there was one session. `beside` is the share of the sessions that ran
    beside all other models, where what the night does to all of them can be known: 0 for a
    second look.
    """

    night: int
    value: float
    error: float = 0.0
    sessions: int = 1
    beside: float = 1.0


def middle(sessions: tuple[float, ...]) -> float:
    """The Hodges-Lehmann estimate over sessions: as the median, with a third of its luck less."""
    return sessions[0] if len(sessions) == 1 else hodges_lehmann(sessions)


def error_of_middle(sessions: tuple[float, ...]) -> float:
    """Standard error of `middle`, from the median absolute deviation.

    1.4826 MAD estimates the standard deviation of a normal sample (Hampel 1974), and the error of
    the Hodges-Lehmann estimate is the root of pi/3 times that of a mean (asymptotic).
    """
    if len(sessions) < 2:
        return 0.0
    centre = statistics.median(sessions)
    deviation = statistics.median(abs(value - centre) for value in sessions)
    return math.sqrt(math.pi / 3) * 1.4826 * deviation / math.sqrt(len(sessions))


def of_both_looks(first: Point, second: Point) -> Point:
    """Two looks of one night as one point, each with the weight of its sessions."""
    sessions = first.sessions + second.sessions
    a, b = first.sessions / sessions, second.sessions / sessions
    return Point(
        first.night,
        a * first.value + b * second.value,
        math.hypot(a * first.error, b * second.error),
        sessions,
        a * first.beside + b * second.beside,
    )


class Status(StrEnum):
    """What is said of one metric of one model on one device."""

    FINE = "ok"
    IMPROVED = "improved"
    # Looked worse, and a second look the same night did not agree.
    UNCONFIRMED = "unconfirmed"
    REGRESSION = "regression"
    # First night on the device as it is: nothing to compare with yet.
    NEW = "new"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Verdict:
    """What is said of one metric of one series tonight, with everything that was found for it.

    Attributes:
        value, reference: tonight's and what it is compared with, in the metric's unit.
        change, low, high: relative (ratio metrics) or absolute change and its 95 % interval.
        p: chance of such a difference if nothing had changed, before the suite's correction.
        needed_p: what `p` of these nights alone had to stay below; red is what all nights together
            make likelier than not, see `judging.belief`.
        nights: how many of the last nights carry the finding, tonight included.
        compared_with: `baseline` or `recent`.
        since: the night at which it began; `since_low` to `since_high` is what the data allow.
        creep: change a night, where it came gradually.
        least_change: the least change for the worse that tonight alone would have found, as
            `change` has it; None where there is nothing to compare with yet, where no single night
            can find any, and of what is exact.
        sentence: all of it for people.
    """

    series: SeriesKey
    metric: str
    status: Status
    sentence: str
    value: float | None = None
    reference: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    needed_p: float | None = None
    nights: int = 1
    compared_with: str = "baseline"
    baseline_night: int | None = None
    since: int | None = None
    since_low: int | None = None
    since_high: int | None = None
    creep: float | None = None
    least_change: float | None = None
