"""The page: one file, no network, nothing hostile alive in it."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from made_up_studies import HOST_NOTE, HOSTILE, candidate, rich_study, stopped, study, trouble

from reports.facts import StudyFacts
from reports.page import LEAST_PICTURE_BYTES, SCRIPTS, flattened
from reports.page import render_page as render_pages
from reports.report import report_of

FETCHING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping"}
VOID = {"meta", "link", "img", "br", "hr", "input"}


def render_page(facts: StudyFacts) -> str:
    return render_pages(report_of([facts]))


class Page(HTMLParser):
    """What a browser would make of it: elements, fetches, scripts and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.fetches: list[str] = []
        self.links: list[str] = []
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
        asked = [v for n, v in known.items() if n in FETCHING or n.endswith("href")]
        # What the page carries, places in the page itself, and links, which wait to be followed.
        if tag != "a":
            self.fetches += [v for v in asked if not v.startswith(("data:image/", "#"))]
        elif known.get("href", "#")[:1] != "#":
            self.links.append(known["href"])
        self.handlers += [name for name in known if name.startswith("on")]
        if tag == "script":
            self.scripts.append((known, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

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
    def data(self) -> dict[str, Any]:
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
    assert len(rendered.encode()) < 150_000


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
    assert len(running) == len(SCRIPTS)


def test_headline_answers_the_question(page: Page) -> None:
    assert (
        "On phone-pixel-8-0a1b2c3d, serial 38021FDJH00A: 36.5 ms a picture, 1.52 dB above bicubic"
        in page.text
    )
    assert "Pictures of 320×180 to 1280×720 pixels. When it was measured is not" in page.text
    # The words of those who know the network come below.
    head = page.text[: page.text.index("What a decibel costs")]
    for word in ("n_feats", "knee", "chord", "normalised"):
        assert word not in head
    assert (
        "Trial 4 (n_feats 16, heads 4, ratios 2·2·2, window 8) upscales 320×180 to 1280×720 pixels "
        "in 36.5 (35.8–37.6) ms with PSNR 29.95 dB, 1.52 dB above bicubic, on phone-pixel-8"
    ) in page.text
    assert ("mobilesr-tune export --from 'runs/my phone' --trial 4 --output best") in page.text
    assert "mobilesr-tune search --hr 'my photos/it'\"'\"'s' --seed 0" in page.text
    assert "packages.torch 2.13.0" in page.text
    assert "Stand-in." not in page.text


def test_stand_in_is_told_first() -> None:
    page = Page(render_page(study(candidate(0, (10.0, 29.0), stand_in_note=HOST_NOTE))))
    assert 0 < page.text.index(HOST_NOTE) < page.text.index("What a decibel costs")


def test_hostile_words_are_words(rendered: str, page: Page) -> None:
    assert "img" not in page.tags
    assert "<img" not in rendered
    assert "</script><img src=x onerror=alert(1)> | `x`" in page.text
    assert "\x1b" not in rendered
    assert "\u202e" not in rendered


def test_hostile_names_do_not_reach_the_page_as_markup() -> None:
    bad = candidate(
        0,
        (10.0, 29.0),
        flags=(HOSTILE,),
        profile_key=HOSTILE,
        device_serial=HOSTILE,
    )
    environment = {HOSTILE: {HOSTILE: [HOSTILE]}}
    troubles = (trouble(HOSTILE),)
    text = render_page(study(bad, title=HOSTILE, environment=environment, troubles=troubles))
    page = Page(text)
    assert "img" not in page.tags
    assert page.handlers == []
    data = next(part for known, part in page.scripts if known.get("id"))
    assert "<" not in data
    assert any("</script>" in line for line in page.data["device-0"]["dots"][0]["lines"])


def test_every_candidate_is_in_the_table(rendered: str, page: Page) -> None:
    rows = [a for tag, a in page.attributes if tag == "tr" and "data-trial" in a]
    assert [row["data-trial"] for row in rows] == [str(i) for i in range(13)]
    assert [row["class"] for row in rows] == [
        "front", "front", "tie", "front", "chosen", "behind", "behind", "infeasible",
        "stopped", "stopped", "failed", "failed", "failed",
    ]  # fmt: skip
    assert "the device answered wrongly: off by 0.3" in page.text
    assert ("html", {"lang": "en"}) in page.attributes
    assert any(a.get("role") == "img" and a["aria-label"] for _, a in page.attributes)
    assert "prefers-color-scheme" in rendered
    assert "@media print" in rendered
    style = rendered.split("<style>")[1].split("</style>")[0]
    known = set(re.findall(r"(--[\w-]+):", rendered))
    assert set(re.findall(r"var\((--[\w-]+)\)", style)) <= known


def test_a_limit_far_away_is_told_in_words() -> None:
    facts = study(candidate(0, (10.0, 29.0)), spec={"max_latency_ms": 400.0})
    assert "latency limit 400 ms lies outside the plot" in Page(render_page(facts)).text


def test_the_first_limits_make_the_chosen_one_win(page: Page) -> None:
    """The page opens on the recommendation; `test_report_browser` moves the sliders."""
    sliders = {a["id"]: a for tag, a in page.attributes if a.get("type") == "range"}
    assert set(sliders) == {"device-0-latency", "device-0-psnr", "device-0-memory"}
    limit = float(sliders["device-0-latency"]["value"])
    dots = page.data["device-0"]["dots"]
    within = [dot for dot in dots if dot["psnr"] is not None and dot["latency"] <= limit]
    assert max(within, key=lambda dot: dot["psnr"])["trial"] == 4
    for slider in sliders.values():
        assert float(slider["min"]) <= float(slider["value"]) <= float(slider["max"])


def test_every_judged_candidate_has_its_command(page: Page) -> None:
    data = page.data["device-0"]
    commands = {
        dot["trial"]: data["forms"][dot["command"][0]][0] + dot["command"][1]
        + data["forms"][dot["command"][0]][1]
        for dot in data["dots"] if dot["command"]
    }  # fmt: skip
    assert set(commands) == set(range(8))
    assert commands[4] == ("mobilesr-tune export --from 'runs/my phone' --trial 4 --output best")


def test_every_control_and_table_has_a_name(page: Page) -> None:
    labelled = {a["for"] for tag, a in page.attributes if tag == "label" and "for" in a}
    for tag, a in page.attributes:
        # A tick and a radio button stand inside their labels.
        if tag == "input" and a["type"] not in ("radio", "checkbox"):
            assert a.get("aria-label") or a["id"] in labelled
        if a.get("role") in {"region", "img", "group"}:
            assert a.get("aria-label") or a.get("aria-labelledby"), (tag, a)
    assert {"header", "main", "footer"} <= set(page.tags)
    ids = [a["id"] for _, a in page.attributes if "id" in a]
    assert len(ids) == len(set(ids))
    for _, a in page.attributes:
        assert set(a.get("aria-labelledby", "").split()) <= set(ids)


@pytest.mark.parametrize(("how_many", "most"), [(300, 1_000_000), (1000, 2_500_000)])
def test_many_candidates_are_one_light_page(how_many: int, most: int) -> None:
    """With the pictures that there is always room for."""
    drawn = random.Random(0)
    many = study(*(
        candidate(i, (drawn.uniform(5, 90), drawn.uniform(28, 31))) for i in range(how_many)
    ))  # fmt: skip
    assert len(render_page(many).encode()) + LEAST_PICTURE_BYTES < most


def test_profiles_have_a_section_each() -> None:
    facts = study(
        candidate(0, (10.0, 30.0)),
        stopped(1, 90.0, profile_key="emulator-x-1"),
        candidate(2, (50.0, 29.0), profile_key="host-epyc-1"),
    )
    page = Page(render_page(facts))
    assert [a["id"] for tag, a in page.attributes if tag == "section" and "id" in a] == [
        "device-0",
        "device-1",
        "device-2",
        "compare",
    ]
    assert page.text.count("No candidate of this profile was both timed and judged") == 1
    numbers = {name: [dot["trial"] for dot in found["dots"]]
               for name, found in page.data.items() if found}  # fmt: skip
    assert sorted(numbers.values()) == [[0], [2]]


def test_nested_settings_are_flat() -> None:
    assert flattened({"a": {"b": 1, "c": [1, 2]}, "d": None, "e": ""}) == [
        ("a.b", "1"),
        ("a.c", "1, 2"),
    ]
