"""What to expect of one that was picked for being fast: it looks faster than it is.

By fresh sessions where it was measured anew (`confirm`), else drawn towards its near ties. It says
which.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from foundation.wording import count_of
from reports.facts import Limits, ProfileGroup, StudyFacts
from reports.wording import interval
from search.study.records import CandidateResult


class Source(StrEnum):
    """Where the latency that one should expect comes from."""

    FRESH = "fresh sessions"
    SHRUNK = "drawn towards its near ties"
    # Alone, or so well known that drawing it towards others makes no difference worth a word.
    AS_CHOSEN = "the sessions it was chosen by"


@dataclass(frozen=True)
class Expected:
    """The latency to expect of a candidate, ms; the interval and `sessions` where it was measured.

    `words` is a sentence; empty where there is nothing to say.
    """

    source: Source
    latency_ms: float | None
    latency_low_ms: float | None = None
    latency_high_ms: float | None = None
    sessions: int | None = None
    words: str = ""


def expected(
    facts: StudyFacts, group: ProfileGroup, result: CandidateResult, limits: Limits | None = None
) -> Expected:
    """What to expect of a candidate that was picked from `group`."""
    anew = facts.measured_anew(result)
    if anew is not None and anew.timing is not None:
        timing = anew.timing
        words = (
            f"Measured anew after it was chosen: {interval(anew)} ms in "
            f"{count_of(anew.sessions, 'session')} that took no part in the choice."
        )
        limit = limits.max_latency_ms if limits else None
        if limit is not None and timing.latency_ms > limit:
            words += f" That is above the limit of {limit:g} ms."
        return Expected(
            Source.FRESH, timing.latency_ms, timing.latency_low_ms, timing.latency_high_ms,
            timing.sessions, words,
        )  # fmt: skip
    shrunk_ms = group.expected_latency_ms(result)
    if shrunk_ms is not None:
        words = (
            f"It was picked for being fast among others as good: expect {shrunk_ms:.3g} ms rather "
            f"than the {result.latency_ms:.3g} ms that it showed (drawn towards its near ties, not "
            "measured anew: 'mobilesr-tune confirm' does that)."
        )
        return Expected(Source.SHRUNK, shrunk_ms, words=words)
    return Expected(
        Source.AS_CHOSEN, result.latency_ms, result.latency_low_ms, result.latency_high_ms,
        result.sessions or None,
    )  # fmt: skip
