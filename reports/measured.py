"""What a run measured of a candidate, as it travels with the exported file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from device_runner import Measurement
from device_runner.flags import flag_sentence
from models.measured import Measured
from reports.facts import gather
from reports.winner import expected, made_by_finetuning
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory


def measured_of(run: RunDirectory, result: CandidateResult) -> Measured | None:
    """What the run knows of the speed and the pictures of a candidate; None where it was not timed.

    Raises:
        RequestError: the run's records are damaged.
    """
    timing, quality = result.timing, result.quality
    if timing is None or result.artifact is None:
        return None
    facts = gather(run)
    group = next((one for one in facts.groups if one.profile_key == result.profile_key), None)
    device = group.device if group else ""
    told = expected(facts, group, result) if group else None
    made = made_by_finetuning(facts, result)
    timed = made.before if made is not None and made.latency_is_the_trials else result
    doubts = told.fresh.doubts if told and told.fresh else []
    return Measured(
        artifact_sha256=result.artifact.sha256,
        run=run.path.resolve().name,
        trial=result.number,
        device=device or result.device_serial,
        stand_in_note=result.stand_in_note,
        timed_sha256=timed.artifact.sha256 if timed is not result and timed.artifact else "",
        when=_when(timed.finished_at),
        pictures_when=_when(result.finished_at) if timed is not result else "",
        threads=_threads(run.path / timing.measurement_file),
        latency_ms=timing.latency_ms,
        latency_low_ms=timing.latency_low_ms,
        latency_high_ms=timing.latency_high_ms,
        sessions=timing.sessions,
        first_run_ms=timing.first_run_ms,
        load_ms=timing.load_ms,
        peak_memory_mb=timing.peak_memory_mb,
        psnr_y_db=quality.psnr_y_db if quality else None,
        bicubic_psnr_y_db=quality.bicubic_psnr_y_db if quality else None,
        pictures=len(quality.images) if quality else 0,
        latency_notes=told.sentences if told else (),
        flags=(
            *map(flag_sentence, result.flags),
            *(f"of the fresh sessions, {flag_sentence(flag)}" for flag in doubts),
        ),
    )


def _when(finished_at: str) -> str:
    """`2026-11-26 23:39 UTC`; empty where the record does not say."""
    try:
        return f"{datetime.fromisoformat(finished_at).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return ""


def _threads(measurement: Path) -> int | None:
    """How many the measurement ran with; None where its file is gone."""
    return Measurement.load(measurement).threads if measurement.is_file() else None
