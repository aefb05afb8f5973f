"""The plane of latency and PSNR as Plotly data: plain dictionaries, no colours.

A trace names its `role`; the page's style sheet gives each role its colour, in light, dark and
print. Every role also has its own marker, so that nothing is told by colour alone.
"""

from __future__ import annotations

import html
import math
from typing import Any

from reports.choice import Choice
from reports.facts import Limits, ProfileGroup, latency_interval
from reports.table import gain
from reports.wording import config_text, count_of, interval, ms, number, plain, shorten, signed_db
from search.records import CandidateResult

Trace = dict[str, Any]

# A limit far beyond every point would press the points into a corner: then it is told in words.
FAR = 2.0

SYMBOLS = {
    "chosen": "star",
    "front": "circle",
    "behind": "circle-open",
    "infeasible": "x-thin",
    "stopped": "line-ns-open",
}
NAMES = {
    "chosen": "Chosen",
    "front": "On the front",
    "behind": "Behind the front",
    "infeasible": "Breaks a constraint",
    "stopped": "Stopped before quality (no PSNR: on the bottom edge)",
}


def role_of(result: CandidateResult, group: ProfileGroup, choice: Choice) -> str:
    """What a candidate is shown as: a key of `NAMES`, or `failed`."""
    if result.status != "ok":
        return result.status
    if result is choice.result:
        return "chosen"
    if any(result is member for member in group.front):
        return "front"
    return "behind" if result.feasible else "infeasible"


def figure(group: ProfileGroup, choice: Choice, limits: Limits) -> dict[str, Any]:
    """Traces and layout for one profile. Failed candidates have no place in it."""
    roles: dict[str, list[CandidateResult]] = {name: [] for name in NAMES}
    for result in group.results:
        role = role_of(result, group, choice)
        if role in roles and _drawable(result):
            roles[role].append(result)
    x_range, y_range = _ranges(group, limits)
    traces = [_staircase(group.front, x_range[1])] if group.front else []
    # The chosen one is drawn last, above its neighbours.
    for role in reversed(NAMES):
        if roles[role]:
            traces.append(_markers(role, roles[role], group))
    layout = {
        "xaxis": {"title": {"text": "Latency, ms (less is better)"}, "range": x_range},
        "yaxis": {"title": {"text": "PSNR on Y, dB (more is better)"}, "range": y_range},
        # Stopped candidates keep to the bottom edge, however the PSNR axis is zoomed.
        "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        "shapes": [],
        "annotations": [],
    }
    for line in _lines(group, limits):
        _add_line(layout, line, x_range, y_range)
    return {"data": traces, "layout": layout}


def beyond_the_plot(group: ProfileGroup, limits: Limits) -> list[str]:
    """The limits that lie too far out to be drawn, in words."""
    x_range, y_range = _ranges(group, limits)
    lines = _lines(group, limits)
    return [
        text for axis, at, text, _ in lines if not _inside(at, x_range if axis == "x" else y_range)
    ]


def details(result: CandidateResult, group: ProfileGroup) -> str:
    """What hovering tells: Plotly reads a little HTML in it, so every value is escaped."""
    lines = [
        f"<b>Trial {result.number}</b>",
        config_text(result.config),
        f"latency {interval(result)} ms",
    ]
    if result.psnr_y_db is not None:
        over = f" ({signed_db(gain(result))} over bicubic)" if gain(result) is not None else ""
        lines.append(f"PSNR {number(result.psnr_y_db, 2)} dB{over}")
    lines += [
        f"first run {ms(result.first_run_ms)} ms, peak memory {ms(result.peak_memory_mb)} MB",
        f"{result.parameters:,} parameters, {number(result.macs / 1e9, 2)} GMACs",
        f"{count_of(result.delegates, 'delegate')}, {result.delegated_ops} ops delegated, "
        f"{result.undelegated_ops} not",
    ]
    if result.number in group.undecided_numbers:
        lines.append("a tie: intervals leave open if it is on the front")
    if result.flags:
        lines.append("flags: " + plain(", ".join(result.flags)))
    if result.reason:
        lines.append(shorten(result.reason, 90))
    return lines[0] + "<br>" + "<br>".join(html.escape(line) for line in lines[1:])


