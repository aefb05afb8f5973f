"""What the sessions of one artifact add up to, and what a reader must know about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from device_runner.flags import Flag, stand_in_flags
from device_runner.launching.launches import RunReport
from device_runner.launching.repeats import repeats_of
from device_runner.measuring.correcting import reaction_of, seen_by, shared_by
from device_runner.records import (
    DeviceKind,
    Estimate,
    SentinelTrack,
    SessionRecord,
    SessionSlot,
    corrected_medians_ms,
)
from device_runner.statistics import (
    MIN_SESSIONS_FOR_BOOTSTRAP,
    corrected_interval,
    iteration_outliers,
    median_of_medians,
    percentile,
    session_interval,
    session_outliers,
)

# An interval wider than this share of the latency cannot tell neighbouring candidates apart.
NOISY_RELATIVE_WIDTH = 0.10
# From here on the corrected latency is more the sentinel's word than the stopwatch's.
DRIFTED_RATIO = 1.10
# From this share of iterations apart on, something else was running: the long tail of calm
# iterations (exponential) has 4 % beyond the threshold of `iteration_outliers`.
DISTURBED_SHARE = 0.20
MIN_ITERATIONS_TO_JUDGE = 10
# How much a device's clock may run ahead of ours before its times are doubted.
CLOCK_TOLERANCE = 1.1
CLOCK_SLACK_S = 0.1

# These change with the speed for which a latency is told (`usual_speed`).
SPEED_FLAGS = (
    Flag.NOISY,
    Flag.DRIFTED,
    Flag.SENTINEL_UNLIKE,
    Flag.UNUSUAL_SPEED,
    Flag.OUTLYING_SESSION,
)

# Kinds of device that run models themselves; the others give what was computed elsewhere.
_RUNS_MODELS = ("phone", "emulator", "host")


def estimate_of(
    sessions: Sequence[SessionRecord],
    *,
    slots: Sequence[SessionSlot] = (),
    sentinel: SentinelTrack | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """What the sessions say together, each divided by its drift factor where a sentinel ran.

    Only the latency and its interval are corrected: load, first run and the percentiles are what
    was read. Raises `ValueError` where nothing was timed.
    """
    times_ms = [[ns / 1e6 for ns in session.iteration_ns] for session in sessions]
    pooled = [time for session in times_ms for time in session]
    medians_ms = [session.median_ms for session in sessions]
    if sentinel is None:
        latency_ms = median_of_medians(times_ms)
        interval = session_interval(medians_ms, confidence=confidence, seed=seed)
    else:
        latency_ms = percentile(corrected_medians_ms(sessions, sentinel), 50)
        interval = corrected_interval(
            medians_ms,
            seen_by(sentinel, slots),
            shared_by(sentinel, slots),
            reaction_of(sentinel),
            confidence=confidence,
            seed=seed,
        )
    return Estimate(
        latency_ms=latency_ms,
        raw_latency_ms=median_of_medians(times_ms),
        # By one unit in the last place logarithms may lose the estimate itself.
        latency_low_ms=min(interval.low, latency_ms),
        latency_high_ms=max(interval.high, latency_ms),
        p10_ms=percentile(pooled, 10),
        p90_ms=percentile(pooled, 90),
        first_run_ms=_told(sessions, "first_run_ms", lambda session: session.first_run_ms),
        load_ms=_told(sessions, "method_load_ms", lambda session: session.load_ms),
        peak_memory_mb=_told(sessions, "peak_rss_mb", lambda session: session.peak_memory_mb),
        sessions=len(sessions),
        iterations=len(pooled),
    )


def _told(
    sessions: Sequence[SessionRecord], field: str, value: Callable[[SessionRecord], float]
) -> float | None:
    """The median over the sessions whose runner tells `field`; None where none does."""
    told = [value(session) for session in sessions if field not in session.unknown]
    return percentile(told, 50) if told else None


def flags_of(
    kind: DeviceKind,
    sessions: Sequence[SessionRecord],
    estimate: Estimate,
    threads: int,
    slots: Sequence[SessionSlot] = (),
    sentinel: SentinelTrack | None = None,
) -> tuple[str, ...]:
    """What a reader must know before trusting the estimate; each flag by a stated rule.

    What the device itself said around a session (`SessionSlot.flags`) comes last.
    """
    repeats = repeats_of(sessions)
    rules = {
        # The same input gave different outputs, in whichever sessions.
        Flag.UNSTABLE: repeats is not None and repeats.unstable,
        # A runner that could have told did not; a stock one has its own flag.
        Flag.REPEATS_UNKNOWN: kind in _RUNS_MODELS
        and any(session.outputs_seen is None and not session.unknown for session in sessions),
        **flags_of_speed(
            estimate.latency_ms,
            estimate.latency_high_ms - estimate.latency_low_ms,
            corrected_medians_ms(sessions, sentinel),
            sentinel.drift if sentinel is not None else (1.0,) * len(sessions),
            sentinel is not None and sentinel.unlike,
        ),
        # The interval is the range of one or two sessions.
        Flag.FEW_SESSIONS: len(sessions) < MIN_SESSIONS_FOR_BOOTSTRAP,
        # Some session's warm-up reached its bound before the averages agreed.
        Flag.WARMUP_UNSETTLED: not all(session.warmup_settled for session in sessions),
        # The pool did not take the number of threads that was asked for.
        Flag.THREADS_DIFFER: any(session.threads != threads for session in sessions),
        # Peak memory may include what lay there before the model was loaded.
        Flag.PEAK_MEMORY_INEXACT: not all(
            session.peak_reset or "peak_rss_mb" in session.unknown for session in sessions
        ),
        # A runner other than ours ran it, which does not tell everything (`SessionRecord.unknown`).
        # A table of recorded medians may lack columns, but times were taken by some runner.
        Flag.STOCK_RUNNER: any("cpu_time_ms" in session.unknown for session in sessions),
        # Of all iterations, DISTURBED_SHARE lie apart from the rest of their session.
        Flag.DISTURBED: _disturbed(sessions),
    }
    found = [flag for flag, holds in rules.items() if holds]
    told = (flag for slot in slots for flag in slot.flags)
    return tuple(dict.fromkeys([*stand_in_flags(kind), *found, *told]))


def flags_of_speed(
    latency_ms: float,
    width_ms: float,
    session_ms: Sequence[float],
    drift: Sequence[float],
    unlike: bool,
) -> dict[Flag, bool]:
    """Which flags hold that rest on how the sessions were corrected.

    Args:
        latency_ms: the estimate, and `width_ms` that of its interval.
        session_ms: each session's median, corrected; `drift` what it was divided by.
        unlike: see `statistics.reaction`.
    """
    return {
        # The interval is wider than NOISY_RELATIVE_WIDTH of the latency.
        Flag.NOISY: width_ms > NOISY_RELATIVE_WIDTH * latency_ms,
        # The device's speed changed by DRIFTED_RATIO among the sessions, or since the reference.
        Flag.DRIFTED: max(*drift, 1.0) / min(*drift, 1.0) > DRIFTED_RATIO,
        # The artifact reacts to heat otherwise than the sentinel by which it is corrected.
        Flag.SENTINEL_UNLIKE: unlike,
        # Of five sessions or more, one lies apart: it stays in, and the median hardly sees it.
        Flag.OUTLYING_SESSION: session_outliers(session_ms).count > 0,
    }


def _disturbed(sessions: Sequence[SessionRecord]) -> bool:
    # A coarse clock may read nothing at all for an iteration.
    times_ns = [[max(ns, 1) for ns in session.iteration_ns] for session in sessions]
    count = sum(map(len, times_ns))
    apart = sum(iteration_outliers(row).count for row in times_ns)
    return count >= MIN_ITERATIONS_TO_JUDGE and apart > DISTURBED_SHARE * count


def clock_jumped(report: RunReport) -> bool:
    """Whether a timed session's own times cannot be true.

    Iterations must follow one another, and may not last longer than we waited for all of them.
    """
    session = report.session
    if session is None or not session.iteration_ns:
        return False
    ends = [s + d for s, d in zip(session.iteration_start_ns, session.iteration_ns, strict=False)]
    follow = all(
        end <= start for end, start in zip(ends, session.iteration_start_ns[1:], strict=False)
    )
    timed_s = sum(session.iteration_ns) / 1e9
    within = timed_s <= CLOCK_TOLERANCE * report.duration_s + CLOCK_SLACK_S
    return not (follow and within and min(session.iteration_ns) >= 0)
