"""How a study uses its devices: threads, CPUs, caches; chosen once, kept for good."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from device_runner import Device, MeasurePlan, TimingPlan
from foundation.records import VersionedRecord
from search.request import SearchRequest

FILE_NAME = "placement.json"


class Placement(VersionedRecord):
    """Threads and CPUs of every session of a study; no CPUs leave it to the device.

    `strip_kb` is the cache that the study's models are cut for; None where it began before they
    could be.
    """

    kind: ClassVar[str] = "placement"
    version: ClassVar[int] = 1

    threads: int = Field(ge=1, le=1024)
    cpus: tuple[int, ...] = ()
    why: str
    strip_kb: int | None = Field(default=None, ge=0)


def measure_plan(request: SearchRequest, placement: Placement, seed: int = 0) -> MeasurePlan:
    """How each candidate of a study is timed, while it is searched and ever after."""
    return MeasurePlan(
        sessions=request.sessions,
        threads=placement.threads,
        cpus=placement.cpus,
        timeout_s=request.session_timeout_s,
        timing=TimingPlan(min_iterations=request.min_iterations, min_time_s=request.min_time_s),
        seed=seed,
    )


def placement_of(
    folder: Path, device: Device, threads: int | None, strip_kb: int | None = None
) -> Placement:
    """What the study in `folder` began with; at its beginning `threads`, or the device's word.

    `strip_kb` is kept in the same way.

    A device that is tuned between a study and its resumption would suggest something else, and
    results of the two would not compare.

    Raises:
        RequestError: the file is damaged, or cannot be written.
        foundation.DeviceFailure: the device does not answer.
    """
    path = folder / FILE_NAME
    if path.is_file():
        return Placement.load(path)
    if threads is not None:
        chosen = Placement(threads=threads, why="as asked for", strip_kb=strip_kb)
    else:
        choice = device.suggest_threads()
        chosen = Placement(
            threads=choice.threads, cpus=choice.cpus, why=choice.why, strip_kb=strip_kb
        )
    chosen.save(path)
    return chosen
