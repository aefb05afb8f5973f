"""The front in the terminal: what a tuner reads first."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from foundation.wording import MISSING, count_of, ms, number, shorten
from reports.agreement_view import agreement_views
from reports.choice import Choice
from reports.facts import ProfileGroup
from reports.finetuned_view import ANEW, HEADINGS, LEFT, finetuned_rows, finetuned_words
from reports.headline import counts, headline
from reports.near_misses import NearMiss
from reports.report import Report
from reports.sections import Section
from reports.wording import (
    TIE_LEGEND,
    WORSE_LEGEND,
    candidate_code,
    gain_words,
    interval,
    parameters_of,
    worse_than_bicubic,
)

REASONS_SHOWN = 3


def render(report: Report) -> list[RenderableType]:
    """Front, choice and counts of every section. All text is inert: no markup is read from it."""
    parts: list[RenderableType] = []
    for section in report.sections:
        parts += _section(section)
    for view in agreement_views(report.agreements):
        parts += [Text(view["sentence"]), *(Text(text) for text in view["transfers"])]
    return parts


def front_table(group: ProfileGroup, choice: Choice) -> Table:
    """The front, fastest first, the chosen member marked with a star."""
    table = _table(f"Front on {group.device}")
    table.add_column("", no_wrap=True)
    table.add_column("Trial", justify="right", no_wrap=True)
    table.add_column("Config", min_width=17)
    for heading in ("Latency ms", "PSNR Y", "Gain dB", "Mem MB", "Params"):
        table.add_column(heading, justify="right")
    for result in group.front_and_ties:
        chosen = choice.is_of(result)
        mark = "★" if chosen else "≈" if result.number in group.undecided_numbers else ""
        cells = (
            mark,
            str(result.number),
            candidate_code(result),
            interval(result),
            number(result.psnr_y_db, 2),
            gain_words(result.gain_db),
            ms(result.peak_memory_mb),
            parameters_of(result),
        )
        table.add_row(*map(Text, cells), style="bold green" if chosen else "")
    return table


def _section(section: Section) -> list[RenderableType]:
    group, choice = section.group, section.choice
    parts: list[RenderableType] = [front_table(group, choice)] if group.front else []
    if section.near_misses:
        parts.append(near_miss_table(section.near_misses))
    if any(r.number in group.undecided_numbers for r in group.front_and_ties):
        parts.append(Text(TIE_LEGEND, style="dim"))
    if any(worse_than_bicubic(r) for r in group.front_and_ties):
        parts.append(Text(WORSE_LEGEND, style="yellow"))
    if rows := finetuned_rows(section):
        parts += [_finetuned_table(rows), *map(Text, _finetuned_lines(rows))]
        parts.append(Text(finetuned_words(section), style="dim"))
    parts.append(Text(headline(group, choice), style="bold" if choice.result else "bold yellow"))
    if choice.result:
        parts.append(Text(f"Why: {choice.rule}"))
    parts += [Text(caveat, style="yellow") for caveat in choice.caveats]
    parts += [Text(f"Constraint: {text}") for text in section.facts.limits.sentences()]
    parts.append(Text(counts(group)))
    for reason, times in group.failure_reasons()[:REASONS_SHOWN]:
        parts.append(Text(f"  failed, {count_of(times, 'time')}: {shorten(reason, 160)}", "red"))
    if group.stand_in:
        parts.append(Text(group.stand_in, style="yellow"))
    return parts


def _finetuned_table(rows: Sequence[tuple[str, ...]]) -> Table:
    """The finetuned candidates, before and after, as far as 80 columns go."""
    table = _table("Finetuned")
    for heading in HEADINGS:
        if heading != ANEW:
            table.add_column(heading, justify="left" if heading in LEFT else "right")
    anew = HEADINGS.index(ANEW)
    for row in rows:
        *cells, verdict = (*row[:anew], *row[anew + 1 :])
        table.add_row(*map(Text, cells), Text(verdict.partition(":")[0]))
    return table


def _finetuned_lines(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """What the table has no room for, a line a candidate."""
    lines = []
    for row in rows:
        told = dict(zip(HEADINGS, row, strict=True))
        _, _, why = told["Gain"].partition(": ")
        anew = f"measured anew {told[ANEW]} ms" if told[ANEW] != MISSING else ""
        if words := "; ".join(filter(None, [anew, why])):
            lines.append(f"Trial {told['Trial']}: {words}.")
    return lines


def near_miss_table(misses: Sequence[NearMiss]) -> Table:
    """The candidates that come nearest to the limits, and how far each misses."""
    table = _table("Nearest to the limits")
    table.add_column("Trial", justify="right", no_wrap=True)
    table.add_column("Config", min_width=17)
    table.add_column("Misses")
    for near in misses:
        sentences = "\n".join(miss.sentence for miss in near.misses)
        table.add_row(str(near.result.number), candidate_code(near.result), Text(sentences))
    return table


def export_lines(report: Report) -> list[str]:
    """What to paste for the recommended candidates: a line that says what, a line to paste."""
    lines = []
    for section in report.sections:
        if section.choice.command:
            of = f" of {section.name}" if len(report.sections) > 1 else ""
            lines += [f"All that an Android app needs{of}:", f"  {section.choice.delivery}"]
            lines += [f"Export the chosen one{of}:", f"  {section.choice.command}"]
    return lines


def _table(title: str) -> Table:
    return Table(
        title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False,
        padding=(0, 1, 0, 0),
    )  # fmt: skip
