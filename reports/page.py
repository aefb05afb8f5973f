"""The study as one HTML page that needs nothing else: no network, no folder of files.

Everything that came from a device, a file or a person reaches the page either through Jinja's
autoescaping or as JSON in a block that no browser executes. The page's own policy allows
exactly the two scripts below, by checksum, and no connection at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from reports.choice import Choice, choose
from reports.facts import ProfileGroup, StudyFacts
from reports.headline import counts, headline, reproduce_command
from reports.plot import NAMES, beyond_the_plot, figure, role_of
from reports.table import row
from reports.wording import MISSING, config_code, ms, number, plain, shorten, signed_db
from search.records import CandidateResult

TEMPLATES = Path(__file__).parent / "templates"
REASON_LENGTH = 600
ENVIRONMENT_ROWS = 80
STANDINGS = {**NAMES, "stopped": "Stopped", "failed": "Failed"}
LEGEND = {
    **NAMES,
    "staircase": "Best PSNR within a latency",
    "bicubic": "Bicubic upscaling",
    "limit": "Constraint",
}
# The plot's markers once more, for legend and table, in a box of 16 around the origin.
MARKS = {
    "chosen": Markup('<path d="M0-8 2-2.5 8-2.5 3 1 5 7 0 3.5-5 7-3 1-8-2.5-2-2.5z"/>'),
    "front": Markup('<circle r="5"/>'),
    "behind": Markup('<circle r="5"/>'),
    "infeasible": Markup('<path d="M-5-5 5 5M5-5-5 5"/>'),
    "failed": Markup('<path d="M-5 0H5"/>'),
    "stopped": Markup('<path d="M0-7V7"/>'),
    "staircase": Markup('<path d="M-8 5H0V-5H8"/>'),
    "bicubic": Markup('<path d="M-8 0H8"/>'),
    "limit": Markup('<path d="M-8 0H8"/>'),
}


def render_page(facts: StudyFacts) -> str:
    """The whole page. Every group of `facts` must have a measured candidate or be told as such."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [_script(_plotly()), _script((TEMPLATES / "report.js").read_text("utf-8"))]
    sections = [_section(facts, group, place) for place, group in enumerate(facts.groups)]
    figures = {section["id"]: section.pop("figure") for section in sections}
    return environment.get_template("report.html.j2").render(
        title=facts.title,
        style=Markup((TEMPLATES / "report.css").read_text("utf-8")),
        scripts=scripts,
        policy=_policy(scripts),
        figures=Markup(htmlsafe_json_dumps(figures, dumps=_strict_json)),
        sections=sections,
        legend=LEGEND,
        marks=MARKS,
        columns=[(heading, unit) for heading, unit, _, _ in _COLUMNS],
        limits=facts.limits.sentences(),
        settings=_settings(facts),
        environment=flattened({"device": facts.profile, **facts.environment})[:ENVIRONMENT_ROWS],
        reproduce=reproduce_command(facts),
    )


def flattened(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as `a.b` and text, in order."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        label = f"{prefix}{name}"
        if isinstance(value, Mapping):
            rows += flattened(value, f"{label}.")
        elif isinstance(value, list | tuple):
            rows.append((plain(label), shorten(", ".join(map(str, value)))))
        elif value is not None and value != "":
            rows.append((plain(label), shorten(str(value))))
    return rows


def _section(facts: StudyFacts, group: ProfileGroup, place: int) -> dict[str, Any]:
    choice = choose(facts, group)
    plot = figure(group, choice, facts.limits) if group.measured else None
    return {
        "id": f"profile-{place}",
        "device": group.device,
        "headline": headline(group, choice),
        "choice": choice,
        "counts": counts(group),
        "stand_in": group.stand_in,
        "beyond": beyond_the_plot(group, facts.limits) if group.measured else [],
        "figure": plot,
        "roles": _legend_roles(plot),
        "rows": [_table_row(result, group, choice) for result in group.results],
        "failed": [
            (r.number, config_code(r.config), shorten(r.reason, REASON_LENGTH))
            for r in group.with_status("failed")
        ],
    }


# Heading, unit, and how a row of the table becomes text and something to sort by.
_COLUMNS: tuple[tuple[str, str, str, Callable[[Any], str]], ...] = (
    ("Latency", "ms", "latency_ms", ms),
    ("Interval", "ms", "latency_low_ms", str),
    ("PSNR Y", "dB", "psnr_y_db", lambda value: number(value, 2)),
    ("Over bicubic", "dB", "gain_over_bicubic_db", signed_db),
    ("Peak memory", "MB", "peak_memory_mb", ms),
    ("Parameters", "", "parameters", lambda value: MISSING if value is None else f"{value:,}"),
    ("Work", "GMACs", "gmacs", lambda value: number(value, 2)),
    ("First run", "ms", "first_run_ms", ms),
    ("Load", "ms", "load_ms", ms),
    ("PSNR RGB", "dB", "psnr_rgb_db", lambda value: number(value, 2)),
    ("SSIM Y", "", "ssim_y", lambda value: number(value, 4)),
    ("File", "kB", "size_kb", lambda value: number(value, 0)),
    ("Delegates", "", "delegates", lambda value: number(value, 0)),
    ("Ops delegated", "", "delegated_ops", lambda value: number(value, 0)),
    ("Ops left", "", "undelegated_ops", lambda value: number(value, 0)),
)


def _legend_roles(plot: dict[str, Any] | None) -> set[str]:
    """What is drawn, and so needs a word in the legend."""
    if plot is None:
        return set()
    traces = {trace["meta"]["role"] for trace in plot["data"]}
    return traces | {shape["name"] for shape in plot["layout"]["shapes"]}


def _table_row(result: CandidateResult, group: ProfileGroup, choice: Choice) -> dict[str, Any]:
    role = role_of(result, group, choice)
    cells = row(result, group)
    texts = {name: show(cells[name]) for _, _, name, show in _COLUMNS}
    low, high = cells["latency_low_ms"], cells["latency_high_ms"]
    texts["latency_low_ms"] = MISSING if low is None or high is None else f"{ms(low)}–{ms(high)}"
    return {
        "trial": result.number,
        "role": role,
        "order": list(STANDINGS).index(role),
        "tie": cells["front_undecided"],
        "standing": STANDINGS[role],
        "code": config_code(result.config),
        "key": cells["key"],
        "cells": [(texts[name], cells[name]) for _, _, name, _ in _COLUMNS],
        "flags": cells["flags"],
        "reason": "listed below" if role == "failed" else shorten(result.reason, REASON_LENGTH),
    }


def _settings(facts: StudyFacts) -> list[tuple[str, str]]:
    spec = {name: value for name, value in facts.spec.items() if name not in {"command"}}
    if facts.lr_size is not None:
        spec["lr_size"] = "{}×{} (height×width)".format(*facts.lr_size)
    return flattened(spec)


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _script(text: str) -> Markup:
    """A script as it will stand in the page, byte for byte, so that its checksum holds."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("a script that ends its own element cannot be inlined")
    return Markup(text)


def _policy(scripts: list[Markup]) -> str:
    digests = (hashlib.sha256(script.encode("utf-8")).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    # Plotly styles its drawing with style elements and attributes; the camera button makes a blob.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _strict_json(value: Any, **options: Any) -> str:
    return json.dumps(value, allow_nan=False, **options)
