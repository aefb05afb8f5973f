"""What a candidate is shown as, in words and as a mark, wherever it is shown."""

from __future__ import annotations

from reports.choice import Choice
from reports.facts import ProfileGroup
from search.study.records import CandidateResult

NAMES = {
    "chosen": "Chosen",
    "front": "On the front",
    "tie": "Behind by less than the intervals tell: a tie",
    "behind": "Behind the front",
    "infeasible": "Breaks a constraint",
    "stopped": "Stopped before quality (no PSNR: on the bottom edge)",
}
STANDINGS = {**NAMES, "tie": "Tie", "stopped": "Stopped", "failed": "Failed"}
LEGEND = {
    **NAMES,
    "staircase": "Best PSNR within a latency",
    "family": "One config in several precisions",
    "bicubic": "Bicubic upscaling",
    "limit": "Constraint",
}

_DISC = "M-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0-{d} 0z"
# Paths around the origin, in a box of 16.
MARKS = {
    "chosen": "M0-9 2.4-2.8 9-2.8 3.6 1.2 5.6 8 0 4-5.6 8-3.6 1.2-9-2.8-2.4-2.8z",
    "front": _DISC.format(r=5, d=10),
    "tie": _DISC.format(r=5, d=10) + _DISC.format(r=1, d=2),
    "behind": _DISC.format(r=4, d=8),
    "infeasible": "M-4.5-4.5 4.5 4.5M4.5-4.5-4.5 4.5",
    "failed": "M-5 0H5",
    "stopped": "M0-7V7",
    "staircase": "M-8 5H0V-5H8",
    "family": "M-8 4L8-4",
    "bicubic": "M-8 0H8",
    "limit": "M-8 0H8",
}


def role_of(result: CandidateResult, group: ProfileGroup, choice: Choice) -> str:
    """What a candidate is shown as: a key of `STANDINGS`."""
    if result.status != "ok":
        return result.status
    if choice.is_of(result):
        return "chosen"
    if any(result is member for member in group.front):
        return "front"
    if not result.feasible:
        return "infeasible"
    return "tie" if result.number in group.undecided_numbers else "behind"
