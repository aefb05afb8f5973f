"""One claim beside what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A line of the table; `holds` is False where the goal is missed, True where there is none."""

    claim: str
    under: str
    goal: str
    measured: str
    holds: bool = True


# What can be measured by itself: one line of the table, or a few that share their measurements.
Line = Callable[[], list[Claim]]


def at_most(claim: str, under: str, goal: float, found: float, words: str = "{:.3f}") -> Claim:
    """A claim that something is no more than the goal."""
    return Claim(claim, under, "<= " + words.format(goal), words.format(found), found <= goal)


def at_least(claim: str, under: str, goal: float, found: float, words: str = "{:.3f}") -> Claim:
    """A claim that something is no less than the goal."""
    return Claim(claim, under, ">= " + words.format(goal), words.format(found), found >= goal)


def told(claim: str, under: str, found: str) -> Claim:
    """What is measured without a goal."""
    return Claim(claim, under, "", found)
