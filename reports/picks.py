"""Fast, balanced, best: the two or three candidates between which a person decides.

All are fair to recommend (`choice.recommendable`). The middle one is the recommendation where that
is neither end, else the knee; where it is an end, there is no third to decide between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.quality_interval import FEWEST_PICTURES, PsnrDifference, psnr_difference
from reports.choice import Choice, best_psnr, knee, recommendable
from reports.facts import ProfileGroup, StudyFacts, latency_interval
from search.front.belief import source_error_of
from search.study.records import CandidateResult


@dataclass(frozen=True)
class Pick:
    """One of them.

    Attributes:
        name: `Fast`, `Balanced` or `Best picture`; `The only choice` where there is one.
        step: what it costs and gives beside the pick before it; None for the first.
    """

    name: str
    result: CandidateResult
    recommended: bool
    step: Step | None


@dataclass(frozen=True)
class Step:
    """From one pick to the next slower one.

    Attributes:
        faster: name of the pick before.
        more_ms, gain_db: what it costs, and what it gives.
        surely_slower: the intervals of the latencies lie apart.
        paired: the gain over the same pictures, with its interval; None where they are not known.
    """

    faster: str
    more_ms: float
    gain_db: float
    surely_slower: bool
    paired: PsnrDifference | None


def picks(facts: StudyFacts, group: ProfileGroup, choice: Choice) -> tuple[Pick, ...]:
    """The picks, fastest first; empty where nothing is recommended."""
    pool = recommendable(facts, group)
    if choice.result is None or not pool:
        return ()
    named = _named(pool, choice.result)
    found: list[Pick] = []
    for name, result in named:
        step = _step(found[-1], result) if found else None
        found.append(Pick(name, result, result is choice.result, step))
    return tuple(found)


def paired_difference(one: CandidateResult, other: CandidateResult | None) -> PsnrDifference | None:
    """PSNR of `one` above that of `other`, or above bicubic where that is None, over its pictures.

    Beside another candidate it holds the error of weights that are slices of a supernet, as far as
    that is known. None where the pictures' own values are not known, or are of other pictures.
    """
    ours = {image.name: image.psnr_y_db for image in one.images}
    theirs = (
        {image.name: image.bicubic_psnr_y_db for image in one.images}
        if other is None
        else {image.name: image.psnr_y_db for image in other.images}
    )
    if ours.keys() != theirs.keys() or len(ours) < FEWEST_PICTURES:
        return None
    source_sd_db = 0.0
    if other is not None:
        source, _ = source_error_of([one, other])
        # Variants of one config, in other precisions say, err alike.
        if source.config[0] != source.config[1]:
            source_sd_db = float(source.sd_db.max())
    return psnr_difference(
        list(ours.values()), [theirs[name] for name in ours], source_sd_db=source_sd_db
    )


def _named(
    pool: Sequence[CandidateResult], recommended: CandidateResult
) -> list[tuple[str, CandidateResult]]:
    fast, best = pool[0], max(pool, key=best_psnr)
    if fast is best:
        return [("The only choice", fast)]
    at_an_end = recommended is fast or recommended is best
    middle = knee(list(pool))[0] if at_an_end else recommended
    if middle is fast or middle is best:
        return [("Fast", fast), ("Best picture", best)]
    return [("Fast", fast), ("Balanced", middle), ("Best picture", best)]


def _step(faster: Pick, result: CandidateResult) -> Step:
    before = faster.result
    return Step(
        faster=faster.name,
        more_ms=(result.latency_ms or 0.0) - (before.latency_ms or 0.0),
        gain_db=(result.psnr_y_db or 0.0) - (before.psnr_y_db or 0.0),
        surely_slower=latency_interval(before)[1] < latency_interval(result)[0],
        paired=paired_difference(result, before),
    )
