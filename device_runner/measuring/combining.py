"""More sessions of what was measured before."""

from __future__ import annotations

from device_runner.errors import InputRefusedError
from device_runner.flags import Flag
from device_runner.measuring.correcting import corrected_by, learnt
from device_runner.measuring.estimates import estimate_of, flags_of
from device_runner.records import Measurement, SentinelTrack, SessionSlot

# Of the flags, those that are about the whole measurement and not made anew from its sessions.
_STANDING = (Flag.SENTINEL_FAILED,)


def combined(first: Measurement, second: Measurement) -> Measurement:
    """Both measurements' sessions as one measurement, estimated anew.

    Rounds and times of the second follow those of the first. What the sentinel's loss says of the
    artifact's is learnt anew from all sessions, at the reference of the second, which is why both
    must have run beside the same sentinel.

    Raises:
        InputRefusedError: they are not of one artifact, profile and sentinel.
    """
    _require_alike(first, second)
    sessions = first.sessions + second.sessions
    slots = _following(first.slots, second.slots)
    track = _joined(first.sentinel, second.sentinel, first.slots)
    if track is not None:
        track = corrected_by(track, slots, learnt(track, [(sessions, slots)]))
    estimate = estimate_of(
        sessions,
        slots=slots,
        sentinel=track,
        confidence=first.plan.confidence,
        seed=first.plan.seed,
    )
    flags = flags_of(first.device.kind, sessions, estimate, first.plan.threads, slots, track)
    standing = [flag for flag in _STANDING if flag in first.flags or flag in second.flags]
    return first.model_copy(
        update={
            "sessions": sessions,
            "slots": slots,
            "sentinel": track,
            "estimate": estimate,
            "flags": (*flags, *standing),
            "plan": first.plan.model_copy(update={"sessions": len(sessions)}),
            "finished_at": second.finished_at,
        }
    )


def _require_alike(first: Measurement, second: Measurement) -> None:
    def identity(one: Measurement) -> tuple[object, ...]:
        sentinel = one.sentinel and one.sentinel.artifact_sha256
        return one.artifact_sha256, one.device.key, one.threads, one.plan.cpus, sentinel

    if identity(first) != identity(second):
        raise InputRefusedError(
            f"two measurements of {first.candidate_key} cannot be one: they differ in artifact, "
            "device profile, threads or sentinel"
        )


def _end_s(slots: tuple[SessionSlot, ...]) -> float:
    return max((slot.started_s for slot in slots), default=0.0)


def _rounds(slots: tuple[SessionSlot, ...]) -> int:
    return max((slot.round for slot in slots), default=-1) + 1


def _following(
    first: tuple[SessionSlot, ...], second: tuple[SessionSlot, ...]
) -> tuple[SessionSlot, ...]:
    rounds, end_s = _rounds(first), _end_s(first)
    later = (
        slot.model_copy(update={"round": slot.round + rounds, "started_s": slot.started_s + end_s})
        for slot in second
    )
    return (*first, *later)


def _joined(
    first: SentinelTrack | None, second: SentinelTrack | None, slots: tuple[SessionSlot, ...]
) -> SentinelTrack | None:
    if first is None or second is None:
        return None
    rounds, end_s = _rounds(slots), _end_s(slots)
    return first.model_copy(
        update={
            "rounds": (*first.rounds, *(number + rounds for number in second.rounds)),
            "started_s": (*first.started_s, *(at_s + end_s for at_s in second.started_s)),
            "median_ms": (*first.median_ms, *second.median_ms),
            "reference_ms": second.reference_ms,
        }
    )
