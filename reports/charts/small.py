"""The small charts: steps over trials or time, effects with intervals, and bars in two parts.

All are 360 units wide, so that two stand side by side on a desk and one fills a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.charts import drawing
from reports.charts.scale import Scale

WIDTH = 360
ROW = 20


@dataclass(frozen=True)
class EffectRow:
    """A heading (no `place`), or a level with its effect and the interval around it."""

    words: str
    place: tuple[float, float, float] | None = None


def draw_steps(points: Sequence[tuple[float, float]], label: str, x_title: str) -> Markup:
    """A share of 0 to 1 that changes in steps, in percent."""
    last = points[-1][0]
    x = Scale(0.0, last if last > 0 else 1.0, 44, WIDTH - 12)
    y = Scale(0.0, 104.0, 196, 26)
    parts = drawing.x_axis(x, y.end, y.start, x_title, 5)
    parts += drawing.y_axis(y, x.start, x.end, "% of the final hypervolume", 4)
    d = f"M{x(points[0][0])} {y.start}"
    d += "".join(f"H{x(at)}V{y(100 * share)}" for at, share in points) + f"H{x.end}"
    return drawing.picture(WIDTH, 240, label, [*parts, drawing.path(d, "staircase")])


def draw_effects(rows: Sequence[EffectRow], label: str, x_title: str) -> Markup:
    """Dots with whiskers around zero, one level a row, under the name of their parameter."""
    ends = [end for row in rows if row.place for end in row.place] + [0.0]
    margin = 0.06 * (max(ends) - min(ends)) or 1.0
    x = Scale(min(ends) - margin, max(ends) + margin, 112, WIDTH - 12)
    height = 14 + ROW * len(rows)
    parts = drawing.x_axis(x, 8, height, x_title, 4)
    parts.append(drawing.line(x(0.0), 8, x(0.0), height, "axis"))
    for place, row in enumerate(rows):
        middle = 10 + ROW * (place + 0.5)
        if row.place is None:
            parts.append(drawing.text(4, middle + 4, row.words, "heading"))
            continue
        effect, low, high = row.place
        parts.append(drawing.text(104, middle + 4, row.words, "tick", "end"))
        bar = f"M{x(low)} {middle}H{x(high)}M{x(low)} {middle - 4}v8M{x(high)} {middle - 4}v8"
        parts.append(drawing.path(bar, "whisker"))
        parts.append(drawing.element("circle", class_="effect", cx=x(effect), cy=middle, r=4))
    return drawing.picture(WIDTH, height + 42, label, parts)


def draw_parts(
    rows: Sequence[tuple[str, Sequence[float]]], label: str, x_title: str, classes: Sequence[str]
) -> Markup:
    """Bars of which each part starts where the one before it ends."""
    longest = max((sum(parts) for _, parts in rows), default=0.0) or 1.0
    x = Scale(0.0, longest * 1.04, 72, WIDTH - 12)
    height = 14 + ROW * len(rows)
    drawn = drawing.x_axis(x, 8, height, x_title, 5)
    for place, (words, lengths) in enumerate(rows):
        top = 10 + ROW * place
        drawn.append(drawing.text(66, top + 14, words, "tick", "end"))
        at = 0.0
        for length, class_ in zip(lengths, classes, strict=True):
            left, right = x(at), x(at + length)
            drawn.append(
                drawing.element(
                    "rect", class_=f"part {class_}", x=left, y=top + 3,
                    width=round(max(right - left, 0.0), 1), height=ROW - 6,
                )
            )  # fmt: skip
            at += length
    return drawing.picture(WIDTH, height + 42, label, drawn)
