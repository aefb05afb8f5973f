"""What a reader of the report does next: a sentence and the command that does it."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.wording import shell_line
from models.origin import WeightsOrigin
from reports.sections import Section
from reports.winner import Source, expected

_SLICES = (WeightsOrigin.SHIPPED, WeightsOrigin.TRAINED_HERE)


@dataclass(frozen=True)
class NextStep:
    """`why` is a clause that stands before the command."""

    why: str
    command: str


def next_steps(section: Section) -> list[NextStep]:
    """The commands in the order in which they make sense; empty where the run names none."""
    best, run = section.choice.result, str(section.facts.run_path)
    if best is None:
        return []
    steps = []
    if section.group.stand_in:
        steps.append(
            NextStep(
                "Measure on the phone that will run it, before you decide: see what is connected",
                "mobilesr-tune devices",
            )
        )
    if best.quality is not None and best.quality.origin in _SLICES:
        steps.append(
            NextStep(
                "Make its pictures better: train it and its neighbours on, each by itself",
                shell_line(["mobilesr-tune", "finetune", run, "--top", "3"]),
            )
        )
    told = expected(section.facts, section.group, best)
    if told.source is Source.SHRUNK or (told.fresh and told.source is not Source.FRESH):
        steps.append(
            NextStep(
                "Measure it anew, in sessions that took no part in its choice",
                shell_line(["mobilesr-tune", "confirm", run]),
            )
        )
    steps.append(NextStep("Take the recommended model away", section.choice.command))
    steps.append(NextStep("Or with all that an Android app needs", section.choice.delivery))
    return steps
