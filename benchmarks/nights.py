"""What the benchmarks of measuring share: simulated nights, our way of comparing, the naive way.

A night is a phone in a state of its own: the room has 24 to 34 degrees, and the phone comes from
whatever ran before with 30 to 48 degrees, so that some nights begin throttled and all warm up
further while measured. The phone is `sim:pixel` otherwise; where its numbers come from stands in
`device_runner/devices/simulated/presets.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.stats

from device_runner import (
    Device,
    Measurement,
    MeasurementFailed,
    MeasurePlan,
    RunRequest,
    TimingPlan,
)
from device_runner.devices.simulated import PRESETS, SimulatedDevice
from device_runner.measuring import Gate, measure_together
from device_runner.statistics.paired import Comparison, paired_ratio
from device_runner.statistics.sequential import LookPlan, decide
from foundation import Artifact

# What a naive script calls a change: half of the slowdown that is to be found.
NAIVE_THRESHOLD = 0.015
TIMING = TimingPlan(min_iterations=10, min_time_s=1.0)
# As `bench --against --sessions 30` has it.
LOOKS = LookPlan.up_to(30)


def phone_of_night(seed: int) -> SimulatedDevice:
    """The rack's phone as one night finds it."""
    rng = np.random.default_rng([seed, 24])
    ambient_c, start_c = float(rng.uniform(24, 34)), float(rng.uniform(30, 48))
    pixel = PRESETS["pixel"]
    heat = replace(pixel.heat, ambient_c=ambient_c, start_c=start_c)
    return SimulatedDevice(replace(pixel, name="rack", heat=heat), seed=seed)


@dataclass(frozen=True)
class Found:
    """One comparison: first over second, whether it is claimed, and what it cost."""

    ratio: float
    differs: bool
    sessions: int
    device_s: float

    @property
    def slower(self) -> bool:
        """Whether the first is claimed to be slower."""
        return self.differs and self.ratio > 1


def _found(comparison: Comparison, differs: bool, device_s: float) -> Found:
    return Found(comparison.ratio, differs, comparison.sessions, device_s)


def _rounds(
    device: Device, pair: list[Artifact], sessions: int, threads: int, seed: int, gate: Gate
) -> list[list[float]]:
    plan = MeasurePlan(sessions=sessions, threads=threads, timing=TIMING, seed=seed)
    return medians_ms(measure_together(device, pair, plan, gate=gate))


def medians_ms(found: Sequence[Measurement | MeasurementFailed]) -> list[list[float]]:
    """Each artifact's sessions, round by round; a failure ends the benchmark."""
    rows = []
    for one in found:
        if isinstance(one, MeasurementFailed):
            raise one
        rows.append([session.median_ms for session in one.sessions])
    return rows


def compare_fixed(
    device: Device, pair: list[Artifact], *, sessions: int, seed: int, alpha: float = 0.05
) -> Found:
    """Our way, with a number of sessions that was set beforehand."""
    began_s, gate = device.clock.monotonic_s(), Gate(device, MeasurePlan().cooldown_s)
    threads = device.suggest_threads().threads
    with device.lease(600):
        first, second = _rounds(device, pair, sessions, threads, seed, gate)
    comparison = paired_ratio(first, second, confidence=1 - alpha)
    return _found(comparison, comparison.differs(alpha), device.clock.monotonic_s() - began_s)


def compare_sequential(device: Device, pair: list[Artifact], *, seed: int) -> Found:
    """Our way, stopping at the first planned look that tells the two apart."""
    began_s, gate = device.clock.monotonic_s(), Gate(device, MeasurePlan().cooldown_s)
    threads = device.suggest_threads().threads
    first: list[float] = []
    second: list[float] = []
    with device.lease(600):
        for look in LOOKS.looks:
            more = _rounds(device, pair, look - len(first), threads, 1000 * seed + look, gate)
            first += more[0]
            second += more[1]
            decision = decide(LOOKS, first, second)
            if not decision.go_on:
                break
    return _found(decision.comparison, decision.differs, device.clock.monotonic_s() - began_s)


def compare_fairly(device: Device, pair: list[Artifact], seconds: float, seed: int) -> Found:
    """A rival that knows what it does: short launches of both in turn, Welch's t over launches.

    The order is drawn anew for each pair, nothing is corrected or waited for, and it may use as
    much device time as ours did.
    """
    began_s = device.clock.monotonic_s()
    rng = np.random.default_rng([seed, 77])
    medians: list[list[float]] = [[], []]
    with device.lease(600):
        while device.clock.monotonic_s() - began_s < seconds:
            for place in rng.permutation(2):
                times = iterations_ms(device, pair[place], TIMING.min_time_s)
                medians[place].append(float(np.median(times)))
    took_s = device.clock.monotonic_s() - began_s
    logs = [np.log(row) for row in medians]
    p_value = float(scipy.stats.ttest_ind(*logs, equal_var=False).pvalue)
    ratio = float(np.exp(logs[0].mean() - logs[1].mean()))
    return Found(ratio, p_value <= 0.05, len(medians[0]), took_s)


def iterations_ms(device: Device, artifact: Artifact, seconds: float) -> np.ndarray:
    """The naive measurement: one launch, no gate, iterations for so many seconds."""
    request = RunRequest(
        artifact,
        (artifact.check_input_path,),
        threads=device.suggest_threads().threads,
        timing=TimingPlan(min_iterations=10, min_time_s=seconds),
        timeout_s=1e6,
    )
    session = device.run(request).session
    assert session is not None
    return np.array(session.iteration_ns) / 1e6


def compare_naively(
    device: Device, pair: list[Artifact], seconds: float, seed: int
) -> tuple[Found, Found]:
    """Means of N iterations of one, then of the other, in `seconds` of device time.

    Which of them comes first is a coin: on a phone that warms up, the second looks slower.

    Claimed twice over: by Welch's t over all iterations at 5 %, and beyond `NAIVE_THRESHOLD`.
    """
    began_s = device.clock.monotonic_s()
    with device.lease(600):
        times = {
            place: iterations_ms(device, pair[place], seconds / 2)
            for place in np.random.default_rng([seed, 78]).permutation(2)
        }
        today, baseline = times[0], times[1]
    took_s = device.clock.monotonic_s() - began_s
    ratio = float(today.mean() / baseline.mean())
    p_value = float(scipy.stats.ttest_ind(today, baseline, equal_var=False).pvalue)
    return (
        Found(ratio, p_value <= 0.05, 1, took_s),
        Found(ratio, abs(ratio - 1) > NAIVE_THRESHOLD, 1, took_s),
    )


def share(count: int, of: int) -> str:
    """A count as a share with its exact 95 % interval (Clopper and Pearson 1934)."""
    interval = scipy.stats.binomtest(count, of).proportion_ci(0.95)
    return (
        f"{count}/{of} = {100 * count / of:.1f} % "
        f"(95 %: {100 * interval.low:.1f} to {100 * interval.high:.1f})"
    )


def artifact_folder(base: str) -> Path:
    """Where the synthetic artifacts' few bytes lie."""
    return Path(base) / "synthetic"
