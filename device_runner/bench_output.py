"""What `bench` says of one artifact on one device: a table, or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.markup import escape
from rich.table import Table

from device_runner.device import PushTotals
from device_runner.records import Measurement
from foundation import Artifact
from foundation.console import out

_NOT_TOLD = "not told by this runner"


@dataclass(frozen=True)
class BenchResult:
    """A measurement, and what it took to have everything on the device."""

    measurement: Measurement
    pushed: PushTotals | None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the runner does not tell, as the session's record names it."""
        return tuple(dict.fromkeys(n for one in self.measurement.sessions for n in one.unknown))

    def to_dict(self, artifact: Artifact) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "measurement": self.measurement.to_dict(),
            "delegated_ops": artifact.manifest.delegated_op_count,
            "undelegated_ops": artifact.manifest.undelegated_op_count,
            "note": self.measurement.device.stand_in_note,
            "pushed": self.pushed.to_dict() if self.pushed is not None else None,
            "unknown": list(self.unknown),
        }


def show(artifact: Artifact, result: BenchResult) -> None:
    """Print the table, and below it what there is to know."""
    measurement = result.measurement
    out.print(_table(artifact, measurement))
    if result.unknown:
        out.print(
            "The stock executor_runner has no warm-up of its own and tells neither memory nor load "
            f"times. Nothing is known of: {', '.join(result.unknown)}.",
            markup=False,
        )
    if result.pushed is not None:
        out.print(result.pushed.sentence(measurement.serial), markup=False)
    if measurement.device.stand_in_note:
        out.print(measurement.device.stand_in_note)


def _table(artifact: Artifact, measurement: Measurement) -> Table:
    estimate, verification = measurement.estimate, measurement.verification
    manifest = artifact.manifest
    confidence = f"{100 * measurement.plan.confidence:g} % interval"
    if "few_sessions" in measurement.flags:
        confidence = "range of the sessions"
    table = Table(
        title=escape(f"{manifest.candidate_key} on {measurement.serial}"), show_header=False
    )
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
        "max abs error": f"{verification.max_abs_error:.3g} (allowed {verification.tolerance:.3g})",
        "flags": ", ".join(measurement.flags) or "none",
        "device": f"{measurement.device.model}, {measurement.device.soc}",
        "runtime": f"{measurement.device.runtime}, {measurement.device.runner}",
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table


def _or_not_told(value: float | None, words: str) -> str:
    return _NOT_TOLD if value is None else words.format(value)
