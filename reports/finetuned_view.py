"""Finetuned candidates beside what they were as slices of the supernet: rows and a plot."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from foundation.wording import MISSING, number
from reports.charts import drawing
from reports.charts.scale import Scale
from reports.left_out import trials_in_words
from reports.sections import Section
from reports.winner import fresh_of
from reports.wording import candidate_code, interval
from search.study.finetuned import FinetunedResult

ANEW = "Anew, ms"
HEADINGS = (
    "Trial", "Configuration", "Latency, ms", ANEW, "Slice, dB", "Finetuned, dB", "Gain",
)  # fmt: skip
# The columns of words; the others are of numbers.
LEFT = ("Configuration", "Gain")
WIDTH, HEIGHT = 360, 260


def finetuned_rows(section: Section) -> list[tuple[str, ...]]:
    """One row a finetuned candidate, as `HEADINGS` name the cells; empty without any."""
    return [
        (
            str(one.after.number),
            candidate_code(one.after),
            interval(one.after) if one.after.timing else MISSING,
            _anew(section, one),
            number(one.before.psnr_y_db, 2),
            number(one.after.psnr_y_db, 2),
            one.verdict,
        )
        for one in section.facts.finetuned_of(section.group)
    ]


def _anew(section: Section, one: FinetunedResult) -> str:
    fresh = fresh_of(section.facts, one.after)
    return MISSING if fresh is None else interval(fresh.result)


def finetuned_words(section: Section) -> str:
    """How they were made, in a sentence; empty without any."""
    found = section.facts.finetuned_of(section.group)
    if not found:
        return ""
    steps = sorted({one.steps for one in found})
    pictures = sorted({one.photographs for one in found})
    return (
        f"Each was cut out of the supernet and trained by itself for {_or(steps)} steps on "
        f"{_or(pictures)} photographs, distilled from a teacher. Gains are paired over the "
        f"pictures, with 95 % intervals. {_latency_words(found)}"
    )


def _latency_words(found: Sequence[FinetunedResult]) -> str:
    """By what they are timed."""
    others = sorted(one.after.number for one in found if not one.latency_is_the_trials)
    words = (
        "Finetuning changes weights, not the graph: each has the latency of its trial, which "
        "sessions after finetuning or of 'confirm', told as measured anew, do not change."
    )
    if others:
        words += (
            f" Not so of {trials_in_words(others)}, exported as another graph than the trial: "
            "timed by the sessions after finetuning."
        )
    return words


def draw_finetuned(section: Section) -> Markup | None:
    """A line from each candidate's place as a slice up to its place finetuned."""
    drawn = [
        one
        for one in section.facts.finetuned_of(section.group)
        if None not in (one.before.latency_ms, one.before.psnr_y_db,
                        one.after.latency_ms, one.after.psnr_y_db)
    ]  # fmt: skip
    if not drawn:
        return None
    places = [_places(one) for one in drawn]
    x = _scale([at[0] for pair in places for at in pair], 48, WIDTH - 14)
    y = _scale([at[1] for pair in places for at in pair], HEIGHT - 44, 26)
    parts = drawing.x_axis(x, y.end, y.start, "latency, ms", 4)
    parts += drawing.y_axis(y, x.start, x.end, "PSNR Y, dB: slice (open) and finetuned (full)", 5)
    for one, ((x1, y1), (x2, y2)) in zip(drawn, places, strict=True):
        parts.append(drawing.line(x(x1), y(y1), x(x2), y(y2), "whisker"))
        for (px, py), kind in (((x1, y1), "before"), ((x2, y2), "effect")):
            parts.append(drawing.element("circle", class_=kind, cx=x(px), cy=y(py), r=4))
        parts.append(drawing.text(x(x2) + 7, y(y2) - 6, str(one.after.number), "tick"))
    label = f"PSNR of {len(drawn)} candidates before and after finetuning, over their latency."
    return drawing.picture(WIDTH, HEIGHT, label, parts, fixed=True)


def _places(one: FinetunedResult) -> tuple[tuple[float, float], tuple[float, float]]:
    return (
        (one.before.latency_ms or 0.0, one.before.psnr_y_db or 0.0),
        (one.after.latency_ms or 0.0, one.after.psnr_y_db or 0.0),
    )


def _scale(values: Sequence[float], start: float, end: float) -> Scale:
    margin = 0.12 * (max(values) - min(values)) or 0.1 * abs(max(values)) or 1.0
    return Scale(min(values) - margin, max(values) + margin, start, end)


def _or(values: Sequence[int]) -> str:
    return " or ".join(f"{value:,}" for value in values)
