"""Several devices at once: the candidates that more than one of them timed, and a choice for all.

Milliseconds of two devices are never averaged and never compared: a candidate is told with the
numbers of each, and the joint choice asks each device for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.choice import knee_at
from reports.sections import Section
from reports.wording import worse_than_bicubic
from search.front.dominance import pareto_front
from search.study.records import CandidateResult


@dataclass(frozen=True)
class Across:
    """One candidate over the devices.

    Attributes:
        results: of each device in the order of the sections; None where it was not timed there.
        ranks: by latency, 1 for the fastest, among the candidates that every device timed; None
            for what one of them did not.
    """

    key: str
    results: tuple[CandidateResult | None, ...]
    ranks: tuple[int | None, ...]

    @property
    def known(self) -> list[CandidateResult]:
        return [result for result in self.results if result is not None]

    @property
    def everywhere(self) -> bool:
        """Timed, judged and feasible on every device."""
        return all(r is not None and r.status == "ok" and r.feasible for r in self.results)

    @property
    def slowest_ms(self) -> float:
        """Its latency on the device on which it takes longest."""
        return max(result.latency_ms or 0.0 for result in self.known)

    @property
    def least_psnr_db(self) -> float:
        """Its PSNR on the device on which it has least: all run the same network."""
        return min(result.psnr_y_db or 0.0 for result in self.known)

    @property
    def worse_than_bicubic(self) -> bool:
        return any(worse_than_bicubic(result) for result in self.known)


@dataclass(frozen=True)
class Joint:
    """What is told of all devices at once.

    Attributes:
        rows: every candidate that at least two devices timed, those of all devices first.
        alone: how many were timed on one device only.
        chosen: the balanced one for all devices: the knee of the front over the slowest device's
            latency; None where nothing was judged on all of them, or nothing beats bicubic.
    """

    names: tuple[str, ...]
    rows: tuple[Across, ...]
    alone: int
    chosen: Across | None


def joint(sections: Sequence[Section]) -> Joint | None:
    """None where there is one device only, or no candidate that two of them timed."""
    if len(sections) < 2:
        return None
    timed = [{r.key: r for r in section.group.timed} for section in sections]
    keys = list(dict.fromkeys(key for found in timed for key in found))
    shared = [key for key in keys if sum(key in found for found in timed) > 1]
    if not shared:
        return None
    ranks = [_ranks(found, [k for k in keys if all(k in f for f in timed)]) for found in timed]
    rows = [
        Across(
            key,
            tuple(found.get(key) for found in timed),
            tuple(rank.get(key) for rank in ranks),
        )
        for key in shared
    ]
    rows.sort(key=lambda row: (None in row.results, row.slowest_ms))
    return Joint(
        names=tuple(section.name for section in sections),
        rows=tuple(rows),
        alone=len(keys) - len(shared),
        chosen=_chosen(rows),
    )


def _ranks(found: dict[str, CandidateResult], keys: Sequence[str]) -> dict[str, int]:
    order = sorted(keys, key=lambda key: found[key].latency_ms or 0.0)
    return {key: place for place, key in enumerate(order, 1)}


def _chosen(rows: Sequence[Across]) -> Across | None:
    fair = [row for row in rows if row.everywhere and not row.worse_than_bicubic]
    if not fair:
        return None
    places = [(row.slowest_ms, row.least_psnr_db) for row in fair]
    front = [fair[at] for at in pareto_front(places)]
    return front[knee_at([(row.slowest_ms, row.least_psnr_db) for row in front])]
