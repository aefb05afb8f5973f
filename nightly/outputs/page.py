"""A night as one HTML page with its history: no script at all, no network.

What is red comes first, each with a plot of its past; every model follows in a table. Whatever a
device, a file or a person brought reaches the page through Jinja's autoescaping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from device_runner.flags import flag_words
from foundation.page_style import page_style
from foundation.wording import MISSING, plain, shorten
from nightly.history import History
from nightly.history.reading import Trail
from nightly.metrics import BY_NAME, RUNS
from nightly.night import NightResult
from nightly.outputs.plots import Mark, Plot, history_plot, sparkline
from nightly.outputs.told import (
    headline,
    least_of,
    metric_title,
    next_steps,
    profile_words,
    stand_in_sentences,
    with_status,
)
from nightly.records import Epoch, SeriesKey, Status, Verdict
from nightly.sentences import signed

TEMPLATES = Path(__file__).parents[1] / "templates"
NIGHTS_SHOWN = 120
# Every plot is some kilobytes; a page that is red all over says it in the first hundred.
PLOTS_SHOWN = 100
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_LOUD = (Status.REGRESSION, Status.UNCONFIRMED, Status.IMPROVED)
Trails = Mapping[tuple[str, str], Mapping[str, Trail]]


def render_page(result: NightResult, history: History) -> str:
    """The whole page; reads `NIGHTS_SHOWN` nights of the suite's history."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    nights = history.nights(result.suite, last=NIGHTS_SHOWN)
    since = nights[0].number if nights else 0
    places = {(device.device, device.condition) for device in result.devices}
    trails: Trails = {
        place: history.trails(result.suite, *place, since=since) for place in sorted(places)
    }
    drawer = _Drawer(trails, history.epochs(result.suite), result.floors)
    by_status = {status: with_status(result, status) for status in Status}
    loud = [verdict for status in _LOUD for verdict in by_status[status]]
    return environment.get_template("nightly.html.j2").render(
        title=f"Nightly {plain(result.suite)}, night {result.night.number}",
        style=Markup(page_style()),
        own_style=Markup((TEMPLATES / "nightly.css").read_text("utf-8")),
        policy=_POLICY,
        headline=headline(result),
        stand_ins=stand_in_sentences(result),
        steps=next_steps(result),
        red=result.exit_code != 0,
        night=result.night,
        notes=[plain(note) for note in result.notes],
        stories=[drawer.story(verdict) for verdict in loud[:PLOTS_SHOWN]],
        untold=len(loud) - len(loud[:PLOTS_SHOWN]),
        devices=[_device(device, result, drawer) for device in result.devices],
        epochs=[_epoch(epoch) for epoch in history.epochs(result.suite) if _place(epoch) in places],
        nights=list(reversed(nights)),
    )


def _device(device: Any, result: NightResult, drawer: _Drawer) -> dict[str, Any]:
    rows: dict[SeriesKey, dict[str, Verdict]] = {}
    for verdict in result.verdicts:
        if (verdict.series.device, verdict.series.condition) == (device.device, device.condition):
            rows.setdefault(verdict.series, {})[verdict.metric] = verdict
    metrics = [n for n in (*BY_NAME, RUNS) if any(n in found for found in rows.values())]
    return {
        "name": f"{plain(device.device)} ({plain(device.condition)})",
        "failure": plain(device.failure),
        "unsteady": device.unsteady,
        "flags": [(plain(flag), flag_words(flag)) for flag in device.flags],
        "least": least_of(result, device),
        "headings": [metric_title(name) for name in metrics],
        "rows": [
            {"model": plain(key.model), "cells": [drawer.cell(found.get(n)) for n in metrics]}
            for key, found in sorted(rows.items())
        ],
    }


def _place(epoch: Epoch) -> tuple[str, str]:
    return epoch.device, epoch.condition


def _epoch(epoch: Epoch) -> dict[str, Any]:
    return {
        "device": f"{plain(epoch.device)} ({plain(epoch.condition)})",
        "night": epoch.first_night,
        "reason": plain(epoch.reason),
        "profile": shorten(profile_words(epoch.profile), 600),
    }


class _Drawer:
    """Draws what a verdict is about, from the nights that were read."""

    def __init__(
        self, trails: Trails, epochs: Sequence[Epoch], floors: Mapping[str, float]
    ) -> None:
        self._trails = trails
        self._epochs = epochs
        self._floors = floors

    def story(self, verdict: Verdict) -> dict[str, Any]:
        """A verdict with its plot, for the head of the page."""
        plot = self._plot(verdict)
        name = f"{verdict.series.words()}: {metric_title(verdict.metric)}"
        return {
            "name": plain(name),
            "status": str(verdict.status),
            "sentence": plain(verdict.sentence),
            "plot": Markup("") if plot is None else history_plot(plot, plain(name)),
        }

    def cell(self, verdict: Verdict | None) -> dict[str, Any]:
        """A verdict as a cell of the table: value, change, shape of the past."""
        if verdict is None:
            return {"status": "", "text": MISSING, "change": "", "spark": Markup(""), "title": ""}
        if verdict.metric == RUNS:
            fine = verdict.status in (Status.FINE, Status.IMPROVED)
            return {
                "status": str(verdict.status), "text": "yes" if fine else "no", "change": "",
                "spark": Markup(""), "title": plain(verdict.sentence),
            }  # fmt: skip
        metric = BY_NAME[verdict.metric]
        change = ""
        if verdict.change is not None:
            change = signed(metric, verdict.change)
        plot = self._plot(verdict)
        return {
            "status": str(verdict.status),
            "text": MISSING if verdict.value is None else metric.value_words(verdict.value),
            "change": change,
            "spark": Markup("") if plot is None else sparkline(plot),
            "title": plain(verdict.sentence),
        }

    def _plot(self, verdict: Verdict) -> Plot | None:
        series, name = verdict.series, verdict.metric
        trail = self._trails.get((series.device, series.condition), {}).get(series.model)
        if trail is None or name not in trail.points:
            return None
        nights = {point.night for point in trail.points[name]}
        marks = [
            Mark(epoch.first_night, "epoch", shorten(epoch.reason, 60))
            for epoch in self._epochs
            if _place(epoch) == (series.device, series.condition) and epoch.first_night in nights
            and epoch.first_night != min(nights)
        ]  # fmt: skip
        if verdict.baseline_night in nights:
            marks.append(Mark(int(verdict.baseline_night or 0), "baseline", "baseline"))
        if verdict.since is not None:
            how = "creeping since" if verdict.creep is not None else "changed in"
            marks.append(Mark(verdict.since, "change", f"{how} night {verdict.since}"))
        return Plot(
            BY_NAME[name],
            trail.points[name],
            frozenset(trail.blamed.get(name, set())),
            marks,
            verdict.reference,
            self._floors.get(name, BY_NAME[name].floor),
        )
