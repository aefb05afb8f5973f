"""What was left out of the front and why, and what disturbed the measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device_runner.flags import flag_words
from foundation.wording import amount, plain, shorten
from reports.facts import Limits, ProfileGroup
from reports.near_misses import misses_of
from reports.wording import candidate_code
from search.study.records import CandidateResult
from search.study.troubles import Trouble

REASON_LENGTH = 600


@dataclass(frozen=True)
class FlagCount:
    """A flag, what it means and asks for (`device_runner.flags.Flag`), and who carries it."""

    flag: str
    meaning: str
    advice: str
    doubtful: bool
    trials: tuple[int, ...]


@dataclass(frozen=True)
class LeftOut:
    """A candidate that has no place on the front by its nature: failed, stopped or infeasible."""

    trial: int
    code: str
    standing: str
    reason: str


_ENDED = {
    "back": "it was back after {:.0f} s",
    "gone": "it was given up after {:.0f} s",
    "stopped": "the search was stopped after {:.0f} s of waiting",
}


def trouble_words(troubles: Sequence[Trouble]) -> list[str]:
    """Each time that a device failed in the middle of a search, in a sentence."""
    return [
        shorten(
            f"{trouble.at:%Y-%m-%d %H:%M:%S}, {trouble.serial}"
            + (f", trial {trouble.trial}" if trouble.trial is not None else "")
            + f": {trouble.message}; {_ENDED[trouble.ended].format(trouble.after_s)}",
            REASON_LENGTH,
        )
        for trouble in troubles
    ]


def flag_counts(group: ProfileGroup) -> list[FlagCount]:
    """Every flag of the group: what makes a number doubtful before what says where it is from.

    Of each sort the commonest comes first.
    """
    trials: dict[str, list[int]] = {}
    for result in group.results:
        for flag in result.flags:
            trials.setdefault(flag, []).append(result.number)
    found = []
    for flag, numbers in trials.items():
        words = flag_words(flag)
        found.append(
            FlagCount(plain(flag), words.meaning, words.advice, words.doubtful, tuple(numbers))
        )
    return sorted(found, key=lambda one: (not one.doubtful, -len(one.trials), one.flag))


def left_out(group: ProfileGroup, limits: Limits) -> list[LeftOut]:
    """What cannot be on the front, with the reason of each."""
    found = []
    for result in group.results:
        if result.status == "ok" and result.feasible:
            continue
        standing = {"ok": "breaks a constraint"}.get(result.status, result.status)
        broken = "; ".join(_broken(result, limits))
        reason = shorten(result.reason, REASON_LENGTH) or broken or "no reason was recorded"
        found.append(LeftOut(result.number, candidate_code(result), standing, reason))
    return found


def _broken(result: CandidateResult, limits: Limits) -> list[str]:
    """Each limit that it breaks, also one that is not known here."""
    misses = misses_of(result, limits)
    known = {miss.constraint for miss in misses}
    return [miss.sentence for miss in misses] + [
        f"{plain(name)} exceeded by {amount(excess)}"
        for name, excess in result.constraint_violations.items()
        if excess > 0 and name not in known
    ]


def trials_in_words(trials: Sequence[int], most: int = 12) -> str:
    """`0, 3, 7` or `0, 3, 7 and 40 more`."""
    shown = ", ".join(map(str, trials[:most]))
    return shown if len(trials) <= most else f"{shown} and {len(trials) - most} more"
