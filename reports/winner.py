"""What to expect of one that was picked for being fast: it looks faster than it is.

By fresh sessions of its graph (`confirm`, and those after finetuning) where they know it about as
well as those it was chosen by; else drawn towards its near ties. It says which, and where what was
measured at different times does not agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from device_runner.flags import flag_words
from foundation.wording import count_of, ms, plain
from reports.facts import Limits, ProfileGroup, StudyFacts, latency_interval
from reports.wording import interval
from search.study.finetuned import FinetunedResult
from search.study.records import CandidateResult


class Source(StrEnum):
    """Where the latency that one should expect comes from."""

    FRESH = "fresh sessions"
    SHRUNK = "drawn towards its near ties"
    # Alone, or so well known that drawing it towards others makes no difference worth a word.
    AS_CHOSEN = "the sessions it was chosen by"


# By how much wider the interval of fresh sessions may be. Those that chose are off by their own
# error and by the luck of being picked, about once to twice that: fresh ones may err by twice it.
_VAGUE = 2.0
# What is known to so much is never vague, as a ratio of the interval's ends: of a few sessions the
# width is luck as well.
_WELL_KNOWN = 1.25


@dataclass(frozen=True)
class Fresh:
    """A graph by sessions that took no part in any choice.

    Attributes:
        result: by all of them; by the latest measurement where they do not go together.
        alone: by each measurement, the earliest first.
        disagrees: whether these, and what it was chosen by, lie further apart than the intervals
            of two of them; None where that is not known.
    """

    result: CandidateResult
    alone: tuple[CandidateResult, ...]
    disagrees: bool | None

    @property
    def doubts(self) -> list[str]:
        """The flags by which it may be off."""
        return [plain(flag) for flag in self.result.flags if flag_words(flag).doubtful]


@dataclass(frozen=True)
class Expected:
    """The latency to expect of a candidate, ms; the interval and `sessions` where it was measured.

    `fresh` is what fresh sessions said, whether or not it is told by them. `sentences` are what
    there is to say of it, the weightiest first.
    """

    source: Source
    latency_ms: float | None
    latency_low_ms: float | None = None
    latency_high_ms: float | None = None
    sessions: int | None = None
    fresh: Fresh | None = None
    sentences: tuple[str, ...] = ()


def fresh_of(facts: StudyFacts, result: CandidateResult) -> Fresh | None:
    """What fresh sessions say of the graph of a candidate; None where there were none.

    Whatever its weights were then: how long a graph takes does not depend on them.
    """
    alone = tuple(one for one in facts.anew if one.timing and one.same_graph(result))
    if not alone:
        return None
    together = facts.speeds.together(alone) if len(alone) > 1 else None
    return Fresh(alone[-1] if together is None else together, alone, _disagree((result, *alone)))


def expected(facts: StudyFacts, group: ProfileGroup, result: CandidateResult) -> Expected:
    """What to expect of a candidate that was picked from `group`."""
    fresh = fresh_of(facts, result)
    taken = fresh is not None and not _is_vague(fresh.result, result)
    shrunk_ms = None if taken else group.expected_latency_ms(result)
    words = _whose_latency(facts, result)
    if fresh is not None:
        words += _fresh_words(fresh, taken, result, facts.limits)
    if shrunk_ms is not None:
        how = "drawn towards its near ties"
        how += "" if fresh else ", not measured anew: 'mobilesr-tune confirm' does that"
        words.append(
            f"It was picked for being fast among others as good: expect {ms(shrunk_ms)} ms rather "
            f"than the {ms(result.latency_ms)} ms that it showed ({how})."
        )
        return Expected(Source.SHRUNK, shrunk_ms, fresh=fresh, sentences=tuple(words))
    told = fresh.result if fresh is not None and taken else result
    return Expected(
        Source.FRESH if taken else Source.AS_CHOSEN, told.latency_ms, told.latency_low_ms,
        told.latency_high_ms, told.sessions or None, fresh, tuple(words),
    )  # fmt: skip


def made_by_finetuning(facts: StudyFacts, result: CandidateResult) -> FinetunedResult | None:
    """What finetuning made this very file; None of a slice."""
    made = (one for one in facts.finetuned if one.after.artifact == result.artifact)
    return next(made, None) if result.artifact is not None else None


def _whose_latency(facts: StudyFacts, result: CandidateResult) -> list[str]:
    """By what a finetuned candidate is timed; nothing of a slice, which is timed by itself."""
    one = made_by_finetuning(facts, result)
    if one is None:
        return []
    if one.latency_is_the_trials:
        return [
            "Finetuning changed its weights, not its graph: the latency is that of its trial in "
            "the search."
        ]
    return [
        "Its latency is that of the sessions after finetuning: it was exported as another graph "
        "than its trial."
    ]


def _fresh_words(fresh: Fresh, taken: bool, result: CandidateResult, limits: Limits) -> list[str]:
    sessions, alone = count_of(fresh.result.sessions, "session"), len(fresh.alone)
    parts = f", of {alone} measurements together" if alone > 1 else ""
    if alone > 1 and fresh.result is fresh.alone[-1]:
        parts = f", the latest of {alone} measurements that do not go together"
    words = [
        f"Measured anew after it was chosen: {interval(fresh.result)} ms in {sessions} that took "
        f"no part in the choice{parts}."
    ]
    if not taken:
        words.append(
            f"They know it less well than the {interval(result)} ms that it was chosen by: "
            "'mobilesr-tune confirm' on a calm device may tell more."
        )
    limit, latency_ms = limits.max_latency_ms, fresh.result.latency_ms
    if taken and limit is not None and latency_ms is not None and latency_ms > limit:
        words.append(f"That is above the limit of {limit:g} ms.")
    if fresh.disagrees:
        told = ", then ".join(interval(one) for one in (result, *fresh.alone))
        words.append(
            "What was measured of it at different times lies further apart than the intervals "
            f"({told} ms): something on the device differed; measure it anew when it is calm."
        )
    if fresh.doubts:
        words.append(f"The fresh sessions are doubtful: {', '.join(fresh.doubts)}.")
    return words


def _is_vague(fresh: CandidateResult, chosen: CandidateResult) -> bool:
    """Whether fresh sessions know a latency so much less well that they say little of it."""
    theirs, ours = _log_width(fresh), _log_width(chosen)
    if theirs is None or ours is None or theirs <= math.log(_WELL_KNOWN):
        return False
    return theirs > _VAGUE * ours


def _log_width(result: CandidateResult) -> float | None:
    low, high = result.latency_low_ms, result.latency_high_ms
    return None if not low or not high else math.log(high / low)


def _disagree(measured: Sequence[CandidateResult]) -> bool | None:
    """Whether any two intervals lie apart; None where none does, but some are not known."""
    known = [
        latency_interval(one)
        for one in measured
        if one.latency_low_ms is not None and one.latency_high_ms is not None
    ]
    apart = any(one[1] < other[0] for one in known for other in known)
    return apart or (None if len(known) < len(measured) else False)
