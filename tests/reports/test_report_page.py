"""The page: one file, no network, nothing hostile alive in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import plotly.graph_objects as go
import pytest
from made_up_studies import HOST_NOTE, HOSTILE, candidate, rich_study, stopped, study
from reports.plot import figure

from reports.choice import choose
from reports.facts import StudyFacts
from reports.page import flattened, render_page

FETCHING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping"}
VOID = {"meta", "link", "img", "br", "hr", "input", "path", "circle"}


class Page(HTMLParser):
    """What a browser would make of it: elements, fetches, scripts and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.fetches: list[str] = []
        self.handlers: list[str] = []
        self.attributes: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[dict[str, str], str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes.append((tag, known))
        self.fetches += [value for name, value in known.items() if name in FETCHING]
        self.fetches += [value for name, value in known.items() if name.endswith("href")]
        self.handlers += [name for name in known if name.startswith("on")]
        if tag == "script":
            self.scripts.append((known, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def figures(self) -> dict[str, Any]:
        return json.loads(next(text for known, text in self.scripts if known.get("id")))


@pytest.fixture(scope="module")
def rendered() -> str:
    return render_page(rich_study())


@pytest.fixture(scope="module")
def page(rendered: str) -> Page:
    return Page(rendered)


def test_page_is_one_well_formed_file_that_fetches_nothing(rendered: str, page: Page) -> None:
    assert page.open == []
    assert page.fetches == []
    assert page.handlers == []
    assert not {"link", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert "@import" not in rendered.split("</style>")[0]
    assert "url(" not in rendered.split("</style>")[0]
    assert len(rendered.encode()) < 6_000_000


def test_policy_allows_the_pages_own_scripts_and_no_connection(page: Page) -> None:
    policy = next(a["content"] for tag, a in page.attributes if tag == "meta" and "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy.split("script-src")[1].split(";")[0]
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    running = {
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for known, text in page.scripts
        if known.get("type") != "application/json"
    }
    assert allowed == running
    assert len(running) == 2


def test_no_button_uploads_the_chart(page: Page) -> None:
    ours = page.scripts[-1][1]
    assert "modeBarButtons:" in ours
    assert "showSendToCloud: false" in ours


def test_headline_answers_the_question(page: Page) -> None:
    assert (
        "Trial 4 (n_feats 16, heads 4, ratios 2·2·2, window 8) upscales 320×180 to 1280×720 pixels "
        "in 36.5 (35.8–37.6) ms with PSNR 29.95 dB, 1.52 dB above bicubic, on phone-pixel-8"
    ) in page.text
    assert (
        "mobilesr-tune export --weights 'runs/my phone/weights/supernet.pt' "
        "--key n16_h4_r2.2.2_w8_x4_p1 --lr-size 180x320 --output best"
    ) in page.text
    assert "mobilesr-tune search --hr 'my photos/it'\"'\"'s' --seed 0" in page.text
    assert "packages.torch 2.13.0" in page.text
    assert "Stand-in." not in page.text


def test_stand_in_is_told_first() -> None:
    page = Page(render_page(study(candidate(0, (10.0, 29.0), stand_in_note=HOST_NOTE))))
    assert 0 < page.text.index(HOST_NOTE) < page.text.index("What a decibel costs")


def test_hostile_words_are_words(rendered: str, page: Page) -> None:
    assert "img" not in page.tags
    assert "<img" not in rendered.replace(page.scripts[1][1], "")
    assert "</script><img src=x onerror=alert(1)> | `x`" in page.text
    assert "\x1b" not in rendered
    assert "\u202e" not in rendered


def test_hostile_names_do_not_reach_the_plot_as_markup() -> None:
    bad = candidate(
        0,
        (10.0, 29.0),
        flags=(HOSTILE,),
        profile_key=HOSTILE,
        device_serial=HOSTILE,
        key=HOSTILE,
        config={"n_feats": "<a href='javascript:x'>", "ratios": [HOSTILE]},
    )
    text = render_page(study(bad, title=HOSTILE, environment={HOSTILE: {HOSTILE: [HOSTILE]}}))
    page = Page(text)
    assert "img" not in page.tags
    assert page.handlers == []
    data = next(part for known, part in page.scripts if known.get("id"))
    assert "<" not in data
    hover = page.figures["profile-0"]["data"][1]["text"][0]
    assert set(re.findall(r"<[^>]*>", hover)) <= {"<b>", "</b>", "<br>"}


def test_every_candidate_is_in_the_table(rendered: str, page: Page) -> None:
    rows = [a for tag, a in page.attributes if tag == "tr" and "data-trial" in a]
    assert [row["data-trial"] for row in rows] == [str(i) for i in range(13)]
    assert [row["class"] for row in rows] == [
        "front", "front", "behind", "front", "chosen", "behind", "behind", "infeasible",
        "stopped", "stopped", "failed", "failed", "failed",
    ]  # fmt: skip
    assert "the device answered wrongly: off by 0.3" in page.text
    assert ("html", {"lang": "en"}) in page.attributes
    assert any(a.get("role") == "img" and a["aria-label"] for _, a in page.attributes)
    assert "prefers-color-scheme" in rendered
    assert "@media print" in rendered


def drawing(facts: StudyFacts) -> dict[str, Any]:
    group = facts.groups[0]
    return figure(group, choose(facts, group), facts.limits)


def test_figure_is_what_plotly_accepts_and_roles_differ_by_marker() -> None:
    drawn = drawing(rich_study())
    go.Figure(drawn)
    traces = {trace["meta"]["role"]: trace for trace in drawn["data"]}
    assert set(traces) == {"staircase", "chosen", "front", "behind", "infeasible", "stopped"}
    symbols = [t["marker"]["symbol"] for t in drawn["data"] if "marker" in t]
    assert len(set(symbols)) == len(symbols)
    assert traces["staircase"]["line"]["shape"] == "hv"
    assert traces["chosen"]["x"] == [36.5]
    assert traces["chosen"]["error_x"]["array"] == [pytest.approx(36.5 * 0.03)]
    assert traces["stopped"]["x"] == [61.0, 74.0]
    assert traces["stopped"]["yaxis"] == "y2"
    lines = {
        (shape["name"], shape.get("x0") or shape.get("y0")) for shape in drawn["layout"]["shapes"]
    }
    assert ("bicubic", 28.43) in lines
    assert ("limit", 40.0) in lines


def test_a_limit_far_away_is_told_in_words() -> None:
    facts = study(candidate(0, (10.0, 29.0)), spec={"max_latency_ms": 400.0})
    assert drawing(facts)["layout"]["xaxis"]["range"][1] < 20
    assert "latency limit 400 ms lies outside the plot" in Page(render_page(facts)).text


def test_one_point_has_a_plot_with_room() -> None:
    layout = drawing(study(candidate(0, (10.0, 29.0), bicubic_psnr_y_db=None)))["layout"]
    assert layout["xaxis"]["range"][0] < 10.0 < layout["xaxis"]["range"][1]
    assert layout["yaxis"]["range"][0] < 29.0 < layout["yaxis"]["range"][1]


def test_profiles_have_a_section_each() -> None:
    facts = study(
        candidate(0, (10.0, 30.0)),
        stopped(1, 90.0, profile_key="emulator-x-1"),
        candidate(2, (50.0, 29.0), profile_key="host-epyc-1"),
    )
    page = Page(render_page(facts))
    assert [a["id"] for tag, a in page.attributes if tag == "section" and "id" in a] == [
        "profile-0",
        "profile-1",
        "profile-2",
    ]
    assert page.text.count("No candidate of this profile was both timed and judged") == 1
    numbers = [
        t["customdata"] for f in page.figures.values() if f for t in f["data"] if "text" in t
    ]
    assert sorted(numbers) == [[0], [2]]


def test_nested_settings_are_flat() -> None:
    assert flattened({"a": {"b": 1, "c": [1, 2]}, "d": None, "e": ""}) == [
        ("a.b", "1"),
        ("a.c", "1, 2"),
    ]
