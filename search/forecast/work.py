"""What a search has still to do, counted, and the seconds that takes at given rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from device_runner.measuring.order import ARTIFACTS_PER_SENTINEL
from search.forecast.rates import Rates

# A candidate's check against eager PyTorch and its pictures, together, in sessions (default
# search on a quiet host: 7.0 s a candidate, 0.68 s a launch while its front was settled).
JUDGING_IN_SESSIONS = 0.5


@dataclass(frozen=True)
class LaneWork:
    """What one device profile's study has still to do.

    Attributes:
        known: candidates whose result is known.
        candidates: how many more are to be exported, measured and judged.
        sessions: of each; as many of the sentinel run beside them.
        settle_sessions: at most so many more, where the front is open.
        stations: devices that share the candidates.
        on_this_computer: whether exports wait for the measuring.
    """

    profile_key: str
    known: int
    candidates: int
    sessions: int
    settle_sessions: int
    stations: int = 1
    on_this_computer: bool = True

    @property
    def settle_sentinels(self) -> int:
        """Sentinel sessions beside the settling ones."""
        return math.ceil(self.settle_sessions / ARTIFACTS_PER_SENTINEL)

    @property
    def launches(self) -> int:
        """Sessions that are still to be run, the sentinel's included."""
        return 2 * self.sessions * self.candidates + self.settle_sessions + self.settle_sentinels


@dataclass(frozen=True)
class Work:
    """What a search has still to do.

    Attributes:
        training_steps: of the supernet.
        preparing: whether the export process, the sentinel and the largest config's PSNR
            are still to come.
    """

    training_steps: int
    preparing: bool
    lanes: tuple[LaneWork, ...]


@dataclass(frozen=True)
class Seconds:
    """The parts of an estimate."""

    training: float = 0.0
    preparing: float = 0.0
    exporting: float = 0.0
    measuring: float = 0.0
    settling: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.training + self.preparing + self.exporting + self.measuring + self.settling


def candidate_sessions(sessions: int) -> float:
    """What a candidate costs, in sessions: its own, the sentinel's, its check and pictures."""
    return 2 * sessions + JUDGING_IN_SESSIONS


def seconds_of(work: Work, rates: Mapping[str, Rates]) -> Seconds:
    """How long the work takes at each profile's rates.

    Profiles are measured side by side, then settled one after the other.
    """
    some = next(iter(rates.values()))
    lanes = [_lane_seconds(lane, rates[lane.profile_key]) for lane in work.lanes]
    longest = max(lanes, key=lambda lane: lane.exporting + lane.measuring, default=Seconds())
    return Seconds(
        training=work.training_steps * some.step.seconds,
        preparing=some.preparation.seconds * work.preparing,
        exporting=longest.exporting,
        measuring=longest.measuring,
        settling=sum(lane.settling for lane in lanes),
    )


def _lane_seconds(lane: LaneWork, rates: Rates) -> Seconds:
    session_s = rates.session.seconds
    measuring = lane.candidates * candidate_sessions(lane.sessions) / max(1, lane.stations)
    exporting = lane.candidates * rates.export.seconds
    if not lane.on_this_computer:
        # They run ahead of the devices.
        exporting = max(0.0, exporting - measuring * session_s)
    return Seconds(
        exporting=exporting,
        measuring=measuring * session_s,
        settling=(lane.settle_sessions + lane.settle_sentinels) * session_s,
    )


def total_launches(lanes: Sequence[LaneWork]) -> int:
    """Sessions of all devices together."""
    return sum(lane.launches for lane in lanes)
