"""The plane of latency and PSNR: every candidate with its interval, and the front through it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from foundation.wording import number
from reports.charts import drawing
from reports.charts.scale import Scale
from reports.choice import Choice
from reports.facts import Limits, ProfileGroup, latency_interval
from reports.precisions import Family, families
from reports.roles import MARKS, NAMES, role_of
from search.study.records import CandidateResult

# A limit far beyond every point would press the points into a corner: then it is told in words.
FAR = 2.0
CUT = 1.2
# Numbers beside this many members of the front; a longer one is read by hovering.
LABELLED = 16
Range = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A reference across the plot: a latency limit (axis x), a PSNR limit or bicubic (axis y)."""

    axis: str
    at: float
    words: str
    role: str


@dataclass(frozen=True)
class FrontPlot:
    """What is drawn of one profile's candidates; failed ones have no place.

    Attributes:
        dots: every candidate drawn and its role, in the order of `ProfileGroup.results`.
        beyond: reference lines too far out to be drawn.
        families: configs measured in several precisions, joined by lines.
    """

    dots: tuple[tuple[CandidateResult, str], ...]
    front: tuple[CandidateResult, ...]
    x_range: Range
    y_range: Range
    lines: tuple[Line, ...]
    beyond: tuple[Line, ...]
    families: tuple[Family, ...] = ()

    @property
    def roles(self) -> set[str]:
        """What needs a word in the legend."""
        drawn = {role for _, role in self.dots} | {line.role for line in self.lines}
        drawn |= {"family"} if self.families else set()
        return drawn | ({"staircase"} if self.front else set())


def front_plot(group: ProfileGroup, choice: Choice, limits: Limits) -> FrontPlot:
    """Place the candidates of a group that has at least one measured candidate."""
    dots = [(r, role_of(r, group, choice)) for r in group.results if _drawable(r)]
    lines = _lines(group, limits)
    x_range, y_range = _ranges(group, [r for r, _ in dots], limits)
    inside = [x_range[0] <= o.at <= x_range[1] if o.axis == "x" else
              y_range[0] <= o.at <= y_range[1] for o in lines]  # fmt: skip
    return FrontPlot(
        dots=tuple(dots),
        front=tuple(group.front),
        x_range=x_range,
        y_range=y_range,
        lines=tuple(one for one, drawn in zip(lines, inside, strict=True) if drawn),
        beyond=tuple(one for one, drawn in zip(lines, inside, strict=True) if not drawn),
        families=tuple(families(group)),
    )


