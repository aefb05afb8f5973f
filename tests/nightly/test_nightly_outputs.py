"""What a night leaves: a JUnit file that a CI reads, a summary, a page and a record."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_up_nights import CONDITION, DEVICE, World, of, result_of

from nightly.history import open_history
from nightly.metrics import LATENCY, RUNS
from nightly.outputs import write_outputs
from nightly.outputs.junit import junit_xml
from nightly.outputs.page import render_page
from nightly.outputs.record import night_record
from nightly.outputs.summary import markdown_summary
from nightly.records import DeviceNight, Status

HOSTILE = "</title><img src=x onerror=alert(1)> | `x` ]]> & \x1b[31m \u202eabc"


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    """Nine green nights and a red one, in which one model fell over as well."""
    path = tmp_path_factory.mktemp("nights") / "nights.db"
    with open_history(f"sqlite:///{path}") as history:
        world = World(history, {"a": 20.0, "b": 25.0, HOSTILE: 30.0, "d": 35.0, "e": 40.0})
        world.nights(9)
        world.latency_ms[HOSTILE] *= 1.2
        world.outcomes["d"] = "crashed"
        found = world.night()
        yield result_of(found, number=10, notes=(HOSTILE,)), history


def test_junit_has_one_case_a_model_device_and_metric_and_adds_up(red):
    root = ET.fromstring(junit_xml(red[0]))
    assert root.tag == "testsuites"
    (suite,) = root.findall("testsuite")
    cases = suite.findall("testcase")
    # Five models, four metrics each but for the one that did not run, and whether they ran.
    assert len(cases) == 4 * 4 + 5
    for element in (root, suite):
        assert int(element.get("tests")) == len(cases)
        assert int(element.get("failures")) == len(suite.findall("testcase/failure")) == 3
        assert int(element.get("errors")) == int(element.get("skipped")) == 0
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    assert all(float(element.get("time")) >= 0 for element in [suite, *cases])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))
    children = [child.tag for case in cases for child in case]
    assert set(children) == {"failure", "system-out"}


def test_a_failure_says_which_how_much_how_sure_and_since_when(red):
    root = ET.fromstring(junit_xml(red[0]))
    messages = [failure.get("message") for failure in root.iter("failure")]
    (latency,) = [message for message in messages if message.startswith("latency")]
    assert re.search(r"latency \+\d+\.\d \(|latency \+\d+\.\d % \(", latency)
    assert "seen twice tonight, p " in latency
    assert "since night 10" in latency
    assert any("does not run (crashed): it fell over" in message for message in messages)


def test_a_device_that_could_not_be_measured_is_an_error_of_each_model(red):
    result = result_of_failure(red[0])
    root = ET.fromstring(junit_xml(result))
    assert root.get("errors") == "2"
    assert root.get("tests") == "2"
    (first, _) = root.iter("error")
    assert first.get("message") == "device 38021FDJH00A does not answer"
    assert result.exit_code == 3


def result_of_failure(result):
    import dataclasses

    return dataclasses.replace(
        result,
        verdicts=(),
        devices=(DeviceNight(DEVICE, CONDITION, failure="device 38021FDJH00A does not answer"),),
        models=("a", "b"),
    )


class Elements(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_runs_and_loads_nothing_and_shows_what_is_red(red):
    page = render_page(*red)
    elements = Elements()
    elements.feed(page)
    assert not {"script", "img", "iframe", "link", "object", "base"} & set(elements.tags)
    assert [name for name, _ in elements.attributes if name in ("src", "href") or
            name.startswith("on")] == []  # fmt: skip
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "Red: 2 models of 5 got worse" in page
    assert "changed in night 10" in page
    assert page.count('<svg class="history"') >= 2
    assert 'class="bad"' in page
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_every_colour_that_the_page_names_it_has(red):
    style = "".join(re.findall(r"<style>(.*?)</style>", render_page(*red), re.S))
    assert set(re.findall(r"var\((--[\w-]+)\)", style)) <= set(re.findall(r"(--[\w-]+):", style))
    assert "var(--page)" in style


def test_the_summary_says_it_and_lets_no_name_become_markup(red):
    text = markdown_summary(red[0])
    assert "**Red: 2 models of 5 got worse" in text
    assert "## Got worse" in text
    assert "<img" not in text
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_the_record_holds_every_verdict_worst_first(red):
    result, _ = red
    record = json.loads(json.dumps(night_record(result), allow_nan=False))
    assert record["schema"] == "nightly/1"
    assert record["exit_code"] == 1
    assert len(record["verdicts"]) == len(result.verdicts)
    assert [v["status"] for v in record["verdicts"][:3]] == ["regression"] * 3
    (latency,) = [v for v in record["verdicts"] if v["metric"] == "latency" and
                  v["status"] == "regression"]  # fmt: skip
    assert latency["low"] < 0.2 < latency["high"]


def test_all_four_are_written(red, tmp_path):
    files = write_outputs(*red, tmp_path / "out")
    assert ET.parse(files.junit).getroot().tag == "testsuites"
    for path in (files.page, files.summary, files.record):
        assert path.stat().st_size > 500
    assert len(list(files.folder.iterdir())) == 4


def test_most_models_worse_at_once_points_at_the_device(tmp_path):
    from nightly.sentences import common_sentences

    with open_history(f"sqlite:///{tmp_path / 'nights.db'}") as history:
        world = World(history, dict.fromkeys("abcde", 20.0))
        world.nights(6)
        world.latency_ms = dict.fromkeys("abcde", 24.0)
        found = world.night()
    assert sum(v.status is Status.REGRESSION for v in found.verdicts) >= 5
    assert any("look at the device" in text for text in common_sentences(found.verdicts))


def test_a_red_night_says_what_to_do_and_what_stood_in(red):
    result, history = red
    seen = replace(result.devices[0], flags=("simulated",))
    told = replace(result, devices=(seen,), suite_path=Path("/watch/my suite.toml"))
    page, summary = render_page(told, history), markdown_summary(told, "index.html")
    junit = junit_xml(told, Path("/out/index.html"))
    for text in (page, summary, junit):
        assert "no model was timed" in text
        for command in ("nightly accept", "nightly", "git bisect run mobilesr-tune nightly"):
            assert f"{command} '/watch/my suite.toml'" in unescape(text)
        assert "--bisect --only" in text
        assert not re.search(r"[-−]0\.0+ (%|dB)", text)
    # The device as it was is told in words.
    assert "{&#34;" not in page
    assert "[The page of this night](index.html)" in summary
    for failure in ET.fromstring(junit).iter("failure"):
        assert failure.text.splitlines()[-1] == "Page: /out/index.html"


def test_what_the_night_could_have_found_is_told_and_is_what_it_finds(red):
    result, history = red
    sentence = "What tonight would have found in 19 nights of 20"
    for text in (markdown_summary(result), junit_xml(result), render_page(result, history)):
        assert sentence in text
    calm = [v for v in result.verdicts if v.metric == "latency" and v.status is Status.FINE]
    assert calm
    for verdict in calm:
        # The series that became 20 % slower was found; this is a fraction of it.
        assert LATENCY.floor < verdict.least_change < 0.1
        words = f"a change of +{100 * verdict.least_change:.1f} % would have been found"
        assert words in junit_xml(result)
    assert all(v.least_change is None for v in result.verdicts if v.metric in ("delegation", RUNS))
    recorded = {(v["series"]["model"], v["metric"]): v for v in night_record(result)["verdicts"]}
    assert recorded["a", "latency"]["least_change"] == of(result, "a", "latency").least_change
    # Of a first night nothing is said, in no output.
    unsaid = tuple(replace(verdict, least_change=None) for verdict in result.verdicts)
    assert "would have" not in markdown_summary(replace(result, verdicts=unsaid))
    assert "would have" not in junit_xml(replace(result, verdicts=unsaid))


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_change_well_above_the_least_is_red_and_one_well_below_is_not(tmp_path, factor):
    """A change of so many times what the night before could have found."""
    with open_history(f"sqlite:///{tmp_path / 'nights.db'}") as history:
        world = World(history, {"a": 20.0, "b": 25.0, "c": 30.0, "d": 35.0, "e": 40.0})
        before = of(world.nights(9), "c", "latency")
        least = before.least_change
        world.latency_ms["c"] *= 1 + factor * least
        found = of(world.night(), "c", "latency").status
    assert (found is Status.REGRESSION) == (factor > 1)


def test_junit_has_the_time_that_sessions_took_and_it_adds_up(red):
    result, _ = red
    seen = replace(result.devices[0], session_s=2.0)
    (suite,) = ET.fromstring(junit_xml(replace(result, devices=(seen,)))).findall("testsuite")
    times = [float(case.get("time")) for case in suite.findall("testcase")]
    sessions = sum(len(one.readings.get("latency", ())) for one in result.observations)
    assert sessions > 0
    assert sum(times) == float(suite.get("time")) == 2.0 * sessions
