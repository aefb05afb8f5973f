"""What `bench` says of one artifact on one device, or of two side by side: a table, or JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from device_runner.device import PushTotals
from device_runner.flags import Flag, flag_sentence
from device_runner.launching.repeats import repeats_of
from device_runner.measuring import compare_together
from device_runner.measuring.comparing import rounds_of
from device_runner.records import Measurement
from device_runner.statistics import Comparison
from device_runner.statistics.power import detectable_difference
from foundation import Artifact
from foundation.console import out

_NOT_TOLD = "not told by this runner"


@dataclass(frozen=True)
class BenchResult:
    """One measurement, or two of the same rounds, and what it took to have all on the device.

    Attributes:
        level: that a p-value must keep to, where one might have stopped earlier.
        most: rounds that might have been run.
    """

    measurements: tuple[Measurement, ...]
    pushed: PushTotals | None
    level: float = 0.05
    most: int = 0

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the runner does not tell, as the session's record names it."""
        return tuple(dict.fromkeys(n for one in self.measurements[0].sessions for n in one.unknown))

    @property
    def comparison(self) -> Comparison | None:
        """The first's latency over the second's, where there is a second."""
        if len(self.measurements) < 2:
            return None
        return compare_together(*self.measurements, confidence=1 - self.level)

    @property
    def detectable(self) -> float:
        """The least difference, as a share, that so many rounds find here in 95 cases of 100."""
        ours, theirs = rounds_of(*self.measurements)
        return detectable_difference(np.log(ours) - np.log(theirs), alpha=self.level)

    def to_dict(self, artifacts: Sequence[Artifact]) -> dict[str, Any]:
        """JSON-ready form."""
        measurement, artifact = self.measurements[0], artifacts[0]
        found = repeats_of(measurement.sessions)
        facts: dict[str, Any] = {
            "measurement": measurement.to_dict(),
            "delegated_ops": artifact.manifest.delegated_op_count,
            "undelegated_ops": artifact.manifest.undelegated_op_count,
            "note": measurement.device.stand_in_note,
            "pushed": self.pushed.to_dict() if self.pushed is not None else None,
            "unknown": list(self.unknown),
            "repeats": None if found is None else dataclasses.asdict(found),
        }
        against = self.comparison
        if against is not None:
            bounded = math.isfinite(against.interval.high)
            facts["against"] = {
                "measurement": self.measurements[1].to_dict(),
                "ratio": against.ratio,
                "low": against.interval.low if bounded else None,
                "high": against.interval.high if bounded else None,
                "p_value": against.p_value,
                "level": self.level,
                "differs": against.differs(self.level),
                "rounds": against.sessions,
                "rounds_at_most": max(self.most, against.sessions),
                "method": against.method,
                "detectable": self.detectable if math.isfinite(self.detectable) else None,
            }
        return facts


def show(artifacts: Sequence[Artifact], result: BenchResult) -> None:
    """Print the tables, and below them what there is to know."""
    measurement = result.measurements[0]
    for artifact, one in zip(artifacts, result.measurements, strict=True):
        out.print(_table(artifact, one))
    if result.comparison is not None:
        out.say(_verdict(result, result.comparison))
    for flag in dict.fromkeys(flag for one in result.measurements for flag in one.flags):
        out.say(flag_sentence(flag))
    if result.unknown:
        out.say(f"Nothing is known of: {', '.join(result.unknown)}.")
    if result.pushed is not None:
        out.say(result.pushed.sentence(measurement.serial))
    if measurement.device.stand_in_note:
        out.say(measurement.device.stand_in_note)


def _verdict(result: BenchResult, found: Comparison) -> str:
    """Which of the two is faster, by how much and how surely."""
    first, second = (one.candidate_key for one in result.measurements)
    if found.method == "too-few":
        return f"{found.sessions} rounds cannot tell them apart: give --sessions 9 or more."
    low, high = (f"{value:.3f}" for value in (found.interval.low, found.interval.high))
    sure = f"ratio {found.ratio:.3f}, 95 % interval {low} to {high}, p = {found.p_value:.2g}"
    if result.most > found.sessions:
        sure += f" after {found.sessions} of {result.most} rounds"
    least = _surely_found(found.sessions, result.detectable, slower=found.ratio > 1)
    if not found.differs(result.level):
        return f"No difference can be claimed between {first} and {second} ({sure}). {least}"
    which = "slower" if found.ratio > 1 else "faster"
    share = 100 * abs(found.ratio - 1)
    return f"{first} is {share:.1f} % {which} than {second} ({sure}). {least}"


def _surely_found(rounds: int, slowdown: float, *, slower: bool) -> str:
    """What such a comparison seldom misses, on the side on which this one lies."""
    if not math.isfinite(slowdown):
        return f"{rounds} rounds are too few to be sure to find any difference."
    # The same ratio the other way round is fewer percent.
    share = slowdown if slower else slowdown / (1 + slowdown)
    which = "slower" if slower else "faster"
    return (
        f"{rounds} rounds find {100 * share:.1f} % {which} or more in 95 cases of 100, if nothing "
        "disturbs them much worse than these."
    )


def _table(artifact: Artifact, measurement: Measurement) -> Table:
    estimate, verification = measurement.estimate, measurement.verification
    manifest = artifact.manifest
    confidence = f"{100 * measurement.plan.confidence:g} % interval"
    if Flag.FEW_SESSIONS in measurement.flags:
        confidence = "range of the sessions"
    table = Table(
        title=Text(f"{manifest.candidate_key} on {measurement.serial}"), show_header=False
    )
    unit = " of 255" if manifest.takes_pixels else ""
    rows = {
        "load": _or_not_told(estimate.load_ms, "{:.2f} ms"),
        "first run": _or_not_told(estimate.first_run_ms, "{:.2f} ms"),
        "median": f"{estimate.latency_ms:.2f} ms",
        confidence: f"{estimate.latency_low_ms:.2f} to {estimate.latency_high_ms:.2f} ms",
        "p10 / p90": f"{estimate.p10_ms:.2f} / {estimate.p90_ms:.2f} ms",
        "peak memory": _or_not_told(estimate.peak_memory_mb, "{:.1f} MB"),
        "sessions, iterations": f"{estimate.sessions}, {estimate.iterations}",
        "threads": str(measurement.threads),
        "delegated ops": str(manifest.delegated_op_count),
        "undelegated ops": str(manifest.undelegated_op_count),
        "max abs error": f"{verification.max_abs_error:.3g}{unit} "
        f"(allowed {verification.tolerance:.3g})",
        "outputs": _repeats(measurement),
        "flags": ", ".join(measurement.flags) or "none",
        "device": f"{measurement.device.model}, {measurement.device.soc}",
        "runtime": f"{measurement.device.runtime}, {measurement.device.runner}",
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table


def _repeats(measurement: Measurement) -> str:
    found = repeats_of(measurement.sessions)
    return _NOT_TOLD if found is None else found.in_words()


def _or_not_told(value: float | None, words: str) -> str:
    return _NOT_TOLD if value is None else words.format(value)
