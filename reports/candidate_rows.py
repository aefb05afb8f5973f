"""Every candidate as a row of the page's table; the reader chooses which columns to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from device_runner.flags import STAND_INS
from foundation.wording import MISSING, ms, number, percent, plain
from reports.roles import STANDINGS, role_of
from reports.sections import Section
from reports.table import row
from reports.wording import candidate_code, gain_words
from search.study.records import CandidateResult


class PageColumn(NamedTuple):
    """A column: heading, unit, the cell of `reports.table.row`, how it becomes text.

    `at_first` says whether it is shown before the reader has chosen.
    """

    heading: str
    unit: str
    name: str
    show: Callable[[Any], str]
    at_first: bool = False


def _whole(value: float | None) -> str:
    return number(value, 0)


def _two(value: float | None) -> str:
    return number(value, 2)


COLUMNS = (
    PageColumn("Latency", "ms", "latency_ms", ms, at_first=True),
    PageColumn("Interval", "ms", "latency_low_ms", str, at_first=True),
    PageColumn("PSNR Y", "dB", "psnr_y_db", _two, at_first=True),
    PageColumn("Over bicubic", "dB", "gain_over_bicubic_db", gain_words, at_first=True),
    PageColumn("Peak memory", "MB", "peak_memory_mb", ms, at_first=True),
    PageColumn(
        "Parameters", "", "parameters",
        lambda value: MISSING if value is None else f"{value:,}", at_first=True,
    ),
    PageColumn("Work", "GMACs", "gmacs", _two),
    PageColumn("First run", "ms", "first_run_ms", ms),
    PageColumn("Load", "ms", "load_ms", ms),
    PageColumn("PSNR RGB", "dB", "psnr_rgb_db", _two),
    PageColumn("SSIM Y", "", "ssim_y", lambda value: number(value, 4)),
    PageColumn("File", "kB", "size_kb", _whole),
    PageColumn("Delegates", "", "delegates", _whole),
    PageColumn("Ops delegated", "%", "delegated_share", percent),
    PageColumn("Ops left", "", "undelegated_ops", _whole),
)  # fmt: skip
# What stands before `COLUMNS`: trial, standing, flags and configuration.
FIXED = 4


def candidate_row(result: CandidateResult, section: Section) -> dict[str, Any]:
    """The texts of one candidate, in the order of `COLUMNS`."""
    role = role_of(result, section.group, section.choice)
    cells = row(result, section.group)
    texts = {column.name: column.show(cells[column.name]) for column in COLUMNS}
    low, high = cells["latency_low_ms"], cells["latency_high_ms"]
    texts["latency_low_ms"] = MISSING if low is None or high is None else f"{ms(low)}–{ms(high)}"
    return {
        "trial": result.number,
        "role": role,
        "order": list(STANDINGS).index(role),
        "tie": cells["front_undecided"],
        "standing": STANDINGS[role],
        "code": candidate_code(result),
        "cells": [texts[column.name] for column in COLUMNS],
        # That a stand-in was measured stands above everything: it would be said in every row.
        "flags": plain(
            ", ".join(f for f in result.flags if f not in STAND_INS or not result.stand_in_note)
        ),
    }
