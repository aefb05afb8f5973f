"""What is learnt from the studies as one JSON document: what the page says, but the pictures."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from foundation.wording import plain
from reports.agreement import Agreement
from reports.agreement_view import sentence, transfer_sentence
from reports.headline import headline
from reports.left_out import flag_counts, left_out
from reports.report import Report
from reports.sections import Section
from reports.table import row
from reports.winner import Fresh, expected, fresh_of
from search.study.finetuned import FinetunedResult

SCHEMA = "report/1"
# Of the recommended one and the finetuned ones, as `reports.table.COLUMNS` name them.
_TOLD = (
    "trial", "key", "status", "latency_ms", "latency_low_ms", "latency_high_ms", "peak_memory_mb",
    "psnr_y_db", "gain_over_bicubic_db", "psnr_origin", "flags", "artifact_sha256",
)  # fmt: skip


def report_document(report: Report) -> dict[str, Any]:
    """The document, JSON-ready; its candidates lie in `candidates.json`."""
    return {
        "schema": SCHEMA,
        "runs": [str(facts.run_path) for facts in report.studies],
        "sections": [section_facts(section) for section in report.sections],
        "comparisons": [_agreement(found) for found in report.agreements],
    }


def section_facts(section: Section) -> dict[str, Any]:
    """One device profile of one run: the answer, the front and what is learnt."""
    group, choice = section.group, section.choice
    return {
        "run": section.facts.name,
        "profile": group.profile_key,
        "device": section.name,
        "headline": headline(group, choice),
        "stand_in": group.stand_in,
        "chosen": _chosen(section),
        "chosen_trial": choice.result.number if choice.result else None,
        "rule": choice.rule,
        "caveats": list(choice.caveats),
        "expected_latency": _expected(section),
        "export": choice.command,
        "deliver": choice.delivery,
        "constraints": section.facts.limits.sentences(),
        "front": [row(result, group) for result in group.front],
        "finetuned": [_finetuned(one, section) for one in section.facts.finetuned_of(group)],
        "measured_anew": [
            {"trial": result.number} | _fresh(fresh)
            for result in group.results
            if (fresh := fresh_of(section.facts, result)) is not None
        ],
        "ties": [r.number for r in group.front_and_ties if r.number in group.undecided_numbers],
        "near_misses": [
            {
                "trial": near.result.number,
                "key": near.result.key,
                "latency_ms": near.result.latency_ms,
                "peak_memory_mb": near.result.peak_memory_mb,
                "misses": [_plain(miss) for miss in near.misses],
            }
            for near in section.near_misses
        ],
        "effects": [_plain(one) for one in section.effects],
        "hypervolume": _plain(section.growth) if section.growth else None,
        "flags": [_plain(one) for one in flag_counts(group)],
        "left_out": [_plain(one) for one in left_out(group, section.facts.limits)],
    }


def _expected(section: Section) -> dict[str, Any] | None:
    """What to expect of the chosen one, and by what; None where none was chosen."""
    chosen = section.choice.result
    if chosen is None:
        return None
    found = expected(section.facts, section.group, chosen)
    return {
        "source": found.source.value,
        "latency_ms": found.latency_ms,
        "latency_low_ms": found.latency_low_ms,
        "latency_high_ms": found.latency_high_ms,
        "sessions": found.sessions,
        "words": list(found.sentences),
        "fresh": _fresh(found.fresh) if found.fresh else None,
    }


def _fresh(found: Fresh) -> dict[str, Any]:
    timed = {name: getattr(found.result, name) for name in (
        "latency_ms", "latency_low_ms", "latency_high_ms", "sessions",
    )}  # fmt: skip
    flags = [plain(flag) for flag in found.result.flags]
    return {
        **timed, "measurements": len(found.alone), "flags": flags, "disagrees": found.disagrees,
    }  # fmt: skip


def _chosen(section: Section) -> dict[str, Any] | None:
    """What is handed out as recommended: of a finetuned one, what it is finetuned."""
    chosen = section.choice.result
    if chosen is None:
        return None
    cells = row(chosen, section.group)
    return {name: cells[name] for name in _TOLD} | {"sessions": chosen.sessions or None}


def _finetuned(one: FinetunedResult, section: Section) -> dict[str, Any]:
    cells, gain = row(one.after, section.group), one.gain
    return {
        **{name: cells[name] for name in _TOLD},
        "sessions": one.after.sessions or None,
        "latency_is_the_trials": one.latency_is_the_trials,
        "slice_psnr_y_db": one.before.psnr_y_db,
        "gain_db": _plain(gain) if gain else None,
        "verdict": one.verdict,
    }


def _agreement(found: Agreement) -> dict[str, Any]:
    same = ("first", "second", "shared", "tau_latency", "p_latency", "tau_psnr", "pairs",
            "swapped", "surely_swapped")  # fmt: skip
    return {
        **{name: getattr(found, name) for name in same},
        "sentence": sentence(found),
        "transfers": [transfer_sentence(transfer) for transfer in found.transfers],
        "retrained": [
            {"key": one.key, "psnr_y_db": [one.psnr_y_db, other.psnr_y_db]}
            for one, other in found.retrained
        ],
        "swaps": [
            {"faster_on_first": swap.left[0].key, "faster_on_second": swap.right[0].key,
             "sure": swap.sure}
            for swap in found.swaps
        ],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """A dataclass of numbers and words as JSON takes it; what is not finite is null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
