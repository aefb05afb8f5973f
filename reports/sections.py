"""A report's sections: one for each device profile of each run, never two in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.charts.front import FrontPlot, front_plot
from reports.choice import Choice, choose
from reports.effects import TargetEffects, effects
from reports.facts import ProfileGroup, StudyFacts
from reports.growth import FrontGrowth, growth
from reports.near_misses import NearMiss, near_misses
from reports.precisions import Family, families


@dataclass(frozen=True)
class Section:
    """One profile of one run, what is recommended there and what is learnt from it.

    `name` is the device in words; where several runs were made on one device, also the run. What
    is drawn and learnt is computed once, for all that show it.
    """

    name: str
    facts: StudyFacts
    group: ProfileGroup
    choice: Choice

    @cached_property
    def plot(self) -> FrontPlot | None:
        """What is drawn of it; None where no candidate was measured."""
        if not self.group.measured:
            return None
        return front_plot(self.group, self.choice, self.facts.limits)

    @cached_property
    def near_misses(self) -> list[NearMiss]:
        """What comes nearest to the limits; empty where one meets them, finetuned or not."""
        if self.choice.result is not None:
            return []
        return near_misses(self.group, self.facts.limits)

    @cached_property
    def families(self) -> list[Family]:
        """Configs that were measured in several precisions."""
        return families(self.group)

    @cached_property
    def effects(self) -> list[TargetEffects]:
        return effects(self.group)

    @cached_property
    def growth(self) -> FrontGrowth | None:
        return growth(self.group)


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
