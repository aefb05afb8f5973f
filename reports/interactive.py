"""What the page's scripts need: details of each dot, and the limits a reader may set.

Everything is a value in JSON that no browser executes; scripts write it as text only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from foundation.wording import count_of, ms, number, percent, plain, shorten, signed_db
from reports.charts.front import FrontPlot
from reports.charts.scale import nice_step
from reports.choice import export_command, is_fair
from reports.sections import Section
from reports.winner import Source, expected
from reports.wording import (
    WORSE_LEGEND,
    candidate_code,
    candidate_text,
    interval,
    worse_than_bicubic,
)
from search.study.records import CandidateResult


@dataclass(frozen=True)
class Knob:
    """A limit that the reader may move: a slider, and a field that is empty where there is none.

    Attributes:
        low, high: the ends of the slider, in its own direction: one end leaves the best alone,
            the other, `free`, is no limit.
        start: where it stands at first; None for no limit.
        ends: what the left and the right end mean.
    """

    name: str
    words: str
    unit: str
    low: float
    high: float
    step: float
    start: float | None
    free: float
    ends: tuple[str, str]


def dot_data(section: Section, plot: FrontPlot) -> dict[str, Any]:
    """The dots in the order of `plot.dots`, and the commands that export them.

    A command is stored as the place of its form and its trial: in a study all commands differ by
    the trial alone.
    """
    forms: list[list[str]] = []
    dots = []
    for result, role in plot.dots:
        dots.append(
            {
                "trial": result.number,
                "role": role,
                "code": candidate_code(result),
                "lines": details(result, section),
                "latency": result.latency_ms,
                "high": result.latency_high_ms,
                "psnr": result.psnr_y_db,
                "memory": _finite(result.peak_memory_mb),
                "worse": worse_than_bicubic(result),
                "interval": interval(result),
                "tie": result.number in section.group.undecided_numbers,
                "command": _command(section, result, forms) if result.status == "ok" else None,
            }
        )
    return {"dots": dots, "forms": forms}


def knobs(section: Section) -> list[Knob]:
    """Limits over what was measured, set so that the recommended candidate is the first winner.

    Empty where there is nothing to choose from.
    """
    measured, limits, best = section.group.measured, section.facts.limits, section.choice.result
    if len(measured) < 2:
        return []
    latencies = [r.latency_ms or 0.0 for r in measured]
    start = limits.max_latency_ms
    if start is None and best is not None:
        start = best.latency_ms
    found = [_at_most("latency", "Latency at most", "ms", latencies, start)]
    psnrs = [r.psnr_y_db or 0.0 for r in measured]
    found.append(_at_least("psnr", "PSNR at least", "dB", psnrs, limits.min_psnr_db))
    memories = [r.peak_memory_mb for r in measured if _finite(r.peak_memory_mb) is not None]
    if memories and len(memories) == len(measured):
        known = [memory or 0.0 for memory in memories]
        found.append(_at_most("memory", "Peak memory at most", "MB", known, limits.max_memory_mb))
    return found


def details(result: CandidateResult, section: Section) -> list[str]:
    """What hovering or focusing a dot tells, a line a fact."""
    lines = [f"Trial {result.number}", candidate_text(result), f"latency {interval(result)} ms"]
    found = expected(section.facts, section.group, result)
    if found.source is not Source.AS_CHOSEN:
        lines.append(f"if it is picked for that, expect {ms(found.latency_ms)} ms ({found.source})")
    if result.psnr_y_db is not None:
        over = f" ({signed_db(result.gain_db)} over bicubic)" if result.gain_db is not None else ""
        lines.append(f"PSNR {number(result.psnr_y_db, 2)} dB{over}")
    lines += _finetuned(result, section)
    if worse_than_bicubic(result):
        lines.append(WORSE_LEGEND)
    if result.timing is not None:
        first_run, memory = ms(result.timing.first_run_ms), ms(result.timing.peak_memory_mb)
        lines.append(f"first run {first_run} ms, peak memory {memory} MB")
    if (artifact := result.artifact) is not None:
        lines += [
            f"{artifact.parameters:,} parameters, {number(artifact.macs / 1e9, 2)} GMACs",
            f"{count_of(artifact.delegates, 'delegate')}, {artifact.delegated_ops} ops delegated, "
            f"{artifact.undelegated_ops} not",
        ]
    probability = section.group.front_probability(result)
    if probability is not None:
        tie = " (a tie)" if result.number in section.group.undecided_numbers else ""
        lines.append(f"on the front with a probability of {percent(probability)}{tie}")
    if result.flags:
        lines.append("flags: " + shorten(", ".join(result.flags), 120))
    if result.reason:
        lines.append(shorten(result.reason, 90))
    return lines


def _finetuned(result: CandidateResult, section: Section) -> list[str]:
    """What finetuning made of it, and whether it is exported so."""
    made = section.facts.finetuned_of(section.group)
    after = next((one.after for one in made if one.after.number == result.number), None)
    if after is None or after.psnr_y_db is None:
        return []
    exported = "exported so" if is_fair(after) else "not recommended so"
    return [f"finetuned {number(after.psnr_y_db, 2)} dB, {exported}"]


def _command(section: Section, result: CandidateResult, forms: list[list[str]]) -> list[Any]:
    command = plain(export_command(section.facts.run_path, result))
    number = str(result.number)
    before, after = command.rsplit(number, 1)
    form = [before, after]
    if form not in forms:
        forms.append(form)
    return [forms.index(form), number]


def _at_most(name: str, words: str, unit: str, values: list[float], limit: float | None) -> Knob:
    step = _step(values)
    # Rounded up, so that the least candidate stays inside at the left end.
    low, high = _up(min(values), step), _up(max(values), step)
    start = None if limit is None else _up(limit, step, 1e-9)
    if start is not None and start >= high:
        start = None
    if start is not None:
        start = max(start, low)
    return Knob(name, words, unit, low, high, step, start, high, (_LEAST[name], "no limit"))


def _at_least(name: str, words: str, unit: str, values: list[float], limit: float | None) -> Knob:
    step = _step(values)
    low, high = _down(min(values), step), _down(max(values), step)
    start = None if limit is None else min(_down(limit, step, 1e-9), high)
    if start is not None and start <= low:
        start = None
    return Knob(name, words, unit, low, high, step, start, low, ("no limit", "the best alone"))


_LEAST = {"latency": "the fastest alone", "memory": "the smallest alone"}


def _step(values: list[float]) -> float:
    """About 200 steps between the ends."""
    span = (max(values) - min(values)) or abs(max(values)) or 1.0
    return nice_step(span, 200)


def _up(value: float, step: float, slack: float = 0.0) -> float:
    return round(math.ceil(value / step - slack) * step, 9)


def _down(value: float, step: float, slack: float = 0.0) -> float:
    return round(math.floor(value / step + slack) * step, 9)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
