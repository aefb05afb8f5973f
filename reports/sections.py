"""A report's sections: one for each device profile of each run, never two in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.choice import Choice, choose
from reports.effects import TargetEffects, effects
from reports.facts import ProfileGroup, StudyFacts
from reports.progress import Progress, progress


@dataclass(frozen=True)
class Section:
    """One profile of one run, what is recommended there and what is learnt from it.

    `name` is the device in words; where several runs were made on one device, also the run.
    """

    name: str
    facts: StudyFacts
    group: ProfileGroup
    choice: Choice

    @cached_property
    def effects(self) -> list[TargetEffects]:
        return effects(self.group)

    @cached_property
    def progress(self) -> Progress | None:
        return progress(self.group)


def sections_of(studies: Sequence[StudyFacts]) -> tuple[Section, ...]:
    """The sections in the order of the runs. Two runs never share a front, even on one device:
    their weights, their images and their day may differ."""
    pairs = [(facts, group) for facts in studies for group in facts.groups]
    how_often = Counter(group.device for _, group in pairs)
    return tuple(
        Section(
            group.device if how_often[group.device] == 1 else f"{group.device}, run {facts.name}",
            facts,
            group,
            choose(facts, group),
        )
        for facts, group in pairs
    )


@dataclass(frozen=True)
class Report:
    """What is reported on: the studies as asked for, and their sections."""

    studies: tuple[StudyFacts, ...]
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        if len(self.studies) == 1:
            return self.studies[0].title
        return "MobileSR studies " + ", ".join(facts.name for facts in self.studies)


def report_of(studies: Sequence[StudyFacts]) -> Report:
    """The report of one or several studies."""
    return Report(tuple(studies), sections_of(studies))
