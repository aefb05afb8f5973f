"""One section as the template wants it: texts, rows and drawn charts."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from foundation.wording import MISSING, ms, number, percent
from reports.answer import cards, how_sure, pictures_words, short_answer
from reports.candidate_rows import candidate_row
from reports.charts.front import FrontPlot, draw_front
from reports.charts.small import EffectRow, draw_effects, draw_parts, draw_steps
from reports.effects import TargetEffects
from reports.finetuned_view import HEADINGS as FINETUNED_HEADINGS
from reports.finetuned_view import draw_finetuned, finetuned_rows, finetuned_words
from reports.growth import FrontGrowth
from reports.headline import counts, headline
from reports.interactive import dot_data, knobs
from reports.left_out import FlagCount, flag_counts, left_out, trials_in_words
from reports.next_steps import next_steps
from reports.picture_scores import picture_rows
from reports.pictures import GAIN, crop_data, gallery
from reports.precision_view import HEADINGS as PRECISION_HEADINGS
from reports.precision_view import precision_rows, precision_words
from reports.sections import Section
from reports.table import row
from reports.wording import WORSE_LEGEND, candidate_code, gain_words, worse_than_bicubic
from search.study.records import CandidateResult

SPLIT_ROWS = 14
GROWTH_ROWS = 200


def section_view(section: Section, place: int, picture_bytes: int) -> dict[str, Any]:
    """Everything the page shows of `section`; `data` is what its scripts need.

    `picture_bytes` is how much of the page its pictures may take.
    """
    group, choice = section.group, section.choice
    plot, shown = section.plot, gallery(section, picture_bytes)
    data = dot_data(section, plot) | crop_data(shown) if plot else None
    return {
        "id": f"device-{place}",
        "name": section.name,
        "answer": short_answer(section),
        "about": pictures_words(section),
        "cards": cards(section),
        "sure": how_sure(section),
        "steps": next_steps(section),
        "headline": headline(group, choice),
        "choice": choice,
        "why_none": "" if choice.result else f"{choice.rule[:1].upper()}{choice.rule[1:]}",
        "counts": counts(group),
        "limits": section.facts.limits.sentences(),
        "stand_in": group.stand_in,
        "charts": _front_charts(plot, section) if plot else [],
        "roles": plot.roles if plot else set(),
        "beyond": [line.words for line in plot.beyond] if plot else [],
        "knobs": knobs(section) if plot else [],
        "rows": [candidate_row(result, section) for result in group.results],
        "front_rows": [_front_row(result, section) for result in group.front_and_ties],
        "near_misses": [
            (
                near.result.number,
                candidate_code(near.result),
                ms(near.result.latency_ms),
                ms(near.result.peak_memory_mb),
                number(near.result.psnr_y_db, 2),
                "; ".join(miss.sentence for miss in near.misses),
            )
            for near in section.near_misses
        ],
        "finetuned": finetuned_rows(section),
        "finetuned_headings": list(FINETUNED_HEADINGS),
        "finetuned_words": finetuned_words(section),
        "finetuned_chart": draw_finetuned(section),
        "precisions": precision_rows(section),
        "precision_headings": list(PRECISION_HEADINGS),
        "precision_words": precision_words(section),
        "pictures": picture_rows(group, choice.result),
        "worse": WORSE_LEGEND if any(map(worse_than_bicubic, group.measured)) else "",
        "ties": bool(group.undecided_numbers),
        "gallery": shown,
        "gain": GAIN,
        "effects": [_effects_view(one) for one in section.effects],
        "split": _split_view(section),
        "growth": _growth_view(section.growth),
        "left_out": [
            (o.trial, o.code, o.standing, o.reason) for o in left_out(group, section.facts.limits)
        ],
        "flags": [_flag_row(one) for one in flag_counts(group)],
        "data": data,
    }


def _flag_row(found: FlagCount) -> tuple[str, ...]:
    says = "the number is doubtful" if found.doubtful else "where it comes from"
    return found.flag, says, found.meaning, found.advice, trials_in_words(found.trials)


def _front_charts(plot: FrontPlot, section: Section) -> list[Markup]:
    label = (
        f"Latency against PSNR of {len(plot.dots)} candidates on {section.name}. "
        "The tables below hold the same numbers."
    )
    return [
        draw_front(plot, label, 760, 430, "wide"),
        draw_front(plot, label, 360, 340, "narrow"),
    ]


def _front_row(result: CandidateResult, section: Section) -> tuple[Any, ...]:
    cells = row(result, section.group)
    mark = "★ " if section.choice.is_of(result) else ""
    tie = "≈ " if cells["front_undecided"] else ""
    low, high = result.latency_low_ms, result.latency_high_ms
    probability = cells["front_probability"]
    return (
        f"{mark}{tie}{result.number}",
        candidate_code(result),
        ms(result.latency_ms),
        MISSING if low is None or high is None else f"{ms(low)}–{ms(high)}",
        number(result.psnr_y_db, 2),
        gain_words(cells["gain_over_bicubic_db"]),
        ms(result.peak_memory_mb),
        percent(probability),
    )


def _effects_view(found: TargetEffects) -> dict[str, Any]:
    rows: list[EffectRow] = []
    for parameter in found.parameters:
        share = percent(parameter.importance)
        rows.append(EffectRow(f"{parameter.name}: {share} of what is explained"))
        rows += [EffectRow(o.words, (o.effect, o.low, o.high)) for o in parameter.levels]
    label = f"Effect of each parameter's levels on {found.target}, in {found.unit}."
    title = f"Effect on {found.target}, {found.unit}"
    return {
        "found": found,
        "name": found.target[0].upper() + found.target[1:],
        "chart": draw_effects(rows, label, title) if rows else None,
        "explained": percent(found.explained),
        "joined": {2: "halves", 3: "thirds"}.get(found.joined, ""),
        "table": [
            (
                parameter.name,
                f"{percent(parameter.importance)} ({percent(parameter.importance_low)}–"
                f"{percent(parameter.importance_high)})",
                level.words,
                _signed(level.effect, found.unit),
                f"{_signed(level.low, found.unit)} to {_signed(level.high, found.unit)}",
                level.candidates,
            )
            for parameter in found.parameters
            for level in parameter.levels
        ],
    }


def _signed(value: float, unit: str) -> str:
    digits = 2 if unit == "dB" else 1
    return f"{'+' if value >= 0 else ''}{number(value, digits)}"


def _split_view(section: Section) -> dict[str, Any] | None:
    """Load, first run and steady state of the front; as much of it as a chart can hold."""
    rows = [
        (f"Trial {r.number}", (timing.load_ms, timing.first_run_ms, timing.latency_ms))
        for r in section.group.front
        if (timing := r.timing) and timing.load_ms is not None and timing.first_run_ms is not None
    ][:SPLIT_ROWS]
    if not rows:
        return None
    return {
        "chart": draw_parts(
            rows,
            "Loading, first run and one steady run of each member of the front.",
            "ms: load, first run, one run thereafter",
            ("load", "first", "steady"),
        ),
        "table": [
            (name, *(ms(part) for part in parts), ms(parts[0] + parts[1])) for name, parts in rows
        ],
    }


def _growth_view(found: FrontGrowth | None) -> dict[str, Any] | None:
    if found is None or found.final <= 0 or len(found.trials) < 2:
        return None
    charts = [
        draw_steps(
            [(float(at), volume / found.final) for at, (_, volume) in enumerate(found.trials, 1)],
            "Hypervolume of the front after each candidate, in percent of the last.",
            "Candidates finished",
        )
    ]
    if found.minutes and found.minutes[-1][0] > 0:
        charts.append(
            draw_steps(
                [(at, volume / found.final) for at, volume in found.minutes],
                "Hypervolume of the front over time, in percent of the last.",
                "Minutes since the first candidate",
            )
        )
    gains = _gains(found)
    return {
        "charts": charts,
        "reference": f"{ms(found.reference[0])} ms and {number(found.reference[1], 2)} dB",
        "final": number(found.final, 1),
        "last_gain": found.last_gain_trial,
        "table": gains[:GROWTH_ROWS],
    }


def _gains(found: FrontGrowth) -> list[tuple[int, int, str, str]]:
    """The candidates that made the front grow: how many were finished, trial, minutes, share."""
    rows, before = [], 0.0
    for at, (trial, volume) in enumerate(found.trials):
        if volume > before:
            minutes = number(found.minutes[at][0], 1) if found.minutes else MISSING
            rows.append((at + 1, trial, minutes, percent(volume / found.final)))
        before = volume
    return rows
