"""Taking the device's drift out of a measurement, by the sentinel that ran beside it.

A round runs every artifact and the sentinel once. What the device was slower by in a round shows
in the sentinel's session of that round, so each session is divided by its own round's sentinel
(a blocked design: Fisher, "The Design of Experiments", 1935; for benchmarks, Duet benchmarking,
Bulej et al., ICPE 2020). No smoothing across rounds: over the median of the rounds the sentinel's
noise averages out either way, so a smoother saves almost nothing on a calm device, smears
throttling steps into their neighbours, and hands one disturbed sentinel session on to several of
ours. `python benchmarks/drift_correction.py` prints the comparison this rests on. How much of the
sentinel's loss is taken off is learnt: see `reaction`.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from device_runner.statistics.arrays import Interval, Row, finite, logs
from device_runner.statistics.intervals import session_interval
from device_runner.statistics.reaction import ALIKE, Reaction, log_doubt


def sentinel_weights(
    at_s: Row,
    sentinel_at_s: Row,
    *,
    rounds: Row | None = None,
    sentinel_rounds: Row | None = None,
) -> np.ndarray:
    """Which sentinel session speaks for which of ours: one row each, (sessions, sentinel's).

    The sentinel's session of the same round where rounds are given and it has one; otherwise the
    nearest in time, the earlier of two as near.

    Raises:
        ValueError: rows of unlike length, no number, or rounds given for one side only.
    """
    ours, theirs = finite(at_s, "at_s"), finite(sentinel_at_s, "sentinel_at_s")
    distance = np.abs(ours[:, None] - theirs[None, :])
    if (rounds is None) != (sentinel_rounds is None):
        raise ValueError("rounds and sentinel_rounds belong together")
    if rounds is not None and sentinel_rounds is not None:
        mine, its = finite(rounds, "rounds"), finite(sentinel_rounds, "sentinel_rounds")
        if mine.shape != ours.shape or its.shape != theirs.shape:
            raise ValueError("one round a session is needed")
        span = 1.0 + float(distance.max())
        distance = distance + span * (mine[:, None] != its[None, :])
    weights = np.zeros_like(distance)
    order = np.argsort(theirs, kind="stable")
    chosen = order[np.argmin(distance[:, order], axis=1)]
    weights[np.arange(ours.size), chosen] = 1.0
    return weights


def drift_factors(
    at_s: Row,
    sentinel_at_s: Row,
    sentinel_ms: Row,
    reference_ms: float,
    *,
    rounds: Row | None = None,
    sentinel_rounds: Row | None = None,
) -> np.ndarray:
    """How much slower than its reference the sentinel was around each session; 1 is no drift.

    Args:
        at_s: when each session started, on any one clock.
        sentinel_at_s: when each of the sentinel's sessions started, on the same clock.
        sentinel_ms: what each of them took, its median.
        reference_ms: what the sentinel takes on this device in its reference state.
        rounds: the round of each session. Without rounds, sessions nearest in time go together.
        sentinel_rounds: the round of each of the sentinel's sessions.

    Raises:
        ValueError: rows of unlike length, or a latency that is not above zero.
    """
    reference = logs([reference_ms], "reference_ms")[0]
    theirs = logs(sentinel_ms, "sentinel_ms")
    weights = sentinel_weights(at_s, sentinel_at_s, rounds=rounds, sentinel_rounds=sentinel_rounds)
    if weights.shape[1] != theirs.size:
        raise ValueError("one sentinel_ms for each sentinel_at_s is needed")
    return np.exp(weights @ theirs - reference)


def _inflation(weights: np.ndarray, noise_ratio: float) -> float:
    """By how much the spread of corrected sessions understates the variance of their mean.

    Ours have noise of variance 1, the sentinel's of `noise_ratio`, all independent; corrected
    sessions are `e - W u`. Sessions that share a sentinel session share its error, which their
    spread cannot show. 1 where each has its own.
    """
    count = weights.shape[0]
    if count < 2:
        return 1.0
    shared = weights @ weights.T
    of_mean = 1.0 + noise_ratio * shared.mean() * count
    off_diagonal = (shared.sum() - np.trace(shared)) / (count * (count - 1))
    of_spread = 1.0 + noise_ratio * (np.trace(shared) / count - off_diagonal)
    return float(of_mean / of_spread)


def corrected_interval(
    session_ms: Row,
    seen: Row,
    shared: np.ndarray,
    reaction: Reaction = ALIKE,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval for the median of the drift-corrected sessions, what is not known included, ms.

    Dividing by a sentinel session of one's own round puts its noise into the spread of the
    corrected sessions, so their interval carries it. Where sessions share a sentinel session (it
    failed in a round), the interval is widened by what their spread cannot show, with the
    sentinel taken to be as noisy as the artifact. What is not known of the reaction moves the
    median by as much as the device was off its reference in the sessions it rests on, and is added
    as a variance.

    Few sessions: see `intervals.session_interval`.

    Args:
        session_ms: what was read, one a session.
        seen: the factor by which the sentinel was slower around each, see `drift_factors`.
        shared: which sentinel session spoke for which, see `sentinel_weights`.
        reaction: what share of that was taken off.
    """
    ours, heat = logs(session_ms, "session_ms"), logs(seen, "seen")
    if heat.size != ours.size or shared.shape[0] != ours.size:
        raise ValueError("one factor for each session is needed")
    corrected = ours - reaction.factor * heat
    found = session_interval(
        np.exp(corrected),
        confidence=confidence,
        seed=seed,
        inflation=_inflation(shared, noise_ratio=reaction.factor**2),
    )
    centre = float(np.median(corrected))
    quantile = NormalDist().inv_cdf(0.5 + confidence / 2)
    doubt = quantile * log_doubt(ours, heat, reaction)
    below = float(np.hypot(centre - np.log(found.low), doubt))
    above = float(np.hypot(np.log(found.high) - centre, doubt))
    return Interval(float(np.exp(centre - below)), float(np.exp(centre + above)))
