"""The study as GitHub-flavoured Markdown: for a pull request, a wiki, a chat."""

from __future__ import annotations

import html
import re

from reports.choice import Choice, choose
from reports.facts import ProfileGroup, StudyFacts
from reports.headline import counts, headline, reproduce_command
from reports.table import gain
from reports.wording import (
    config_text,
    count_of,
    interval,
    ms,
    number,
    plain,
    shorten,
    signed_db,
)

_SPECIAL = re.compile(r"([\\`*_\[\]|~])")
REASONS_SHOWN = 10


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link, no image, one line."""
    harmless = _SPECIAL.sub(r"\\\1", html.escape(plain(text), quote=False))
    return harmless.replace("@", "&#64;")


def markdown_summary(facts: StudyFacts) -> str:
    """The whole summary. A profile gets its own section; their numbers are not to be compared."""
    lines = [f"# {escaped(facts.title)}", ""]
    for group in facts.groups:
        lines += _section(facts, group)
    lines += ["## How to reproduce", "", *_code(reproduce_command(facts)), ""]
    return "\n".join(lines)


def _section(facts: StudyFacts, group: ProfileGroup) -> list[str]:
    choice = choose(facts, group)
    lines = [f"## {escaped(group.device)}", "", f"**{escaped(headline(group, choice))}**", ""]
    lines += [f"> {escaped(group.stand_in)}", ""] if group.stand_in else []
    lines += [f"- Why this one: {escaped(choice.rule)}"] if choice.result else []
    lines += [f"- Mind: {escaped(caveat)}" for caveat in choice.caveats]
    lines += [f"- Constraint: {escaped(text)}" for text in facts.limits.sentences()]
    lines += [f"- Candidates: {counts(group)}", ""]
    lines += _front(group, choice)
    if choice.command:
        lines += ["Export the chosen one:", "", *_code(choice.command), ""]
    return lines + _failures(group)


def _front(group: ProfileGroup, choice: Choice) -> list[str]:
    if not group.front:
        return []
    lines = [
        "| | Trial | Configuration | Latency, ms (interval) | PSNR Y, dB | Over bicubic, dB "
        "| Peak memory, MB | Parameters |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for r in group.front_and_ties:
        mark = "★" if r is choice.result else "≈" if r.number in group.undecided_numbers else ""
        cells = [
            mark,
            str(r.number),
            escaped(config_text(r.config)),
            interval(r),
            number(r.psnr_y_db, 2),
            signed_db(gain(r)),
            ms(r.peak_memory_mb),
            f"{r.parameters:,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [
        *lines,
        "",
        "★ chosen; ≈ a tie: latency intervals leave open whether it is on the front.",
        "",
    ]


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
