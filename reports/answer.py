"""The head of a section: the answer in words that need no knowledge of the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from device_runner.flags import flag_words
from foundation.wording import count_of, ms, number, plain, shorten, signed_db
from models.quality_interval import PsnrDifference
from reports.choice import export_command
from reports.facts import ProfileGroup
from reports.left_out import trials_in_words
from reports.picks import Pick, Step, paired_difference, picks
from reports.sections import Section
from reports.winner import Fresh, Source, expected
from reports.wording import candidate_code
from search.study.records import CandidateResult


@dataclass(frozen=True)
class Card:
    """One pick as it is shown: what it takes, what it gives, what that costs, how sure it is."""

    name: str
    trial: int
    recommended: bool
    latency: str
    quality: str
    cost: str
    sure: str
    memory: str
    code: str
    command: str


def short_answer(section: Section) -> str:
    """The answer in one sentence: where, how fast, how good."""
    best = section.choice.result
    if best is None:
        return f"No recommendation for {section.name}: {_why_none(section)}"
    return f"On {section.name}: {ms(best.latency_ms)} ms a picture, {_quality(best)}"


def pictures_words(section: Section) -> str:
    """From what size to what size a picture is upscaled, and when that was measured."""
    sizes = {
        (r.deployment.lr_width, r.deployment.lr_height, r.config.scale)
        for r in section.group.results
    }
    told = [f"{w}×{h} to {w * s}×{h * s} pixels" for w, h, s in sorted(sizes)]
    return f"Pictures of {' and '.join(told)}. {measured_when(section.group)}."


def measured_when(group: ProfileGroup) -> str:
    """The days on which the candidates were measured."""
    days = sorted(
        {day for result in group.results if (day := _day(result.finished_at)) is not None}
    )
    if not days:
        return "When it was measured is not recorded"
    first, last = (f"{day.day} {day:%B %Y}" for day in (days[0], days[-1]))
    return f"Measured on {first}" if first == last else f"Measured from {first} to {last}"


def cards(section: Section) -> list[Card]:
    """The picks as cards, fastest first."""
    found = picks(section.facts, section.group, section.choice)
    return [_card(pick, section) for pick in found]


def how_sure(section: Section) -> list[str]:
    """What is known, and how well, of the recommended candidate."""
    best = section.choice.result
    if best is None:
        return []
    told = [f"Its latency is {_range(best)}{_sessions(best)}."]
    above = paired_difference(best, None)
    if above is not None:
        told.append(
            f"Its pictures are {_between(above)} dB above bicubic, over "
            f"{count_of(len(best.images), 'picture')} (95 % interval)."
        )
    if not any(flag_words(flag).doubtful for flag in best.flags):
        told.append("Nothing is known to have disturbed its measurement.")
    rivals = section.group.undecided_numbers - {best.number}
    # What is open of slices says nothing of one that was finetuned.
    alike = section.group.has(best)
    if alike and rivals and best.number not in section.group.undecided_numbers:
        others = count_of(len(rivals), "other candidate")
        told.append(
            f"{others} may be worth as much ({trials_in_words(sorted(rivals))}): what was measured "
            "leaves open whether they are on the front (≈)."
        )
    return told


def _card(pick: Pick, section: Section) -> Card:
    result = pick.result
    return Card(
        name=pick.name,
        trial=result.number,
        recommended=pick.recommended,
        latency=ms(result.latency_ms),
        quality=_quality(result),
        cost=_cost(pick.step),
        sure=_sure(result, section),
        memory=ms(result.peak_memory_mb) if result.peak_memory_mb is not None else "",
        code=candidate_code(result),
        command=export_command(section.facts.run_path, result),
    )


def _why_none(section: Section) -> str:
    """The shortest form of `Choice.rule`."""
    if section.near_misses:
        return "no candidate meets the limits"
    if section.group.front:
        return "none that meets the limits is better than bicubic upscaling"
    return "no candidate was both timed and judged"


def _quality(result: CandidateResult) -> str:
    gain = result.gain_db
    if gain is None:
        return f"PSNR {number(result.psnr_y_db, 2)} dB"
    return f"{number(abs(gain), 2)} dB {'above' if gain >= 0 else 'below'} bicubic"


def _cost(step: Step | None) -> str:
    if step is None:
        return ""
    sure = "" if step.surely_slower else " (their intervals overlap: perhaps none)"
    return f"Against {step.faster.lower()}: {ms(step.more_ms)} ms more{sure}, for {_gain_of(step)}."


def _gain_of(step: Step) -> str:
    gain = f"{signed_db(step.gain_db)} dB"
    if step.paired is None:
        return gain
    if step.paired.is_tie and step.paired.seen_in_pictures:
        return f"{gain}, which training each by itself may undo"
    if step.paired.is_tie:
        return f"{gain}, a difference that these pictures cannot tell"
    return f"{gain} ({_between(step.paired)})"


def _sure(result: CandidateResult, section: Section) -> str:
    group = section.group
    doubts = [plain(flag) for flag in result.flags if flag_words(flag).doubtful]
    words = f"latency {_range(result)}"
    if group.has(result) and result.number in group.undecided_numbers:
        words += "; a tie with others"
    if doubts:
        words += f"; doubtful: {shorten(', '.join(doubts), 80)}"
    found = expected(section.facts, group, result)
    if found.source is not Source.AS_CHOSEN:
        words += f"; expect {ms(found.latency_ms)} ms ({found.source})"
    if found.fresh is not None:
        words += _about(found.fresh)
    return f"{words[0].upper()}{words[1:]}."


def _about(fresh: Fresh) -> str:
    """What takes away from fresh sessions."""
    words = f"; fresh sessions doubtful: {shorten(', '.join(fresh.doubts), 80)}"
    return (words if fresh.doubts else "") + (
        "; what was measured at different times disagrees" if fresh.disagrees else ""
    )


def _range(result: CandidateResult) -> str:
    low, high = result.latency_low_ms, result.latency_high_ms
    if low is None or high is None:
        return "known without an interval"
    return f"between {ms(low)} and {ms(high)} ms"


def _sessions(result: CandidateResult) -> str:
    return f", from {count_of(result.sessions, 'launch', 'launches')}" if result.sessions else ""


def _between(found: PsnrDifference) -> str:
    return f"{number(found.low_db, 2)} to {number(found.high_db, 2)}"


def _day(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).date()
    except ValueError:
        return None
