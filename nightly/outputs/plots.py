"""A series over its nights as inline SVG: no script, drawn in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from nightly.metrics import Metric, Scale
from nightly.records import Point

WIDTH, HEIGHT = 720.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 12.0, 22.0, 30.0


@dataclass(frozen=True)
class Mark:
    """Something that happened in a night, drawn as a line across the plot with its words."""

    night: int
    kind: str  # `change`, `epoch` or `baseline`: the page colours them
    label: str


@dataclass(frozen=True)
class Plot:
    """What is drawn of one metric of one series; points are the metric's own values."""

    metric: Metric
    points: Sequence[Point]
    blamed: frozenset[int]
    marks: Sequence[Mark] = ()
    reference: float | None = None
    floor: float = 0.0


def sparkline(plot: Plot) -> Markup:
    """The shape alone, for a table's cell."""
    width, height = 120.0, 22.0
    points = list(plot.points)
    if len(points) < 2:
        return Markup("")
    scale = _Frame(plot, width, height, (1, 1, 2, 2))
    path = " ".join(f"{scale.x(p.night):.1f},{scale.y(p.value):.1f}" for p in points)
    last = points[-1]
    kind = "bad" if last.night in plot.blamed else "good"
    return Markup(
        '<svg class="spark" viewBox="0 0 {w:g} {h:g}" aria-hidden="true">'
        '<polyline class="line" points="{path}"/>'
        '<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="2.4"/></svg>'
    ).format(w=width, h=height, path=path, kind=kind, x=scale.x(last.night), y=scale.y(last.value))


def history_plot(plot: Plot, title: str) -> Markup:
    """Every night as a dot with its interval, the baseline's band, and what happened when."""
    if not plot.points:
        return Markup("")
    frame = _Frame(plot, WIDTH, HEIGHT, (LEFT, RIGHT, TOP, BOTTOM))
    parts = [_axes(plot, frame), _band(plot, frame)]
    parts += [_mark(mark, frame, row) for row, mark in enumerate(plot.marks)]
    parts += [_dot(plot, point, frame) for point in plot.points]
    return Markup(
        '<svg class="history" viewBox="0 0 {w:g} {h:g}" role="img">'
        "<title>{title}</title>{parts}</svg>"
    ).format(w=WIDTH, h=HEIGHT, title=title, parts=Markup("").join(parts))


class _Frame:
    """From nights and values to places in the picture."""

    def __init__(
        self, plot: Plot, width: float, height: float, margins: tuple[float, float, float, float]
    ) -> None:
        left, right, top, bottom = margins
        nights = [point.night for point in plot.points]
        values = [point.value for point in plot.points]
        if plot.reference is not None:
            values.append(plot.reference)
        self.first, self.last = min(nights), max(nights)
        low, high = min(values), max(values)
        room = 0.08 * (high - low) or 0.02 * abs(high) or 1.0
        self.low, self.high = low - room, high + room
        self.left, self.top = left, top
        self.width, self.height = width - left - right, height - top - bottom

    def x(self, night: int) -> float:
        span = max(1, self.last - self.first)
        return self.left + self.width * (min(max(night, self.first), self.last) - self.first) / span

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.top + self.height * (1 - min(max(share, 0.0), 1.0))


def _axes(plot: Plot, frame: _Frame) -> Markup:
    parts = []
    for step in range(3):
        value = frame.low + (frame.high - frame.low) * (0.08 + 0.42 * step)
        parts.append(
            Markup(
                '<line class="grid" x1="{a:.1f}" x2="{b:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
                '<text class="tick" x="{t:.1f}" y="{u:.1f}" text-anchor="end">{words}</text>'
            ).format(
                a=frame.left,
                b=frame.left + frame.width,
                y=frame.y(value),
                t=frame.left - 6,
                u=frame.y(value) + 4,
                words=plot.metric.value_words(value),
            )
        )
    ends = ((frame.first, "start"), (frame.last, "end"))
    for night, anchor in ends if frame.last > frame.first else ends[:1]:
        parts.append(
            Markup(
                '<text class="tick" x="{x:.1f}" y="{y:g}" text-anchor="{a}">{words}</text>'
            ).format(x=frame.x(night), y=HEIGHT - 8, a=anchor, words=f"night {night}")
        )
    return Markup("").join(parts)


def _band(plot: Plot, frame: _Frame) -> Markup:
    """The reference, and how far from it nobody is woken."""
    if plot.reference is None:
        return Markup("")
    ratio = plot.metric.scale is Scale.RATIO
    low = plot.reference / (1 + plot.floor) if ratio else plot.reference - plot.floor
    high = plot.reference * (1 + plot.floor) if ratio else plot.reference + plot.floor
    return Markup(
        '<rect class="band" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>'
        '<line class="reference" x1="{x:.1f}" x2="{b:.1f}" y1="{r:.1f}" y2="{r:.1f}"/>'
    ).format(
        x=frame.left, y=frame.y(high), w=frame.width, h=max(0.0, frame.y(low) - frame.y(high)),
        b=frame.left + frame.width, r=frame.y(plot.reference),
    )  # fmt: skip


def _mark(mark: Mark, frame: _Frame, row: int) -> Markup:
    x = frame.x(mark.night)
    anchor = "end" if x > frame.left + frame.width / 2 else "start"
    return Markup(
        '<g class="event {kind}"><line x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:.1f}"/>'
        '<text x="{t:.1f}" y="{y:g}" text-anchor="{a}">{label}</text></g>'
    ).format(
        kind=mark.kind, x=x, top=TOP - 8, bottom=frame.top + frame.height,
        t=x + (-5 if anchor == "end" else 5), y=TOP - 4 + 13 * (row % 3), a=anchor,
        label=mark.label,
    )  # fmt: skip


def _dot(plot: Plot, point: Point, frame: _Frame) -> Markup:
    kind = "bad" if point.night in plot.blamed else "good"
    x = frame.x(point.night)
    return Markup(
        '<line class="bar {kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{a:.1f}" y2="{b:.1f}"/>'
        '<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.2"><title>{words}</title></circle>'
    ).format(
        kind=kind, x=x, a=frame.y(point.value - 2 * point.error),
        b=frame.y(point.value + 2 * point.error), y=frame.y(point.value),
        words=escape(f"night {point.night}: {plot.metric.value_words(point.value)}"),
    )  # fmt: skip
