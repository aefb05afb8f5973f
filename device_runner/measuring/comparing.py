"""Two artifacts timed in the same rounds: what they say about each other, and when it is enough."""

from __future__ import annotations

from collections.abc import Sequence

from device_runner.device import Device
from device_runner.measuring.combining import combined
from device_runner.measuring.gate import Gate
from device_runner.measuring.progress import Progress, Tell
from device_runner.measuring.together import measure_together
from device_runner.records import Measurement, MeasurePlan
from device_runner.statistics import Comparison, paired_ratio
from device_runner.statistics.intervals import MIN_SESSIONS_FOR_BOOTSTRAP
from foundation import Artifact

Measurements = tuple[Measurement, ...]


def compare_together(
    first: Measurement, second: Measurement, *, confidence: float = 0.95
) -> Comparison:
    """The first's latency over the second's, from the rounds that both were timed in.

    Uncorrected times: what the device did in a round, it did to both. Fewer than three common
    rounds claim nothing (`Comparison.method` is `too-few`).

    Raises:
        ValueError: they have no round in common.
    """
    ours, theirs = rounds_of(first, second)
    return paired_ratio(ours, theirs, confidence=confidence)


def rounds_of(first: Measurement, second: Measurement) -> tuple[list[float], list[float]]:
    """What each took in the rounds that both were timed in, ms.

    Raises:
        ValueError: they have no round in common.
    """
    ours, theirs = _by_round(first), _by_round(second)
    rounds = sorted(ours.keys() & theirs.keys())
    if not rounds:
        raise ValueError("they were not timed in the same rounds")
    return [ours[number] for number in rounds], [theirs[number] for number in rounds]


def measure_until_told(
    device: Device,
    pair: Sequence[Artifact],
    plan: MeasurePlan,
    on_progress: Tell | None = None,
) -> tuple[Measurements, float]:
    """Time two artifacts in the same rounds until they are told apart, or `plan.sessions` are run.

    One looks at planned numbers of rounds (`statistics.sequential`); the level that the last look
    may use is returned beside the measurements, `1 - plan.confidence` for all looks together.

    Raises:
        MeasurementFailed: the first that a launch failed for, or that answered wrongly.
        foundation.DeviceFailure: the device is in trouble, or busy.
    """
    # scipy's optimizers: a second that --help need not wait for.
    from device_runner.statistics.sequential import LookPlan, decide

    alpha = 1 - plan.confidence
    few = plan.sessions < MIN_SESSIONS_FOR_BOOTSTRAP
    looks = LookPlan((MIN_SESSIONS_FOR_BOOTSTRAP,), alpha)
    if not few:
        looks = LookPlan.up_to(plan.sessions, alpha)
    found: list[Measurement] = []
    gate = Gate(device, plan.cooldown_s)
    total = (plan.sessions + 1) * len(pair)
    with device.lease(plan.lease_wait_s):
        for look in (plan.sessions,) if few else looks.looks:
            had = found[0].estimate.sessions if found else 0
            done = had * len(pair) + len(pair) * bool(found)

            def tell(progress: Progress, done: int = done) -> None:
                if on_progress is not None:
                    on_progress(Progress(done + progress.done, total, progress.next_step))

            more = measure_together(
                device,
                pair,
                # Another order each time, that the recorded seed leads to.
                plan.model_copy(update={"sessions": look - had, "seed": plan.seed + had}),
                verified=[one.verification for one in found] or None,
                on_progress=tell,
                gate=gate,
            )
            found = _joined(found, more)
            if few:
                return tuple(found), alpha
            decision = decide(looks, *rounds_of(*found))
            if not decision.go_on:
                return tuple(found), decision.level
    raise AssertionError("the last look ends it")


def _joined(
    found: Sequence[Measurement], more: Sequence[Measurement | Exception]
) -> list[Measurement]:
    whole = []
    for at, one in enumerate(more):
        if isinstance(one, Exception):
            raise one
        whole.append(combined(found[at], one) if found else one)
    return whole


def _by_round(measurement: Measurement) -> dict[int, float]:
    return {
        slot.round: session.median_ms
        for slot, session in zip(measurement.slots, measurement.sessions, strict=True)
    }
