"""The device's drift, seen by the sentinel and taken off the sessions it ran beside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device_runner.records import SentinelTrack, SessionRecord, SessionSlot
from device_runner.statistics import drift_factors
from device_runner.statistics.drift import sentinel_weights
from device_runner.statistics.reaction import Pair, Reaction, reaction


def seen_by(track: SentinelTrack, slots: Sequence[SessionSlot]) -> np.ndarray:
    """By what factor the sentinel was slower than its reference around each session, (n,)."""
    return drift_factors(
        [slot.started_s for slot in slots],
        track.started_s,
        track.median_ms,
        track.reference_ms,
        rounds=[slot.round for slot in slots],
        sentinel_rounds=track.rounds,
    )


def shared_by(track: SentinelTrack, slots: Sequence[SessionSlot]) -> np.ndarray:
    """Which sentinel session spoke for which of ours, see `statistics.drift.sentinel_weights`."""
    return sentinel_weights(
        [slot.started_s for slot in slots],
        track.started_s,
        rounds=[slot.round for slot in slots],
        sentinel_rounds=track.rounds,
    )


def reaction_of(track: SentinelTrack) -> Reaction:
    """What was learnt of the reaction when the track was made."""
    return Reaction(track.reaction, track.reaction_sd, track.unlike)


def learnt(
    track: SentinelTrack,
    series: Sequence[tuple[Sequence[SessionRecord], Sequence[SessionSlot]]],
) -> Reaction:
    """The reaction of all artifacts whose sessions ran beside this sentinel."""
    pairs: list[Pair] = [
        (np.log([one.median_ms for one in sessions]), np.log(seen_by(track, slots)))
        for sessions, slots in series
        if sessions
    ]
    return reaction(pairs)


def corrected_by(
    track: SentinelTrack, slots: Sequence[SessionSlot], found: Reaction
) -> SentinelTrack:
    """The track with what is taken off each of these sessions."""
    drift = seen_by(track, slots) ** found.factor
    return track.model_copy(
        update={
            "drift": tuple(map(float, drift)),
            "reaction": found.factor,
            "reaction_sd": found.sd,
            "unlike": found.unlike,
        }
    )
