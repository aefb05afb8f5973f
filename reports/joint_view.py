"""All devices at once as the page wants it: one table, one choice, and what its script needs."""

from __future__ import annotations

from typing import Any, NamedTuple

from foundation.wording import MISSING, ms, number, plain
from reports.charts.scale import nice_step
from reports.choice import export_command
from reports.joint import Across, Joint, joint
from reports.report import Report
from reports.sections import Section
from reports.winner import Source, expected
from reports.wording import candidate_code, gain_words
from search.study.records import CandidateResult

# What stands of each device.
HEADINGS = ("Rank", "Latency, ms", "Memory, MB", "PSNR, dB")


def joint_view(report: Report) -> dict[str, Any] | None:
    """None where there is nothing that two devices share; `data` is for the script."""
    found = joint(report.sections)
    if found is None:
        return None
    fair = [row for row in found.rows if row.everywhere]
    return {
        "names": found.names,
        "devices": all_devices(len(found.names)),
        "headings": HEADINGS,
        "rows": [_row(row, found) for row in found.rows],
        "answer": _answer(found, report),
        "alone": found.alone,
        "weights_differ": _weights_differ(found),
        "start": _start(found),
        "fair": len(fair),
        "data": {
            "names": list(found.names),
            "forms": [_form(section) for section in report.sections],
            "rows": [_data(row) for row in fair],
        },
    }


def all_devices(how_many: int) -> str:
    """`both devices`, `all 3 devices`."""
    return "both devices" if how_many == 2 else f"all {how_many} devices"


def joint_sentence(row: Across, names: tuple[str, ...]) -> str:
    """One candidate on every device that timed it, in words."""
    parts = [
        f"{ms(result.latency_ms)} ms on {name}"
        for name, result in zip(names, row.results, strict=True)
        if result is not None
    ]
    gains = [result.gain_db for result in row.known if result.gain_db is not None]
    quality = f"{number(row.least_psnr_db, 2)} dB"
    if gains:
        quality += f" ({gain_words(min(gains))} over bicubic)"
    return f"{candidate_code(row.known[0])}: {', '.join(parts)}; {quality}"


def _answer(found: Joint, report: Report) -> str:
    devices = all_devices(len(found.names))
    if found.chosen is None:
        return (
            f"There is no choice for {devices}: no candidate was judged on each of them "
            "within the limits and better than bicubic. Search them with the same candidates."
        )
    limits = " within each one's limits" if any(
        section.facts.limits.sentences() for section in report.sections
    ) else ""  # fmt: skip
    told = f"Balanced for {devices}{limits}: {joint_sentence(found.chosen, found.names)}."
    return " ".join([told, *_to_expect(found.chosen, report), *_slices(report)])


def _slices(report: Report) -> list[str]:
    """A sentence where a device's own choice is another thing than what is compared here."""
    own = [s.name for s in report.sections if s.choice.result and not s.group.has(s.choice.result)]
    if not own:
        return []
    return [
        f"Candidates are compared as the searches judged them: what was finetuned on "
        f"{' and '.join(own)} is told there."
    ]


def _to_expect(chosen: Across, report: Report) -> list[str]:
    """A sentence for each device on which it looks faster than it is, or was measured anew."""
    sentences = []
    for section, result in zip(report.sections, chosen.results, strict=True):
        if result is None:
            continue
        told = expected(section.facts, section.group, result)
        if told.source is not Source.AS_CHOSEN:
            sentences.append(f"On {section.name} expect {ms(told.latency_ms)} ms ({told.source}).")
    return sentences


def _row(row: Across, found: Joint) -> dict[str, Any]:
    cells: list[_Cell] = []
    for result, rank in zip(row.results, row.ranks, strict=True):
        cells += _cells(result, rank)
    return {
        "code": candidate_code(row.known[0]),
        "chosen": row is found.chosen,
        "worse": row.worse_than_bicubic,
        "cells": cells,
    }


class _Cell(NamedTuple):
    """`small` stands below: many devices stand side by side."""

    text: str
    small: str = ""


def _cells(result: CandidateResult | None, rank: int | None) -> list[_Cell]:
    if result is None:
        return [_Cell(MISSING)] * len(HEADINGS)
    low, high = result.latency_low_ms, result.latency_high_ms
    known = "" if low is None or high is None else f"{ms(low)}–{ms(high)}"
    return [
        _Cell(MISSING if rank is None else str(rank)),
        _Cell(ms(result.latency_ms), known),
        _Cell(ms(result.peak_memory_mb)),
        _Cell(number(result.psnr_y_db, 2)),
    ]


def _data(row: Across) -> dict[str, Any]:
    sums = {r.artifact.sha256 if r.artifact else "" for r in row.known}
    return {
        "code": candidate_code(row.known[0]),
        "trials": [result.number for result in row.known],
        "latency": [result.latency_ms for result in row.known],
        "psnr": [result.psnr_y_db for result in row.known],
        "worse": row.worse_than_bicubic,
        "same": len(sums) == 1 and "" not in sums,
    }


def _form(section: Section) -> list[str]:
    """The export command of a section's trials, cut where the trial's number stands."""
    result = section.group.results[0]
    before, after = plain(export_command(section.facts.run_path, result)).rsplit(
        str(result.number), 1
    )
    return [before, after]


def _start(found: Joint) -> float | None:
    """The latency limit that the page opens with: it makes the balanced one the winner."""
    if found.chosen is None:
        return None
    slowest = found.chosen.slowest_ms
    step = nice_step(slowest, 100)
    return round((slowest // step + 1) * step, 9)


def _weights_differ(found: Joint) -> bool:
    return any(
        len({r.artifact.weights_sha256 for r in row.known if r.artifact}) > 1 for row in found.rows
    )
