"""Where nothing meets the limits: which candidates come nearest, and how far each misses."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.wording import amount, ms, number, percent
from reports.facts import Limits, ProfileGroup
from search.study.records import CandidateResult

SHOWN = 10


@dataclass(frozen=True)
class Miss:
    """One limit that a candidate breaks.

    Attributes:
        constraint: as in `CandidateResult.constraint_violations`.
        value, limit, excess: in the constraint's own unit; `excess` is above zero.
    """

    constraint: str
    value: float
    limit: float
    excess: float

    @property
    def share(self) -> float:
        """The excess as a share of the limit: what makes two constraints comparable."""
        return self.excess / abs(self.limit) if self.limit else float("inf")

    @property
    def sentence(self) -> str:
        """`latency 43.0 ms, 3.00 ms (8 %) over the limit of 40 ms`."""
        name, unit = _WORDS[self.constraint]
        if self.constraint == "psnr_y_db":
            return (
                f"{name} {number(self.value, 2)} {unit}, {amount(self.excess)} {unit} below the "
                f"limit of {self.limit:g} {unit}"
            )
        return (
            f"{name} {ms(self.value)} {unit}, {amount(self.excess)} {unit} ({percent(self.share)}) "
            f"over the limit of {self.limit:g} {unit}"
        )


_WORDS = {
    "latency_ms": ("latency", "ms"),
    "memory_mb": ("peak memory", "MB"),
    "psnr_y_db": ("PSNR", "dB"),
}


@dataclass(frozen=True)
class NearMiss:
    """A candidate that was measured and breaks a limit; the worst miss first."""

    result: CandidateResult
    misses: tuple[Miss, ...]


def near_misses(group: ProfileGroup, limits: Limits) -> list[NearMiss]:
    """Up to `SHOWN` candidates, the nearest first; empty where one meets all limits.

    A candidate that was stopped for its latency was never judged: its PSNR may be a miss too.
    """
    if group.front:
        return []
    found = [
        NearMiss(result, tuple(sorted(misses, key=lambda miss: -miss.share)))
        for result in group.results
        if (misses := misses_of(result, limits))
    ]
    return sorted(found, key=lambda one: (one.misses[0].share, one.result.number))[:SHOWN]


def misses_of(result: CandidateResult, limits: Limits) -> list[Miss]:
    """The limits that a candidate breaks, of those whose value is known."""
    known = {
        "latency_ms": (result.latency_ms, limits.max_latency_ms),
        "memory_mb": (result.peak_memory_mb, limits.max_memory_mb),
        "psnr_y_db": (result.psnr_y_db, limits.min_psnr_db),
    }
    found = []
    for constraint, excess in result.constraint_violations.items():
        value, limit = known.get(constraint, (None, None))
        if excess > 0 and value is not None:
            given = value - excess if constraint != "psnr_y_db" else value + excess
            found.append(Miss(constraint, value, given if limit is None else limit, excess))
    return found
