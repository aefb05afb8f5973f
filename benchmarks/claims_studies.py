"""Claims about the latencies of a study, which are told for one speed. See `claims.py`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from claim import Claim, Line, at_least, at_most, told
from claims_sessions import DRIFT, FOR_ERRORS, HELD, SESSION_SD, heat, places

from device_runner.devices.simulated.foreign import Course, Launches, course, launch_noise
from device_runner.measuring.usual_speed import SessionsBeside, UsualSpeed, told_at
from device_runner.statistics.reaction import reaction

CANDIDATES = 12
SENTINEL_MS = 4.0
# The log latencies of a study's candidates lie this far apart.
STEP = 0.1
SLOWER = float(np.log(2.0))
# As on the machine where slow spells were met: some models lose half as much again as others.
REACTS = (0.7, 1.4)
START_SESSIONS = 5


@dataclass(frozen=True)
class World:
    """One study: how hot it was beside each session of each candidate, and how they react."""

    ours: np.ndarray
    seen: np.ndarray
    reacts: np.ndarray

    @property
    def besides(self) -> list[SessionsBeside]:
        """As records hold them; candidate k takes `exp(k * STEP)` ms on a device that is usual."""
        return [
            SessionsBeside(
                session_ms=tuple(np.exp(STEP * number + mine)),
                sentinel_ms=tuple(SENTINEL_MS * np.exp(its)),
                sentinel_session=tuple(range(mine.size)),
                sentinel_sha256="s",
                threads=1,
            )
            for number, (mine, its) in enumerate(zip(self.ours, self.seen, strict=True))
        ]


def world(
    rng: np.random.Generator, kind: Course, sessions: int, reacts: np.ndarray, size: float
) -> World:
    """Drift and the like within each candidate's measurement; spells over the whole study."""
    if kind is Course.SPELLS:
        # One after the other, in rounds of a candidate and its sentinel.
        at = np.linspace(0, 1, CANDIDATES * sessions * 2)[None, :]
        hot = course(kind, rng, at, CANDIDATES * sessions, size)
        hot = hot.reshape(CANDIDATES, sessions, 2)
    else:
        hot = heat(kind, rng, places(rng, CANDIDATES, sessions, 2), size)
    luck = launch_noise(Launches.NORMAL, rng, (2, CANDIDATES, sessions), SESSION_SD)
    return World(reacts[:, None] * hot[..., 0] + luck[0], hot[..., 1] + luck[1], reacts)


@dataclass
class Tally:
    """Over many studies: intervals that held, log errors corrected and raw, pairs in order."""

    held: list[float]
    errors: list[np.ndarray]
    raw: list[np.ndarray]
    ordered: list[float]

    def share(self) -> float:
        return float(np.mean(self.held))

    def ratio(self) -> float:
        """Root mean square error, corrected over raw."""
        errors, raw = np.concatenate(self.errors), np.concatenate(self.raw)
        return float(np.sqrt(np.mean(errors**2) / np.mean(raw**2)))

    def off(self, share: float) -> float:
        """The error that so many of the candidates stay below, in percent."""
        return 100 * float(np.expm1(np.quantile(np.abs(np.concatenate(self.errors)), share)))


def tallied(many: list[World], start: list[float] | None = None) -> Tally:
    """Studies told for their usual speed, or by a reference of their start, each b for itself."""
    found = Tally([], [], [], [])
    for number, one in enumerate(many):
        besides = one.besides
        speed = UsualSpeed.of(besides)
        reference_ms = speed.reference_ms if start is None else start[number]
        told_ones = [
            speed.told(beside)
            if start is None
            else told_at(beside, reference_ms, reaction([beside.pair(reference_ms)]))
            for beside in besides
        ]
        level = STEP * np.arange(CANDIDATES)
        # The truth at the speed that it is told for.
        there = level + one.reacts * np.log(reference_ms / SENTINEL_MS)
        logs = np.log([each.latency_ms for each in told_ones])
        found.held += [
            bool(each.low_ms <= np.exp(true) <= each.high_ms)
            for each, true in zip(told_ones, there, strict=True)
        ]
        found.errors.append(logs - there)
        found.raw.append(np.median(one.ours, axis=1))
        rising = np.sign(logs[:, None] - logs) == np.sign(level[:, None] - level)
        found.ordered.append(float(rising[~np.eye(CANDIDATES, dtype=bool)].mean()))
    return found


def studies(seed: int, draws: int) -> list[Line]:
    """1, for candidates of a study; `draws` candidates a line."""
    count = max(1, draws // CANDIDATES)
    drifts = [(sessions, reacts) for sessions in (5, 9, 20) for reacts in (1.0, 0.75, 0.5)]
    return [
        *(partial(_drift, seed, count, *one) for one in drifts),
        *(partial(_calm, seed, FOR_ERRORS * count, sessions) for sessions in (5, 9, 20)),
        *(partial(_spells, seed, count, sessions) for sessions in (5, 9)),
    ]


def _drift(seed: int, count: int, sessions: int, reacts: float) -> list[Claim]:
    rng = np.random.default_rng([seed, 40, sessions, int(100 * reacts)])
    alike = np.full(CANDIDATES, reacts)
    many = [world(rng, Course.LINEAR, sessions, alike, DRIFT) for _ in range(count)]
    under = f"study of 12, 8 % linear drift, b = {reacts:g}, {sessions} sessions"
    return [at_least(HELD, under, 0.90, tallied(many).share())]


def _calm(seed: int, count: int, sessions: int) -> list[Claim]:
    rng = np.random.default_rng([seed, 41, sessions])
    alike = np.ones(CANDIDATES)
    many = [world(rng, Course.CALM, sessions, alike, DRIFT) for _ in range(count)]
    under = f"study of 12, calm, {sessions} sessions"
    return [at_most("error, corrected over raw", under, 1.1, tallied(many).ratio())]


def _spells(seed: int, count: int, sessions: int) -> list[Claim]:
    rng = np.random.default_rng([seed, 42, sessions])
    many = [
        world(rng, Course.SPELLS, sessions, rng.uniform(*REACTS, CANDIDATES), SLOWER)
        for _ in range(count)
    ]
    under = f"study of 12, slow spells of a factor of two, b 0.7 to 1.4, {sessions} sessions"
    one = tallied(many)
    found = [at_least(HELD, under, 0.90, one.share())]
    for when, slower in (("between spells", 0.0), ("within a spell", SLOWER)):
        luck = rng.normal(slower, SESSION_SD, (count, START_SESSIONS))
        first = tallied(many, list(SENTINEL_MS * np.exp(np.median(luck, axis=1))))
        found += [
            told(
                f"nine of ten latencies off by less than (reference of a start {when})",
                under,
                f"{one.off(0.9):.1f} % ({first.off(0.9):.1f} %)",
            ),
            told(
                f"pairs in the right order (reference of a start {when})",
                under,
                f"{np.mean(one.ordered):.3f} ({np.mean(first.ordered):.3f})",
            ),
        ]
    return found
