"""Studies that nobody measured, for the tests of everything that shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from made_up_results import changed, result_of

from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from reports.compile import ReportFiles, write_report
from reports.facts import StudyFacts, gather
from reports.report import report_of
from search.study.records import CandidateResult, ImageQuality
from search.study.troubles import Trouble

PHONE = "phone-pixel-8-0a1b2c3d"
HOST_NOTE = "These are numbers of the host computer, not of a phone."
HOSTILE = "</script><img src=x onerror=alert(1)> | `x` \x1b[31m[bold]red[/bold] \u202eabc"

Measured = tuple[float, float]


def candidate(number: int, place: Measured | None = None, **known: Any) -> CandidateResult:
    """A candidate at (latency, PSNR); one that failed without a place."""
    config = MobileSRConfig(
        n_feats=16 + 8 * (number % 4),
        n_heads=4,
        ratios=(2, 2, 2),
        window_size=4 if number % 2 else 8,
    )
    deployment = Deployment(lr_height=180, lr_width=320)
    fields: dict[str, Any] = {
        "status": "failed",
        "device_serial": "38021FDJH00A",
        "profile_key": PHONE,
    }
    if place is not None:
        latency, psnr = place
        fields |= {
            "status": "ok",
            "parameters": 60_000 + 1000 * number,
            "latency_ms": latency,
            "latency_low_ms": latency * 0.98,
            "latency_high_ms": latency * 1.03,
            "first_run_ms": latency * 3,
            "load_ms": 12.5,
            "peak_memory_mb": 180.0 + latency,
            "max_abs_error": 2e-6,
            "psnr_y_db": psnr,
            "psnr_rgb_db": psnr - 1.9,
            "ssim_y": 0.88,
            "bicubic_psnr_y_db": 28.43,
            "measurement_file": f"measurements/trial-{number:05d}.json",
        }
    return result_of(number, Candidate(config, deployment), **(fields | known))


def images(*psnrs: float) -> tuple[ImageQuality, ...]:
    """Pictures of which bicubic upscaling has 28 dB each."""
    return tuple(
        ImageQuality(
            name=f"p{i}", psnr_y_db=psnr, psnr_rgb_db=psnr, ssim_y=0.9, bicubic_psnr_y_db=28.0
        )
        for i, psnr in enumerate(psnrs)
    )


def stopped(number: int, latency: float, **known: Any) -> CandidateResult:
    return changed(
        candidate(number, (latency, 0.0)),
        quality=None,
        status="stopped",
        reason="slower than 40 ms by 21 ms",
        constraint_violations={"latency_ms": latency - 40},
        **known,
    )


def study(*results: CandidateResult, **known: Any) -> StudyFacts:
    fields: dict[str, Any] = {
        "title": "MobileSR study nightly",
        "spec": {"device": "auto", "lr_size": [180, 320], "seed": 0, "trials": 14},
        "environment": {"python": "3.11", "packages": {"torch": "2.13.0"}},
        "command": ("/usr/bin/mobilesr-tune", "search", "--hr", "my photos/it's", "--seed", "0"),
        "run_path": Path("runs/my phone"),
    }
    return StudyFacts(list(results), **(fields | known))


def rich_study(**known: Any) -> StudyFacts:
    """A bit of everything: a front with a knee, ties, losers, stopped, failed, hostile words."""
    return study(
        candidate(0, (12.0, 28.9)),
        candidate(1, (18.5, 29.55)),
        candidate(2, (18.7, 29.52)),
        candidate(3, (31.0, 29.8), flags=("throttled", "low_battery")),
        candidate(4, (36.5, 29.95)),
        candidate(5, (30.0, 29.1)),
        candidate(6, (25.0, 29.3)),
        candidate(7, (52.0, 30.2), constraint_violations={"latency_ms": 12.0}),
        stopped(8, 61.0),
        stopped(9, 74.0),
        candidate(10, reason="the device answered wrongly: off by 0.3"),
        candidate(11, reason="the device answered wrongly: off by 0.3"),
        candidate(12, reason=HOSTILE),
        **({"spec": {"max_latency_ms": 40.0, "lr_size": [180, 320], "device": "auto"}} | known),
    )


def trouble(message: str, **known: Any) -> Trouble:
    """A device that went away for a while."""
    return Trouble(
        **{
            "at": datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC),
            "serial": "38021FDJH00A",
            "error": "DeviceLost",
            "message": message,
            "trial": 4,
            "ended": "back",
            "after_s": 12.3,
            **known,
        }
    )


def reported(run: Any) -> ReportFiles:
    """The report of one run, where it belongs."""
    return write_report(report_of([gather(run)]), run.report_folder)


@dataclass
class FakeRun:
    """What `reports` wants of a run directory, without one."""

    path: Path
    kept: StudyFacts
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def report_folder(self) -> Path:
        return self.path / "report"

    @property
    def troubles(self) -> Path:
        return self.path / "troubles.jsonl"

    @property
    def parts(self) -> list[Any]:
        return []

    def devices(self) -> list[dict[str, Any]]:
        return []

    def results(self) -> list[CandidateResult]:
        return self.kept.results

    def spec(self) -> dict[str, Any]:
        return dict(self.kept.spec)

    def facts(self) -> dict[str, Any]:
        return self.notes

    def environment(self) -> dict[str, Any]:
        return dict(self.kept.environment)
