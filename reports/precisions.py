"""Configs that were measured in several precisions: what each costs and gains beside the first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from models.deployment import Precision
from reports.facts import ProfileGroup
from search.study.records import CandidateResult

# The first of these that a family has is what the others are held against.
_ORDER: tuple[Precision, ...] = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class Family:
    """One config, deployed alike but for the precision; `members` are two or more, fp32 first."""

    members: tuple[CandidateResult, ...]

    @property
    def reference(self) -> CandidateResult:
        """What the others are held against: fp32, where it was measured."""
        return self.members[0]

    def times_as_fast(self, member: CandidateResult) -> float | None:
        """As the reference, by the medians of both."""
        if not member.latency_ms or not self.reference.latency_ms:
            return None
        return self.reference.latency_ms / member.latency_ms

    def difference_db(self, member: CandidateResult) -> float | None:
        """PSNR on Y above the reference's, on the same pictures."""
        if member.psnr_y_db is None or self.reference.psnr_y_db is None:
            return None
        return member.psnr_y_db - self.reference.psnr_y_db


def families(group: ProfileGroup) -> list[Family]:
    """The families among what was measured, in the order in which they were begun."""
    alike: dict[str, list[CandidateResult]] = defaultdict(list)
    for result in group.measured:
        deployment = result.deployment.model_copy(update={"precision": "fp32"})
        alike[f"{result.config.key} {deployment.key}"].append(result)
    return [
        Family(tuple(sorted(members, key=lambda one: _ORDER.index(one.deployment.precision))))
        for members in alike.values()
        if len(members) > 1
    ]
