"""SVG elements as escaped text, and what every chart has: a frame, a grid, axes with words."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from reports.charts.scale import Scale


def element(name: str, *children: object, **attributes: object) -> Markup:
    """An SVG element. `class_` is `class`, `data_x` is `data-x`; None leaves an attribute out."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(escape(child) for child in children)
    return Markup(f"<{name}{words}>{inner}</{name}>" if children else f"<{name}{words}/>")


def text(x: float, y: float, words: str, class_: str, anchor: str | None = None) -> Markup:
    """One line of text at its baseline; `anchor` is start, middle or end."""
    return element("text", words, class_=class_, x=x, y=y, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", class_=class_, x1=x1, y1=y1, x2=x2, y2=y2)


def path(d: str, class_: str) -> Markup:
    """A path of SVG's own path language."""
    return element("path", class_=class_, d=d)


def picture(
    width: int,
    height: int,
    label: str,
    parts: Iterable[object],
    *,
    fixed: bool = False,
    **attributes: object,
) -> Markup:
    """A whole SVG of `width` x `height` units, `fixed` or scaled to the room it is given."""
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width if fixed else None,
        height=height if fixed else None,
        role="img",
        aria_label=label,
        **attributes,
    )


def x_axis(scale: Scale, top: float, bottom: float, title: str, about: int = 6) -> list[Markup]:
    """Grid lines, tick labels and the title of a horizontal axis."""
    parts: list[Markup] = []
    for value, label in scale.ticks(about):
        at = scale(value)
        parts += [
            line(at, top, at, bottom, "grid"),
            text(at, bottom + 16, label, "tick", "middle"),
        ]
    return [*parts, text(scale.end, bottom + 34, title, "title", "end")]


def y_axis(scale: Scale, left: float, right: float, title: str, about: int = 6) -> list[Markup]:
    """The same for a vertical axis; its title stands above it, where nobody tilts the head."""
    parts: list[Markup] = []
    for value, label in scale.ticks(about):
        at = scale(value)
        parts += [line(left, at, right, at, "grid"), text(left - 6, at + 4, label, "tick", "end")]
    return [*parts, text(4, scale.end - 10, title, "title")]
