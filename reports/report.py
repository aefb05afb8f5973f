"""`Report`: what is reported on, and what all that show it share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.agreement import Agreement, agreements
from reports.facts import StudyFacts
from reports.sections import Section, sections_of


@dataclass(frozen=True)
class Report:
    """The studies as asked for, and their sections."""

    studies: tuple[StudyFacts, ...]
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        if len(self.studies) == 1:
            return self.studies[0].title
        return "MobileSR studies " + ", ".join(facts.name for facts in self.studies)

    @cached_property
    def agreements(self) -> list[Agreement]:
        """How far every two sections agree; empty where there is only one."""
        return agreements(self.sections)


def report_of(studies: Sequence[StudyFacts]) -> Report:
    """The report of one or several studies."""
    return Report(tuple(studies), sections_of(studies))
