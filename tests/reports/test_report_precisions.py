"""Configs in several precisions: one family, what each costs and gains, a line on the plot."""

import xml.etree.ElementTree as ET

import pytest
from made_up_studies import candidate, study

from models.deployment import Deployment
from reports.charts.front import draw_front, front_plot
from reports.markdown import markdown_summary
from reports.precision_view import precision_rows, precision_words
from reports.precisions import families
from reports.report import report_of
from reports.sections import sections_of


def in_precision(number, precision, place, config_of=1):
    """A candidate of the config that `candidate(config_of)` has."""
    deployment = Deployment.build(
        lr_height=180, lr_width=320, lowering="direct", strip_kb=3072, precision=precision
    )
    found = candidate(number, place)
    return found.model_copy(
        update={"deployment": deployment, "config": candidate(config_of, place).config}
    )


FACTS = study(
    in_precision(1, "int8", (30.0, 31.90), config_of=1),
    in_precision(2, "fp32", (45.0, 31.95), config_of=1),
    in_precision(3, "fp16", (36.0, 31.94), config_of=1),
    in_precision(4, "fp32", (20.0, 30.00), config_of=2),
    in_precision(5, "fp16", (25.0, 31.00), config_of=3),
    in_precision(6, "int8", (20.0, 30.99), config_of=3),
    candidate(7),
)


def test_a_family_is_one_config_with_fp32_first():
    (section,) = sections_of([FACTS])
    found = families(section.group)
    assert [[one.number for one in family.members] for family in found] == [[2, 3, 1], [5, 6]]
    int8 = found[0].members[-1]
    assert found[0].times_as_fast(int8) == pytest.approx(1.5)
    assert found[0].difference_db(int8) == pytest.approx(-0.05)
    # Without fp32 the others are held against fp16.
    assert found[1].times_as_fast(found[1].members[1]) == pytest.approx(1.25)


def test_another_strip_plan_or_size_is_no_family():
    other = in_precision(2, "fp32", (45.0, 31.95))
    other = other.model_copy(
        update={"deployment": other.deployment.model_copy(update={"lr_width": 160})}
    )
    (section,) = sections_of([study(in_precision(1, "int8", (30.0, 31.9)), other)])
    assert families(section.group) == []
    assert precision_rows(section) == []
    assert precision_words(section) == ""


def test_the_rows_say_what_a_precision_costs_and_gains():
    (section,) = sections_of([FACTS])
    rows = precision_rows(section)
    assert [row[1:3] for row in rows] == [
        ("fp32", "2"), ("fp16", "3"), ("int8", "1"), ("fp16", "5"), ("int8", "6"),
    ]  # fmt: skip
    assert [(row[4], row[6]) for row in rows[1:3]] == [("1.25", "-0.010"), ("1.50", "-0.050")]
    assert "2 configs" in precision_words(section)
    assert "fp16 or fp32" in precision_words(section)


def test_the_plot_joins_them_and_the_summary_tells_them():
    (section,) = sections_of([FACTS])
    plot = front_plot(section.group, section.choice, FACTS.limits)
    assert "family" in plot.roles
    svg = ET.fromstring(draw_front(plot, "front", 760, 430, "wide"))
    lines = [one.get("d") for one in svg.iter() if one.get("class") == "family"]
    assert [line.count("L") for line in lines] == [2, 1]
    text = markdown_summary(report_of([FACTS]))
    assert "### What a precision costs and gains" in text
    assert "| int8 | 1 |" in text


def test_a_study_of_one_precision_shows_none_of_it():
    facts = study(candidate(1, (30.0, 31.9)), candidate(2, (40.0, 32.0)))
    (section,) = sections_of([facts])
    assert "family" not in front_plot(section.group, section.choice, facts.limits).roles
    assert "precision costs" not in markdown_summary(report_of([facts]))