def _markers(role: str, results: list[CandidateResult], group: ProfileGroup) -> Trace:
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": NAMES[role],
        "meta": {"role": role},
        "x": [r.latency_ms for r in results],
        "y": [r.psnr_y_db for r in results],
        "text": [details(r, group) for r in results],
        "customdata": [r.number for r in results],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": SYMBOLS[role], "size": 17 if role == "chosen" else 11},
        "cliponaxis": False,
    }
    trace["marker"]["line"] = {"width": 0 if role in {"chosen", "front"} else 2}
    if role == "stopped":
        return trace | {"y": [0.0] * len(results), "yaxis": "y2"}
    ends = [latency_interval(r) for r in results]
    trace["error_x"] = {
        "type": "data",
        "symmetric": False,
        "array": [high - x for (_, high), x in zip(ends, trace["x"], strict=True)],
        "arrayminus": [x - low for (low, _), x in zip(ends, trace["x"], strict=True)],
        "thickness": 1.5,
        "width": 4,
    }
    return trace


def _staircase(front: list[CandidateResult], right: float) -> Trace:
    """The best PSNR to be had within a latency, which holds until the next step."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Best PSNR within a latency",
        "meta": {"role": "staircase"},
        "x": [*(r.latency_ms for r in front), right],
        "y": [*(r.psnr_y_db for r in front), front[-1].psnr_y_db],
        "line": {"shape": "hv", "width": 2},
        "hoverinfo": "skip",
    }


def _ranges(group: ProfileGroup, limits: Limits) -> tuple[list[float], list[float]]:
    drawn = [r for r in group.results if _drawable(r)]
    xs = [end for r in drawn for end in latency_interval(r)]
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
    return [left, high + margin], [min(ys) - rise, max(ys) + rise]


def _lines(group: ProfileGroup, limits: Limits) -> list[tuple[str, float, str, str]]:
    """Axis, position, words and role of each reference line."""
    lines = [
        ("y", value, f"bicubic {number(value, 2)} dB", "bicubic") for value in group.bicubic_db
    ]
    if limits.max_latency_ms is not None:
        at = limits.max_latency_ms
        lines.append(("x", at, f"latency limit {at:g} ms", "limit"))
    if limits.min_psnr_db is not None:
        at = limits.min_psnr_db
        lines.append(("y", at, f"PSNR limit {at:g} dB", "limit"))
    return lines


def _drawable(result: CandidateResult) -> bool:
    """Whether there is a finite latency and, unless it was stopped before, a finite PSNR."""
    needed = [result.latency_ms] + [result.psnr_y_db] * (result.status == "ok")
    return result.status != "failed" and all(v is not None and math.isfinite(v) for v in needed)


def _inside(at: float, limits: list[float]) -> bool:
    return limits[0] <= at <= limits[1]


def _add_line(
    layout: dict[str, Any],
    line: tuple[str, float, str, str],
    x_range: list[float],
    y_range: list[float],
) -> None:
    axis, at, words, role = line
    if not _inside(at, x_range if axis == "x" else y_range):
        return
    along, across = ("y", "x") if axis == "x" else ("x", "y")
    layout["shapes"].append(
        {
            "type": "line",
            f"{across}ref": across,
            f"{across}0": at,
            f"{across}1": at,
            f"{along}ref": f"{along} domain",
            f"{along}0": 0,
            f"{along}1": 1,
            "layer": "below",
            "name": role,
            "line": {"width": 1.5, "dash": "dot" if role == "bicubic" else "dash"},
        }
    )
    upright = axis == "x"
    layout["annotations"].append(
        {
            "text": html.escape(words),
            "name": role,
            "showarrow": False,
            "xref": "x" if upright else "x domain",
            "yref": "y domain" if upright else "y",
            "x": at if upright else 1,
            "y": 1 if upright else at,
            "xanchor": "left" if upright else "right",
            "yanchor": "top" if upright else "bottom",
            "xshift": 2 if upright else 0,
            "textangle": -90 if upright else 0,
        }
    )
