"""What two artifacts that were timed in the same rounds say about each other."""

from __future__ import annotations

from device_runner.records import Measurement
from device_runner.statistics import Comparison, paired_ratio


def compare_together(
    first: Measurement, second: Measurement, *, confidence: float = 0.95
) -> Comparison:
    """The first's latency over the second's, from the rounds that both were timed in.

    Uncorrected times: what the device did in a round, it did to both. Fewer than three common
    rounds claim nothing (`Comparison.method` is `too-few`).

    Raises:
        ValueError: they have no round in common.
    """
    ours, theirs = _by_round(first), _by_round(second)
    rounds = sorted(ours.keys() & theirs.keys())
    if not rounds:
        raise ValueError("they were not timed in the same rounds")
    return paired_ratio(
        [ours[number] for number in rounds],
        [theirs[number] for number in rounds],
        confidence=confidence,
    )


def _by_round(measurement: Measurement) -> dict[int, float]:
    return {
        slot.round: session.median_ms
        for slot, session in zip(measurement.slots, measurement.sessions, strict=True)
    }
