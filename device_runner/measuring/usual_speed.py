"""The speed for which latencies of one device are told, at whatever moments they were measured.

A study's candidates are measured over minutes or days, in which the device is now faster, now
slower. All are told for one speed: the one that it usually had beside their sessions
(`statistics.reference`). So it is not chosen before, but found in what was measured, and moves a
little with each measurement; whoever reads latencies tells them anew (`UsualSpeed.told`), and never
compares two that were told for different speeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from device_runner.flags import Flag
from device_runner.measuring.correcting import shared_by
from device_runner.measuring.estimates import DRIFTED_RATIO, SPEED_FLAGS, flags_of_speed
from device_runner.records import Measurement
from device_runner.statistics import corrected_interval
from device_runner.statistics.reaction import Pair, Population, Reaction, log_doubt
from device_runner.statistics.reference import usual_level

_Ms = Annotated[float, Field(gt=0)]


class SessionsBeside(BaseModel):
    """Sessions as they were read, and the sentinel's beside each: what a latency is told from.

    Attributes:
        session_ms: each session's median.
        sentinel_ms: what the sentinel took around each, (sessions,).
        sentinel_session: which of the sentinel's sessions that was: those that share one share
            its error.
        sentinel_sha256, threads: only those of one sentinel go together, and of so many
            threads asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    session_ms: tuple[_Ms, ...] = Field(min_length=1)
    sentinel_ms: tuple[_Ms, ...]
    sentinel_session: tuple[int, ...]
    sentinel_sha256: str
    threads: int = Field(ge=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if not len(self.session_ms) == len(self.sentinel_ms) == len(self.sentinel_session):
            raise ValueError("one session of the sentinel is needed for each session")
        return self

    @classmethod
    def of(cls, measurement: Measurement) -> Self | None:
        """What is needed of a measurement; None where no sentinel ran beside it."""
        track = measurement.sentinel
        if track is None or len(measurement.slots) != len(measurement.sessions):
            return None
        spoke = shared_by(track, measurement.slots).argmax(axis=1)
        return cls(
            session_ms=tuple(session.median_ms for session in measurement.sessions),
            sentinel_ms=tuple(track.median_ms[place] for place in spoke),
            sentinel_session=tuple(map(int, spoke)),
            sentinel_sha256=track.artifact_sha256,
            threads=measurement.plan.threads,
            confidence=measurement.plan.confidence,
            seed=measurement.plan.seed,
        )

    @classmethod
    def joined(cls, every: Sequence[Self]) -> Self:
        """The sessions of several measurements as those of one.

        Raises:
            ValueError: there are none, or they ran beside different sentinels or with different
                thread counts.
        """
        if len({(one.sentinel_sha256, one.threads) for one in every}) != 1:
            raise ValueError(
                "only sessions beside one sentinel and of one thread count go together"
            )
        places, before = [], 0
        for one in every:
            places += [before + place for place in one.sentinel_session]
            before += max(one.sentinel_session) + 1
        return every[0].model_copy(
            update={
                "session_ms": tuple(ms for one in every for ms in one.session_ms),
                "sentinel_ms": tuple(ms for one in every for ms in one.sentinel_ms),
                "sentinel_session": tuple(places),
            }
        )

    def pair(self, reference_ms: float) -> Pair:
        """Logarithms of the sessions, and of how much slower than `reference_ms` the sentinel."""
        return np.log(self.session_ms), np.log(self.sentinel_ms) - np.log(reference_ms)

    @property
    def shared(self) -> np.ndarray:
        """As `statistics.drift.sentinel_weights` has it."""
        places = np.array(self.sentinel_session)
        return (places[:, None] == np.unique(places)).astype(float)


@dataclass(frozen=True)
class Told:
    """A latency, told for a speed.

    Attributes:
        session_ms: each session, corrected to that speed.
        log_doubt: standard deviation of the latency's logarithm from what is not known of how the
            model reacts to speeds; it is in the interval, and no further session at the same
            speed makes it smaller.
        flags: of `SPEED_FLAGS`, those that hold here.
    """

    latency_ms: float
    low_ms: float
    high_ms: float
    session_ms: tuple[float, ...]
    log_doubt: float
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class UsualSpeed:
    """The speed of one device (profile, threads, sentinel) for which latencies are told.

    Attributes:
        reference_ms: what the sentinel takes at that speed.
        population: how the device's models react to others.
        members: what it was found in.
    """

    reference_ms: float
    population: Population
    members: frozenset[SessionsBeside]

    @classmethod
    def of(cls, every: Sequence[SessionsBeside]) -> Self:
        """Where most of the sessions ran. The order does not matter.

        Raises:
            ValueError: nothing was measured.
        """
        reference_ms = usual_level([ms for one in every for ms in one.sentinel_ms])
        population = Population.of([one.pair(reference_ms) for one in every])
        return cls(reference_ms, population, frozenset(every))

    def told(self, one: SessionsBeside) -> Told:
        """A latency as it is at this speed."""
        ours, heat = one.pair(self.reference_ms)
        reaction = self.population.reaction(ours, heat, member=one in self.members)
        return told_at(one, self.reference_ms, reaction)


def told_at(one: SessionsBeside, reference_ms: float, reaction: Reaction) -> Told:
    """The latency at a speed, for a model that reacts so: `UsualSpeed.told`, both being known."""
    ours, heat = one.pair(reference_ms)
    session_ms = np.exp(ours - reaction.factor * heat)
    latency_ms = float(np.median(session_ms))
    interval = corrected_interval(
        one.session_ms,
        np.exp(heat),
        one.shared,
        reaction,
        confidence=one.confidence,
        seed=one.seed,
    )
    low_ms, high_ms = min(interval.low, latency_ms), max(interval.high, latency_ms)
    rules = flags_of_speed(
        latency_ms,
        high_ms - low_ms,
        tuple(map(float, session_ms)),
        tuple(map(float, np.exp(reaction.factor * heat))),
        reaction.unlike,
    )
    rules[Flag.UNUSUAL_SPEED] = abs(float(np.median(heat))) > np.log(DRIFTED_RATIO)
    return Told(
        latency_ms=latency_ms,
        low_ms=low_ms,
        high_ms=high_ms,
        session_ms=tuple(map(float, session_ms)),
        log_doubt=log_doubt(ours, heat, reaction),
        flags=tuple(flag for flag in SPEED_FLAGS if rules[flag]),
    )