def draw_front(plot: FrontPlot, label: str, width: int, height: int, size: str = "") -> Markup:
    """The plot in `width` x `height` units. Each candidate is a group with its place in `dots`."""
    x = Scale(*plot.x_range, 48, width - 14)
    y = Scale(*plot.y_range, height - 46, 26)
    left, right, top, bottom = x.start, x.end, y.end, y.start
    parts = drawing.x_axis(x, top, bottom, "Latency, ms (less is better)", width // 80)
    parts += drawing.y_axis(y, left, right, "PSNR on Y, dB (more is better)", height // 60)
    parts += [drawing.line(left, bottom, right, bottom, "axis")]
    parts += [mark for one in plot.lines for mark in _reference(one, x, y)]
    if plot.front:
        parts.append(_staircase(plot.front, x, y))
    parts += [_family(one, x, y) for one in plot.families]
    # The chosen one is drawn last, above its neighbours.
    order = sorted(range(len(plot.dots)), key=lambda i: -list(NAMES).index(plot.dots[i][1]))
    marks = [_dot(i, *plot.dots[i], x, y) for i in order]
    if len(plot.front) <= LABELLED:
        marks += _labels(plot.front, x, y)
    overlay = drawing.element("g", "", class_="overlay")
    return drawing.picture(
        width, height, label, [*parts, drawing.element("g", *marks, class_="dots"), overlay],
        class_="front-chart",
        data_size=size or None, data_x=f"{x.low} {x.high} {x.start} {x.end}",
        data_y=f"{y.low} {y.high} {y.start} {y.end}",
    )  # fmt: skip


def _dot(index: int, result: CandidateResult, role: str, x: Scale, y: Scale) -> Markup:
    low, high = latency_interval(result)
    assert result.latency_ms is not None
    at = x(result.latency_ms)
    up = y.start if result.psnr_y_db is None else y(result.psnr_y_db)
    left, right = round(x(low) - at, 1), round(min(x(high), x.end) - at, 1)
    cap = f"M{right}-3V3" if high <= x.high else ""
    bar = [drawing.path(f"M{left} 0H{right}M{left}-3V3{cap}", "bar")] if high > low else []
    return drawing.element(
        "g", *bar, drawing.path(MARKS[role], "mark"),
        class_=f"dot {role}", transform=f"translate({at} {up})", data_i=index,
    )  # fmt: skip


def _labels(front: Sequence[CandidateResult], x: Scale, y: Scale) -> list[Markup]:
    """Trial numbers, up and to the left of the front: where no candidate can be."""
    labels: list[Markup] = []
    last = (-math.inf, math.inf)
    for result in front:
        at, up = x(result.latency_ms or 0.0) - 5, y(result.psnr_y_db or 0.0) - 9
        if at - last[0] < 18 and last[1] - up < 13:
            continue
        last = (at, up)
        labels.append(drawing.text(round(at, 1), round(up, 1), str(result.number), "label", "end"))
    return labels


def _staircase(front: Sequence[CandidateResult], x: Scale, y: Scale) -> Markup:
    """The best PSNR to be had within a latency, which holds until the next step."""
    steps = [(x(r.latency_ms or 0.0), y(r.psnr_y_db or 0.0)) for r in front]
    d = f"M{steps[0][0]} {steps[0][1]}" + "".join(f"H{at}V{up}" for at, up in steps[1:])
    return drawing.path(f"{d}H{x.end}", "staircase")


def _family(family: Family, x: Scale, y: Scale) -> Markup:
    """From precision to precision of one config."""
    places = [(x(r.latency_ms or 0.0), y(r.psnr_y_db or 0.0)) for r in family.members]
    return drawing.path("M" + "L".join(f"{at} {up}" for at, up in places), "family")


def _reference(one: Line, x: Scale, y: Scale) -> list[Markup]:
    if one.axis == "x":
        at = x(one.at)
        anchor = "end" if at > (x.start + x.end) / 2 else "start"
        shift = -4 if anchor == "end" else 4
        return [
            drawing.line(at, y.end, at, y.start, one.role),
            drawing.text(at + shift, y.start - 8, one.words, f"words {one.role}", anchor),
        ]
    at = y(one.at)
    return [
        drawing.line(x.start, at, x.end, at, one.role),
        drawing.text(x.end, at - 5, one.words, f"words {one.role}", "end"),
    ]


def _ranges(
    group: ProfileGroup, drawn: Sequence[CandidateResult], limits: Limits
) -> tuple[Range, Range]:
    # A wide interval must not press the points into a corner: beyond this it is cut off.
    furthest = CUT * max(r.latency_ms or 0.0 for r in drawn)
    xs = [min(end, furthest) for r in drawn for end in latency_interval(r)]
    ys = [r.psnr_y_db for r in group.measured if r.psnr_y_db is not None] + group.bicubic_db
    limit, floor = limits.max_latency_ms, limits.min_psnr_db
    if limit is not None and min(xs) / FAR <= limit <= max(xs) * FAR:
        xs.append(limit)
    if floor is not None and min(ys) - FAR <= floor <= max(ys) + FAR:
        ys.append(floor)
    low, high = min(xs), max(xs)
    margin = 0.06 * (high - low) or 0.1 * high or 1.0
    left = 0.0 if low < 0.5 * high else low - margin
    rise = 0.08 * (max(ys) - min(ys)) or 0.5
    return (left, high + margin), (min(ys) - rise, max(ys) + rise)


def _lines(group: ProfileGroup, limits: Limits) -> list[Line]:
    lines = [
        Line("y", value, f"bicubic {number(value, 2)} dB", "bicubic") for value in group.bicubic_db
    ]
    if limits.max_latency_ms is not None:
        at = limits.max_latency_ms
        lines.append(Line("x", at, f"latency limit {at:g} ms", "limit"))
    if limits.min_psnr_db is not None:
        at = limits.min_psnr_db
        lines.append(Line("y", at, f"PSNR limit {at:g} dB", "limit"))
    return lines


def _drawable(result: CandidateResult) -> bool:
    """Whether there is a finite latency and, unless it was stopped before, a finite PSNR."""
    needed = [result.latency_ms] + [result.psnr_y_db] * (result.status == "ok")
    return result.status != "failed" and all(v is not None and math.isfinite(v) for v in needed)
