"""What `devices --tune` found, kept on this host for each device profile."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from device_runner.device import ThreadChoice
from device_runner.records import DeviceProfile, ShortText
from foundation import RequestError, VersionedRecord
from foundation.places import state_folder


class TunedSetting(BaseModel):
    """One number of threads on some cores, and what the artifact took there.

    `cpus` is empty where the system chooses; `placement` says in a word which cores they are.
    The latency is corrected for the device's drift, its interval None where the setting was given
    up early; `failure` says why nothing was measured. `strip_kb` is set where strips were compared:
    the kB of cache that the artifact's are cut for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(ge=1, le=4096)
    cpus: tuple[int, ...] = Field(default=(), max_length=4096)
    placement: ShortText
    strip_kb: int | None = Field(default=None, ge=0)
    latency_ms: float | None = Field(default=None, gt=0)
    low_ms: float | None = None
    high_ms: float | None = None
    sessions: int = Field(default=0, ge=0)
    failure: ShortText = ""


class TuningReport(VersionedRecord):
    """A sweep over threads and cores on one device; `chosen` is an index into `settings`.

    `strips` are the same model cut for several sizes of cache, and `strip_kb` the size that won;
    empty and None where the model was given in one form only.
    """

    kind: ClassVar[str] = "tuning"
    version: ClassVar[int] = 2
    # Version 1 knew nothing of strips.
    also_reads: ClassVar[tuple[int, ...]] = (1,)

    profile: DeviceProfile
    serial: ShortText
    candidate_key: str
    artifact_sha256: str
    settings: tuple[TunedSetting, ...] = Field(min_length=1)
    chosen: int = Field(ge=0)
    why: str
    flags: tuple[str, ...]
    tuned_at: datetime
    strips: tuple[TunedSetting, ...] = ()
    strip_kb: int | None = Field(default=None, ge=0)

    @property
    def best(self) -> TunedSetting:
        """The chosen setting."""
        return self.settings[min(self.chosen, len(self.settings) - 1)]


def tuning_file(profile: DeviceProfile) -> Path:
    """Where a profile's report lies: `$XDG_STATE_HOME/mobilesr-tune/tuning`."""
    return state_folder() / "tuning" / f"{profile.key}.json"


def remember(report: TuningReport) -> Path:
    """Keep a report for its profile, instead of an older one. Raises `RequestError`."""
    path = tuning_file(report.profile)
    report.save(path)
    return path


def tuned_choice(profile: DeviceProfile) -> ThreadChoice | None:
    """The threads and cores that this profile was tuned to; None where it never was.

    A file that is damaged, or of another version, counts as none: tuning anew replaces it.
    """
    report = _remembered(profile)
    if report is None:
        return None
    best = report.best
    cores = f" on {best.placement} cores" if best.cpus else ""
    why = f"tuned on {report.tuned_at:%Y-%m-%d}: the fewest as fast as any{cores}"
    return ThreadChoice(best.threads, why, best.cpus)


def tuned_strip_kb(profile: DeviceProfile) -> int | None:
    """The kB of cache that models for this profile are best cut for; None where nobody tried."""
    report = _remembered(profile)
    return None if report is None else report.strip_kb


def _remembered(profile: DeviceProfile) -> TuningReport | None:
    path = tuning_file(profile)
    if not path.is_file():
        return None
    try:
        return TuningReport.load(path)
    except RequestError:
        return None
