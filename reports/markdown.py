"""The study as GitHub-flavoured Markdown: for a pull request, a wiki, a chat."""

from __future__ import annotations

import re
from collections.abc import Sequence

from foundation.wording import coded, count_of, escaped, ms, number, percent, shorten
from reports.agreement_view import agreement_views
from reports.charts.standalone import front_file
from reports.choice import Choice
from reports.effects import Level
from reports.facts import ProfileGroup, StudyFacts
from reports.finetuned_view import HEADINGS, finetuned_rows, finetuned_words
from reports.headline import counts, headline, reproduce_command
from reports.left_out import flag_counts, trouble_words
from reports.precision_view import HEADINGS as PRECISION_HEADINGS
from reports.precision_view import precision_rows, precision_words
from reports.report import Report
from reports.sections import Section
from reports.wording import (
    TIE_LEGEND,
    WORSE_LEGEND,
    candidate_text,
    gain_words,
    interval,
    parameters_of,
)

REASONS_SHOWN = 10


def markdown_summary(report: Report) -> str:
    """The whole summary. A device gets its own section; their numbers are not to be compared.

    It links the drawn fronts that lie beside it (`reports.charts.standalone`).
    """
    lines = [f"# {escaped(report.title)}", ""]
    for place, section in enumerate(report.sections):
        lines += _section(section, place)
    lines += _agreements(report)
    lines += _troubles(report.studies)
    lines += ["## How to reproduce", ""]
    for facts in report.studies:
        lines += [*_code(reproduce_command(facts)), ""]
    return "\n".join(lines)


def _section(section: Section, place: int) -> list[str]:
    group, choice = section.group, section.choice
    lines = [f"## {escaped(section.name)}", "", f"**{escaped(headline(group, choice))}**", ""]
    lines += [f"> {escaped(group.stand_in)}", ""] if group.stand_in else []
    lines += [f"- Why this one: {escaped(choice.rule)}"] if choice.result else []
    lines += [f"- Mind: {escaped(caveat)}" for caveat in choice.caveats]
    lines += [f"- Constraint: {escaped(text)}" for text in section.facts.limits.sentences()]
    lines += [f"- Candidates: {counts(group)}", ""]
    if group.measured:
        lines += [f"![Latency against PSNR of every candidate]({front_file(place)})", ""]
    lines += _front(group, choice) + _near_misses(section) + _precisions(section)
    lines += _finetuned(section)
    if choice.command:
        lines += ["Export the chosen one:", "", *_code(choice.command), ""]
        lines += ["Or with all that an Android app needs:", "", *_code(choice.delivery), ""]
    return lines + _effects(section) + _flags(group) + _failures(group)


def _precisions(section: Section) -> list[str]:
    rows = precision_rows(section)
    if not rows:
        return []
    return [
        "### What a precision costs and gains",
        "",
        f"| {' | '.join(PRECISION_HEADINGS)} |",
        "|---|---|" + "---:|" * (len(PRECISION_HEADINGS) - 2),
        *(f"| {' | '.join(map(escaped, row))} |" for row in rows),
        "",
        escaped(precision_words(section)),
        "",
    ]


def _finetuned(section: Section) -> list[str]:
    rows = finetuned_rows(section)
    if not rows:
        return []
    return [
        "### Finetuned",
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---|---|" + "---:|" * (len(HEADINGS) - 3) + "---|",
        *(f"| {' | '.join(map(escaped, row))} |" for row in rows),
        "",
        escaped(finetuned_words(section)),
        "",
    ]


def _effects(section: Section) -> list[str]:
    """The two ends of each parameter that matters, folded away in a pull request."""
    rows = [
        f"| {found.target} | {escaped(parameter.name)} | {percent(parameter.importance)} "
        f"| {escaped(low.words)}: {_effect(low, found.unit)} "
        f"| {escaped(high.words)}: {_effect(high, found.unit)} |"
        for found in section.effects
        for parameter in found.parameters
        for low, high in [(parameter.levels[0], parameter.levels[-1])]
    ]
    if not rows:
        return []
    return [
        "<details><summary>What each parameter does</summary>",
        "",
        "| On | Parameter | Importance | Lowest level | Highest level |",
        "|---|---|---:|---|---|",
        *rows,
        "",
        "Effects against the mean of the parameter's levels, with 95 % intervals.",
        "",
        "</details>",
        "",
    ]


def _effect(level: Level, unit: str) -> str:
    digits = 2 if unit == "dB" else 1
    middle, low, high = (number(v, digits) for v in (level.effect, level.low, level.high))
    return f"{middle} {unit} ({low} to {high})"


def _agreements(report: Report) -> list[str]:
    views = agreement_views(report.agreements)
    if not views:
        return []
    lines = ["## Where the devices agree, and where not", ""]
    for view in views:
        lines += [f"- {escaped(view['sentence'])}"]
        lines += [f"  - {escaped(text)}" for text in view["transfers"]]
    return [*lines, ""]


def _troubles(studies: Sequence[StudyFacts]) -> list[str]:
    lines = [f"- {escaped(words)}" for facts in studies for words in trouble_words(facts.troubles)]
    return ["## When a device failed", "", *lines, ""] if lines else []


def _flags(group: ProfileGroup) -> list[str]:
    flags = flag_counts(group)
    if not flags:
        return []
    lines = [
        f"- {coded(one.flag)} ({count_of(len(one.trials), 'candidate')}): "
        f"{escaped(one.meaning)}; {escaped(one.advice)}."
        for one in flags
    ]
    return ["Flags:", "", *lines, ""]


def _front(group: ProfileGroup, choice: Choice) -> list[str]:
    if not group.front:
        return []
    lines = [
        "| | Trial | Configuration | Latency, ms (interval) | PSNR Y, dB | Over bicubic, dB "
        "| Peak memory, MB | Parameters |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for r in group.front_and_ties:
        mark = "★" if choice.is_of(r) else "≈" if r.number in group.undecided_numbers else ""
        cells = [
            mark,
            str(r.number),
            escaped(candidate_text(r)),
            interval(r),
            number(r.psnr_y_db, 2),
            gain_words(r.gain_db),
            ms(r.peak_memory_mb),
            parameters_of(r),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [
        *lines,
        "",
        f"★ chosen; {TIE_LEGEND}; {WORSE_LEGEND}.",
        "",
    ]


def _near_misses(section: Section) -> list[str]:
    lines = [
        f"- Trial {near.result.number} ({escaped(candidate_text(near.result))}): "
        + "; ".join(miss.sentence for miss in near.misses)
        for near in section.near_misses
    ]
    return ["Nearest to the limits:", "", *lines, ""] if lines else []


def _failures(group: ProfileGroup) -> list[str]:
    reasons = group.failure_reasons()
    if not reasons:
        return []
    lines = [f"{count_of(sum(n for _, n in reasons), 'candidate')} failed:", ""]
    lines += [
        f"- {times} × {escaped(shorten(reason))}" for reason, times in reasons[:REASONS_SHOWN]
    ]
    if len(reasons) > REASONS_SHOWN:
        lines.append(f"- and {count_of(len(reasons) - REASONS_SHOWN, 'other reason')}")
    return [*lines, ""]


def _code(command: str) -> list[str]:
    # A fence longer than any run of backticks inside cannot be closed from inside.
    longest = max((len(run) for run in re.findall(r"`+", command)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sh", command, fence]
