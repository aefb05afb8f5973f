"""The front in the terminal: what a tuner reads first."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from foundation.wording import count_of, ms, number, shorten, signed_db
from reports.choice import Choice
from reports.compare_view import comparison_views
from reports.facts import ProfileGroup
from reports.headline import counts, headline
from reports.sections import Report, Section
from reports.wording import config_code, interval, parameters_of

REASONS_SHOWN = 3


def render(report: Report) -> RenderableType:
    """Front, choice and counts of every section. All text is inert: no markup is read from it."""
    parts: list[RenderableType] = []
    for section in report.sections:
        parts += _section(section)
    for view in comparison_views(report.sections):
        parts += [Text(view["sentence"]), *(Text(text) for text in view["transfers"])]
    return Group(*parts)


def front_table(group: ProfileGroup, choice: Choice) -> Table:
    """The front, fastest first, the chosen member marked with a star."""
    table = Table(
        title=Text(f"Front on {group.device}"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    table.add_column("Trial", justify="right", no_wrap=True)
    table.add_column("Config", min_width=17)
    for heading in ("Latency ms", "PSNR Y", "Gain dB", "Mem MB", "Params"):
        table.add_column(heading, justify="right")
    for result in group.front_and_ties:
        chosen = result is choice.result
        mark = "★" if chosen else "≈" if result.number in group.undecided_numbers else ""
        cells = (
            mark,
            str(result.number),
            config_code(result.config),
            interval(result),
            number(result.psnr_y_db, 2),
            signed_db(result.gain_db),
            ms(result.peak_memory_mb),
            parameters_of(result),
        )
        table.add_row(*map(Text, cells), style="bold green" if chosen else "")
    return table


def _section(section: Section) -> list[RenderableType]:
    group, choice = section.group, section.choice
    parts: list[RenderableType] = [front_table(group, choice)] if group.front else []
    if any(r.number in group.undecided_numbers for r in group.front_and_ties):
        parts.append(
            Text("≈ a tie: latency intervals leave open whether it is on the front", style="dim")
        )
    parts.append(Text(headline(group, choice), style="bold"))
    if choice.result:
        parts.append(Text(f"Why: {choice.rule}"))
    parts += [Text(caveat, style="yellow") for caveat in choice.caveats]
    parts += [Text(f"Constraint: {text}") for text in section.facts.limits.sentences()]
    parts.append(Text(counts(group)))
    for reason, times in group.failure_reasons()[:REASONS_SHOWN]:
        parts.append(Text(f"  failed, {count_of(times, 'time')}: {shorten(reason, 160)}", "red"))
    if group.stand_in:
        parts.append(Text(group.stand_in, style="yellow"))
    if choice.command:
        parts.append(Text(f"Export it: {choice.command}"))
    return parts
