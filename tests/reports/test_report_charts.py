"""Charts: what is drawn stands where its value says, and a file of its own is whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_studies import HOSTILE, candidate, rich_study, stopped, study

from reports.charts.front import draw_front, front_plot
from reports.charts.scale import Scale, nice_step
from reports.charts.small import EffectRow, draw_effects, draw_parts, draw_steps
from reports.charts.standalone import standalone_front
from reports.facts import StudyFacts
from reports.sections import sections_of

SVG = "{http://www.w3.org/2000/svg}"


@given(st.floats(1e-6, 1e9), st.integers(1, 20))
def test_steps_are_round_and_about_as_many_as_asked(span: float, about: int) -> None:
    step = nice_step(span, about)
    mantissa = float(f"{step:e}".split("e")[0])
    assert min(abs(mantissa - round_one) for round_one in (1, 2, 5, 10)) < 1e-6
    assert about / 2.6 <= span / step <= about * 2.6


@given(st.floats(-1e6, 1e6), st.floats(0.1, 1e6))
def test_ticks_lie_inside_and_labels_read_back(low: float, span: float) -> None:
    scale = Scale(low, low + span, 0.0, 500.0)
    ticks = scale.ticks(6)
    assert ticks
    for value, label in ticks:
        assert low - 1e-6 * span <= value <= low + span * (1 + 1e-6)
        step = nice_step(span, 6)
        assert float(label.replace("−", "-")) == pytest.approx(value, abs=step / 2)
    assert len({label for _, label in ticks}) == len(ticks)


@pytest.mark.parametrize("span", [0.0, -1.0, float("nan"), float("inf")])
def test_no_span_no_step(span: float) -> None:
    with pytest.raises(ValueError):
        nice_step(span, 5)


def drawn(facts: StudyFacts) -> ET.Element:
    (section,) = sections_of([facts])
    plot = front_plot(section.group, section.choice, facts.limits)
    return ET.fromstring(draw_front(plot, "front", 760, 430, "wide"))


def dots(svg: ET.Element) -> dict[str, list[ET.Element]]:
    found: dict[str, list[ET.Element]] = {}
    for group in svg.iter(f"{SVG}g"):
        classes = group.get("class", "").split()
        if classes[:1] == ["dot"]:
            found.setdefault(classes[1], []).append(group)
    return found


def test_each_role_has_its_own_mark_and_place() -> None:
    svg = drawn(rich_study())
    by_role = dots(svg)
    assert {role: len(found) for role, found in by_role.items()} == {
        "chosen": 1, "front": 3, "tie": 1, "behind": 2, "infeasible": 1, "stopped": 2,
    }  # fmt: skip
    marks = {found[0].findall(f"{SVG}path")[-1].get("d") for found in by_role.values()}
    assert len(marks) == len(by_role)
    low, high, start, end = map(float, svg.get("data-x", "").split())
    where = float(re.findall(r"[\d.]+", by_role["chosen"][0].get("transform", ""))[0])
    assert where == pytest.approx(start + (36.5 - low) / (high - low) * (end - start), abs=0.1)
    lines = {line.get("class") for line in svg.iter(f"{SVG}line")}
    assert {"bicubic", "limit"} <= lines
    # The chosen one is drawn above all others.
    assert list(svg.iter(f"{SVG}g"))[-2].get("class") == "dot chosen"


def test_a_wide_interval_does_not_press_the_rest_into_a_corner() -> None:
    wide = candidate(1, (20.0, 30.0), latency_high_ms=900.0)
    svg = drawn(study(candidate(0, (10.0, 29.0)), wide))
    high = float(svg.get("data-x", "").split()[1])
    assert high < 30


def test_one_point_has_a_plot_with_room() -> None:
    svg = drawn(study(candidate(0, (10.0, 29.0), bicubic_psnr_y_db=None)))
    low, high, *_ = map(float, svg.get("data-x", "").split())
    assert low < 10.0 < high
    low, high, *_ = map(float, svg.get("data-y", "").split())
    assert low < 29.0 < high


def test_a_front_is_a_file_of_its_own() -> None:
    (section,) = sections_of([rich_study(profile={"model": HOSTILE})])
    text = standalone_front(section)
    assert text is not None
    svg = ET.fromstring(text)
    assert (svg.get("width"), svg.get("viewBox", "").split()[2]) == ("760", "760")
    assert "prefers-color-scheme" in text
    assert not re.search(r"<(script|img|image|foreignObject)|url\(|https?://(?!www\.w3\.org)", text)
    assert any("Chosen" in (words.text or "") for words in svg.iter(f"{SVG}text"))
    (empty,) = sections_of([study(stopped(0, 9.0))])
    assert standalone_front(empty) is None


def test_small_charts_are_whole() -> None:
    steps = ET.fromstring(draw_steps([(1, 0.5), (2, 0.5), (3, 1.0)], "grows", "Candidates"))
    assert steps.get("aria-label") == "grows"
    rows = [
        EffectRow("n_feats"),
        EffectRow("8", (-3.0, -4.0, 1.0)),
        EffectRow("<16>", (3.0, 1.0, 4.0)),
    ]
    effects = ET.fromstring(draw_effects(rows, "effects", "%"))
    places = [float(c.get("cx", "")) for c in effects.iter(f"{SVG}circle")]
    assert places == sorted(places)
    parts = ET.fromstring(
        draw_parts([("a", (1.0, 2.0)), ("b", (0.0, 0.0))], "x", "ms", ("load", "first"))
    )
    bars = list(parts.iter(f"{SVG}rect"))
    first, second = (float(bar.get("width", "")) for bar in bars[:2])
    assert second == pytest.approx(2 * first, abs=0.2)
