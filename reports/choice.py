"""Which candidate is recommended, by which rule, and the command that exports it.

With a latency limit the question is settled: the best PSNR within it. Without one, every front
member is a fair answer, and the knee is proposed: the member farthest above the chord between
the ends of the front, both objectives normalised to [0, 1] over the front. That is the maximal
distance to the line through the individual minima of Das, "On characterizing the 'knee' of the
Pareto curve based on Normal-Boundary Intersection", Structural Optimization 18, 1999. A front
with no member above its chord has no knee; then the best PSNR is proposed. What is worse than
bicubic upscaling is never proposed: that costs nothing and needs no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device_runner.flags import STAND_INS, flag_words
from foundation.wording import count_of, number, plain, shell_line
from reports.facts import Limits, ProfileGroup, StudyFacts
from reports.near_misses import near_misses
from reports.winner import Expected, expected
from reports.wording import interval, worse_than_bicubic
from search.front.dominance import Point, pareto_front
from search.study.records import CandidateResult


@dataclass(frozen=True)
class Choice:
    """A recommendation, or the reason why there is none.

    Attributes:
        result: the candidate, None when none meets the constraints, or none is better than
            bicubic upscaling.
        rule: one sentence, why this one (or why none).
        caveats: what the reader should know before relying on it.
        command: exports it; empty without a candidate.
        delivery: the command that makes of it what an Android app needs; likewise.
    """

    result: CandidateResult | None
    rule: str
    caveats: tuple[str, ...] = ()
    command: str = ""
    delivery: str = ""

    def is_of(self, result: CandidateResult) -> bool:
        """Whether the recommended one is this candidate of the group, or it finetuned."""
        return self.result is not None and self.result.number == result.number


def choose(facts: StudyFacts, group: ProfileGroup) -> Choice:
    """Recommend one candidate of `group`, a pure function of what was measured."""
    limits, pool = facts.limits, recommendable(facts, group)
    if not group.front and not pool:
        return Choice(None, _why_none(group, limits))
    if not pool:
        return Choice(None, _why_worse(group))
    finetuned = all(pool[0] is not member for member in group.front)
    kind = "finetuned candidates" if finetuned else "candidates"
    if limits.max_latency_ms is not None:
        result = max(pool, key=best_psnr)
        rule = f"best PSNR among the {kind} with {_and(limits.sentences())}"
    else:
        result, rule = knee(pool)
        if finetuned:
            rule = f"among the finetuned candidates: {rule}"
        if limits.sentences():
            rule += f", among the {kind} with {_and(limits.sentences())}"
    caveats = (
        ("It was finetuned, so its PSNR compares with the other finetuned ones only.",
         *_past_limit(result, limits), *_flag_caveats(result))
        if finetuned
        else _caveats(result, group, limits)
    )  # fmt: skip
    if result.gain_db is None:
        unknown = "How bicubic upscaling does on its pictures is not recorded: it may be no better."
        caveats = (*caveats, unknown)
    told = expected(facts, group, result)
    caveats = (*told.sentences, *caveats, *_fresh_caveats(told, result))
    return Choice(
        result, f"{rule}.", caveats, export_command(facts.run_path, result),
        deliver_command(facts.run_path, result),
    )  # fmt: skip


def recommendable(facts: StudyFacts, group: ProfileGroup) -> list[CandidateResult]:
    """What is fair to recommend, fastest first: a front of feasible ones, better than bicubic.

    Where candidates were finetuned, theirs alone: they are what would be deployed.
    """
    fair = [one.after for one in facts.finetuned_of(group) if is_fair(one.after)]
    if fair:
        places = [(r.latency_ms or 0.0, r.psnr_y_db or 0.0) for r in fair]
        return [fair[i] for i in pareto_front(places)]
    return [result for result in group.front if not worse_than_bicubic(result)]


def is_fair(result: CandidateResult) -> bool:
    """Whether it was judged, keeps the limits and is better than bicubic upscaling."""
    return result.status == "ok" and result.feasible and not worse_than_bicubic(result)


def knee(front: list[CandidateResult]) -> tuple[CandidateResult, str]:
    """The knee of a non-empty front given fastest first, and the words that say so."""
    if len(front) == 1:
        return front[0], "the only candidate on the front"
    places = [(r.latency_ms or 0.0, r.psnr_y_db or 0.0) for r in front]
    if not _has_knee(places):
        return max(front, key=best_psnr), "best PSNR of a front that has no knee"
    return front[knee_at(places)], (
        "the knee of the front, farthest above the chord between the fastest and the best "
        "(both axes normalised)"
    )


def knee_at(places: Sequence[Point]) -> int:
    """Where the knee of a front lies, given as (latency, PSNR) fastest first; its end without."""
    if not _has_knee(places):
        return len(places) - 1
    distances = _above_chord(places)
    return distances.index(max(distances))


def _has_knee(places: Sequence[Point]) -> bool:
    # Rounding leaves a straight front some 1e-16 above its own chord.
    return max(_above_chord(places)) > 1e-9


def export_command(run_path: Path, result: CandidateResult) -> str:
    """The command that exports a trial of a run as it was measured, ready to paste."""
    words = ("mobilesr-tune", "export", "--from", str(run_path), "--trial", str(result.number))
    return shell_line([*words, "--output", "best"])


def deliver_command(run_path: Path, result: CandidateResult) -> str:
    """The command that hands a trial of a run to an Android developer, ready to paste."""
    words = ("mobilesr-tune", "deliver", str(run_path), "--trial", str(result.number))
    return shell_line([*words, "-o", "delivery"])


def _above_chord(points: Sequence[Point]) -> list[float]:
    latencies, psnrs = [p[0] for p in points], [p[1] for p in points]
    latency_span = max(latencies) - min(latencies) or 1.0
    psnr_span = max(psnrs) - min(psnrs) or 1.0
    return [
        (psnr - min(psnrs)) / psnr_span - (latency - min(latencies)) / latency_span
        for latency, psnr in points
    ]


def best_psnr(result: CandidateResult) -> tuple[float, float]:
    """A key to sort by: the best picture last, the faster one of equals."""
    return result.psnr_y_db or 0.0, -(result.latency_ms or 0.0)


def _caveats(result: CandidateResult, group: ProfileGroup, limits: Limits) -> tuple[str, ...]:
    found = _past_limit(result, limits)
    rivals = [r for r in group.measured if r.number in group.undecided_numbers and r is not result]
    if result.number in group.undecided_numbers:
        found.append(
            "What is known of latency and PSNR leaves open whether it is on the front"
            + (f": a tie with {count_of(len(rivals), 'other candidate')}." if rivals else ".")
        )
    return (*found, *_flag_caveats(result))


def _past_limit(result: CandidateResult, limits: Limits) -> list[str]:
    limit, high = limits.max_latency_ms, result.latency_high_ms
    if limit is None or high is None or high <= limit:
        return []
    return [f"Its latency interval, {interval(result)} ms, reaches past the limit of {limit:g} ms."]


def _flag_caveats(result: CandidateResult) -> list[str]:
    """A sentence a flag; that a stand-in was measured is told on its own, above everything else."""
    found = []
    for flag in result.flags:
        words = flag_words(flag)
        if words.doubtful:
            found.append(f"Its measurement is doubtful, {plain(flag)}: {words.meaning}.")
        elif flag not in STAND_INS or not result.stand_in_note:
            found.append(f"Its measurement is flagged, {plain(flag)}: {words.meaning}.")
    return found


def _fresh_caveats(told: Expected, result: CandidateResult) -> list[str]:
    """What the doubts about fresh sessions mean, but for those that were explained already."""
    doubts = told.fresh.doubts if told.fresh else []
    return [
        f"Of the fresh sessions, {flag}: {flag_words(flag).meaning}."
        for flag in doubts
        if flag not in result.flags
    ]


def _why_none(group: ProfileGroup, limits: Limits) -> str:
    nearest = near_misses(group, limits)
    if not nearest:
        return "no candidate was both timed and judged: look at the reasons, then run the search on"
    misses = _and([miss.sentence for miss in nearest[0].misses])
    return (
        f"none of {count_of(len(group.results), 'candidate')} meets the constraints "
        f"({_and(limits.sentences()) or 'of the study'}). Trial {nearest[0].result.number} comes "
        f"nearest: {misses}. Loosen it, lower the LR size, or widen the space."
    )


def _why_worse(group: ProfileGroup) -> str:
    best = max(group.front, key=best_psnr)
    return (
        "every candidate within the limits is worse than bicubic upscaling, which needs no model: "
        f"the best picture, of trial {best.number}, lies {number(-(best.gain_db or 0.0), 2)} dB "
        "below it. Train longer (--train-steps), on more photographs (--train), or bring trained "
        "weights (--weights)."
    )


def _and(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)
