"""A front as an SVG file of its own, which a pull request shows without any script."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup

from foundation.page_style import palette
from reports.charts import drawing
from reports.charts.front import draw_front
from reports.roles import LEGEND, MARKS
from reports.sections import Section

STYLE = Path(__file__).parents[1] / "templates" / "chart.css"
WIDTH, HEIGHT = 760, 430
LEGEND_ROW = 22
LEGEND_COLUMN = 370


def front_file(place: int) -> str:
    """The file beside the summary that holds the front of the section at `place`."""
    return "front.svg" if place == 0 else f"front-{place + 1}.svg"


def standalone_front(section: Section) -> str | None:
    """The whole file, None where no candidate was measured. It follows light and dark itself."""
    plot = section.plot
    if plot is None:
        return None
    chart = draw_front(plot, f"Latency against PSNR on {section.name}", WIDTH, HEIGHT)
    inner = re.sub(r"^<svg[^>]*>|</svg>$", "", str(chart))
    shown = [role for role in LEGEND if role in plot.roles]
    rows = -(-len(shown) // 2)
    height = HEIGHT + 30 + LEGEND_ROW * rows
    style = Markup(f"<style>{palette()}{STYLE.read_text('utf-8')}</style>")
    card = drawing.element("rect", class_="card", width=WIDTH, height=height)
    title = drawing.text(12, 20, section.name, "heading")
    body = Markup(f'<g transform="translate(0 22)">{inner}</g>')
    legend = [_legend(role, at) for at, role in enumerate(shown)]
    return str(
        drawing.picture(
            WIDTH,
            height,
            f"Latency against PSNR on {section.name}",
            [style, card, title, body, *legend],
            fixed=True,
        )
    )


def _legend(role: str, at: int) -> Markup:
    x, y = 20 + LEGEND_COLUMN * (at % 2), HEIGHT + 40 + LEGEND_ROW * (at // 2)
    mark = (
        drawing.line(-9, 0, 9, 0, role)
        if role in {"staircase", "bicubic", "limit"}
        else drawing.element("g", drawing.path(MARKS[role], "mark"), class_=f"dot {role}")
    )
    words = drawing.text(16, 4, LEGEND[role], "tick")
    return drawing.element("g", mark, words, transform=f"translate({x} {y - 4})")
