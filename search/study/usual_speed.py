"""A study's results, told for one speed of the device (`device_runner.measuring.usual_speed`).

Latencies of one device profile, thread count and sentinel are told for one speed, found in all that
was measured. So they are told anew whenever results are read: what a record holds is how it was
told when it was written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from device_runner import Measurement
from device_runner.flags import Flag
from device_runner.measuring.estimates import SPEED_FLAGS
from device_runner.measuring.usual_speed import SessionsBeside, Told, UsualSpeed
from device_runner.statistics import MIN_SESSIONS_FOR_BOOTSTRAP
from foundation.errors import RequestError
from search.study.records import CandidateResult

_Key = tuple[str, str, int]


class StudySpeeds:
    """The usual speeds of a study: of each device profile, sentinel and thread count in it.

    Made of results that were timed; others say nothing of it.
    """

    def __init__(self, results: Sequence[CandidateResult]) -> None:
        groups: dict[_Key, list[SessionsBeside]] = {}
        for result in results:
            if (beside := _beside(result)) is not None:
                groups.setdefault(_key(result, beside), []).append(beside)
        self._speeds = {key: UsualSpeed.of(every) for key, every in groups.items()}

    def reference_ms(self, profile_key: str, sentinel_sha256: str, threads: int) -> float | None:
        """What that sentinel takes there at the speed latencies are told for; None if unknown."""
        speed = self._speeds.get((profile_key, sentinel_sha256, threads))
        return None if speed is None else speed.reference_ms

    def told(self, result: CandidateResult) -> CandidateResult:
        """The result as it is at its speed.

        One that was not timed beside a sentinel, or is of a profile, sentinel or thread count that
        none of the study's is of, stays as it is. So does one of an earlier version that kept too
        little (`Flag.REFERENCE_KEPT`).
        """
        beside = _beside(result)
        if beside is None:
            return _kept(result)
        speed = self._speeds.get(_key(result, beside))
        return result if speed is None else _retold(result, speed.told(beside))

    def together(self, results: Sequence[CandidateResult]) -> CandidateResult | None:
        """The last of several results of one graph, with the timing of all their sessions.

        None where their sessions do not go together: other sentinels, thread counts or devices, or
        a record that kept too little. Flags are those of all. No single file holds the samples.
        """
        found = [(result.profile_key, _beside(result)) for result in results]
        every = [beside for _, beside in found if beside is not None]
        last = results[-1]
        keys = {(key, beside.sentinel_sha256, beside.threads) for key, beside in found if beside}
        if len(every) != len(results) or len(keys) != 1 or last.timing is None:
            return None
        joined = SessionsBeside.joined(every)
        timing = last.timing.model_copy(
            update={
                "beside": joined,
                "sessions": len(joined.session_ms),
                "raw_latency_ms": float(np.median(joined.session_ms)),
                "measurement_file": "",
            }
        )
        flags = dict.fromkeys(flag for result in results for flag in result.flags)
        if len(joined.session_ms) >= MIN_SESSIONS_FOR_BOOTSTRAP:
            flags.pop(Flag.FEW_SESSIONS, None)
        return self.told(last.model_copy(update={"timing": timing, "flags": tuple(flags)}))


def at_usual_speed(results: Sequence[CandidateResult]) -> list[CandidateResult]:
    """All results of a study, told for the speed that they show together."""
    speeds = StudySpeeds(results)
    return [speeds.told(result) for result in results]


def with_sessions(result: CandidateResult, folder: Path) -> CandidateResult:
    """A result of an earlier version with the sessions that its measurement file still holds.

    `folder` is the run directory. Without the file it stays as it is.
    """
    timing = result.timing
    if timing is None or timing.beside is not None or not timing.measurement_file:
        return result
    with contextlib.suppress(RequestError):
        beside = SessionsBeside.of(Measurement.load(folder / timing.measurement_file))
        return result.model_copy(update={"timing": timing.model_copy(update={"beside": beside})})
    return result


def _beside(result: CandidateResult) -> SessionsBeside | None:
    return result.timing.beside if result.timing else None


def _key(result: CandidateResult, beside: SessionsBeside) -> _Key:
    return result.profile_key, beside.sentinel_sha256, beside.threads


def _kept(result: CandidateResult) -> CandidateResult:
    timing = result.timing
    if timing is None or timing.raw_latency_ms in (None, timing.latency_ms):
        # Nothing was ever corrected.
        return result
    flags = dict.fromkeys((*result.flags, Flag.REFERENCE_KEPT))
    return result.model_copy(update={"flags": tuple(flags)})


def _retold(result: CandidateResult, told: Told) -> CandidateResult:
    assert result.timing is not None
    moved_ms = told.latency_ms - result.timing.latency_ms
    violations = dict(result.constraint_violations)
    if "latency_ms" in violations:
        violations["latency_ms"] += moved_ms
    standing = [flag for flag in result.flags if flag not in SPEED_FLAGS]
    return result.model_copy(
        update={
            "timing": result.timing.model_copy(
                update={
                    "latency_ms": told.latency_ms,
                    "latency_low_ms": told.low_ms,
                    "latency_high_ms": told.high_ms,
                    "session_ms": told.session_ms,
                    "log_doubt": told.log_doubt,
                }
            ),
            "flags": (*standing, *told.flags),
            "constraint_violations": violations,
        }
    )
