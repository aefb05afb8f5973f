"""What a reader does with the page: sets limits and sends them on, flips pictures, uses keys."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from made_up_results import changed
from made_up_studies import candidate, rich_study, study
from page_structure import STRUCTURE
from PIL import Image
from report_browser import DESK, TELEPHONE, Browser, require_browser

from models.config import MobileSRConfig
from models.images import load_rgb
from models.quality import luma
from reports.choice import choose
from reports.compile import write_report
from reports.facts import StudyFacts
from reports.pictures import GAIN
from reports.report import report_of
from search.study.crops import crop_file
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory

# A real search, exports included.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a study that nobody measured."""
    require_browser()
    return write_report(report_of([rich_study()]), tmp_path_factory.mktemp("rich") / "report").html


def field(browser: Browser, knob: str) -> str:
    return str(browser.one(f"[data-knob={knob}] [type=number]").get_property("value"))


def test_limits_stand_in_the_address_and_survive_it(browser: Browser, made_up: Path) -> None:
    browser.open(made_up)
    assert browser.run("return location.hash") == ""
    browser.slide("latency", 30)
    browser.one(".picker [value=latency]").click()
    told, address = browser.said, browser.run("return location.hash")
    assert told.startswith("Fastest of 5 with at most 30 ms: trial 0 ")
    assert address == "#device-0:latency=30,wish=latency"
    browser.driver.refresh()
    assert browser.said == told
    browser.open(made_up, address=address)
    assert browser.said == told
    assert len(browser.all(".front-chart[data-size=wide] .dot.out")) > 0
    # Nothing in an address is obeyed but numbers and wishes that are known.
    browser.open(made_up, address="#device-0:latency=<img>,wish=alert(1);joint;x=y")
    assert browser.said.startswith("Best picture of all 8")
    assert browser.errors == []


def test_an_empty_box_is_no_limit_and_ends_of_sliders_mean_something(
    browser: Browser, made_up: Path
) -> None:
    browser.open(made_up)
    box = browser.one("[data-knob=latency] [type=number]")
    assert "with at most" in browser.said
    browser.empty(box)
    assert browser.said.startswith("Best picture of all 8: trial 7 ")
    assert browser.run("return location.hash") == "#device-0:wish=psnr"
    slider = browser.one("[data-knob=latency] [type=range]")
    assert slider.get_attribute("aria-valuetext") == "no limit"
    assert float(slider.get_property("value")) == float(slider.get_attribute("max"))
    browser.slide("latency", float(slider.get_attribute("min")))
    assert browser.said.startswith("Best picture of 1 with at most 12 ms: trial 0 ")
    browser.slide("latency", float(slider.get_attribute("max")))
    assert field(browser, "latency") == ""
    browser.slide("psnr", 99)
    assert "trial 7 " in browser.said
    assert "of 1 with at least" in browser.said
    browser.one("[data-do=clear]").click()
    assert field(browser, "psnr") == ""
    assert browser.said.startswith("Best picture of all 8")


def test_what_is_worse_than_bicubic_wins_with_a_warning(browser: Browser, tmp_path: Path) -> None:
    facts = study(candidate(0, (10.0, 28.0)), candidate(1, (20.0, 29.0)))
    browser.open(write_report(report_of([facts]), tmp_path / "report").html)
    assert "✗" not in browser.said
    browser.slide("latency", 10)
    assert "trial 0 " in browser.said
    assert "✗ It is no better than bicubic upscaling, which needs no model." in browser.said


def test_commands_are_copied_whole(browser: Browser, made_up: Path) -> None:
    browser.open(made_up)
    browser.command("Browser.grantPermissions", permissions=["clipboardReadWrite"])
    commands = [pre for pre in browser.all("pre.command") if pre.is_displayed()]
    assert len(commands) >= 3
    for pre in commands:
        pre.find_element("css selector", "button").click()
        copied = browser.driver.execute_async_script(
            "const done = arguments[0]; setTimeout(() =>"
            " navigator.clipboard.readText().then(done, (e) => done(String(e))), 100)"
        )
        assert copied == pre.find_element("css selector", "code").text


def pixels(browser: Browser, script: str) -> np.ndarray:
    uri = browser.driver.execute_async_script(
        "const done = arguments[0]; const wait = () => { const c = document.querySelector("
        f"'{script}'); if (c) done(c.toDataURL()); else setTimeout(wait, 20); }}; wait()"
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.mark.parametrize("size", [DESK, TELEPHONE])
def test_any_two_are_flipped_and_the_original_stays_in_sight(
    browser: Browser, page: Path, study: StudyFacts, host_run: RunDirectory, size: tuple[int, int]
) -> None:
    browser.open(page, size)
    (group,) = study.groups
    pick = {box.get_attribute("data-pick"): box for box in browser.all(".viewer select")}
    keys = [o.get_attribute("value") for o in pick["one"].find_elements("css selector", "option")]
    assert keys == ["bicubic", "truth", *(str(r.number) for r in group.measured)]
    best = choose(study, group).result
    assert best is not None
    shown = browser.one(".viewer [data-shows=pick]")
    assert shown.get_attribute("alt").startswith(f"Trial {best.number},")
    browser.one(".viewer [data-do=flip]").click()
    assert shown.get_attribute("alt").startswith("Bicubic")
    other = next(r for r in group.measured if r is not best)
    pick["one"].send_keys(f"Trial {other.number},")
    assert shown.get_attribute("alt").startswith(f"Trial {other.number},")
    kept = load_rgb(crop_file(host_run.pictures, f"trial-{other.number:05d}", 0))
    truth = load_rgb(crop_file(host_run.pictures, "truth", 0))
    found = pixels(browser, f'canvas[data-of="{other.number}-0"]')
    away = np.clip(np.abs(luma(kept) - luma(truth)) * GAIN, 0, 255)
    assert np.abs(found[..., 0] - away).max() <= 0.51
    # Whole pixels, one size, and both at once on the screen.
    browser.run("document.querySelector('.stage').scrollIntoView({block: 'start'})")
    for name in ("pick", "truth"):
        box = browser.run(
            f"return document.querySelector('.viewer [data-shows={name}]').getBoundingClientRect()"
        )
        assert box["width"] == box["height"] == 3 * kept.shape[0]
        assert 0 <= box["left"] <= box["right"] <= size[0]
        assert 0 <= box["top"] < box["bottom"] <= size[1]
    zoom = 2 if size == DESK else 1
    widths = {img.size["width"] for img in browser.all(".gallery img")}
    assert widths == {zoom * kept.shape[0]}
    original = browser.one(".gallery .truth img")
    assert original.rect["x"] + original.rect["width"] <= size[0]


def test_columns_are_chosen_and_the_first_ones_fit(browser: Browser, made_up: Path) -> None:
    browser.open(made_up)
    assert not overflows(browser, ".scroll:has(.candidates)")
    shown = [th.text.split("\n")[0] for th in browser.all(".candidates th") if th.is_displayed()]
    assert shown.index("Flags") == 2
    assert "SSIM Y" not in " ".join(shown)
    browser.one(".columns-choice summary").click()
    (box,) = [b for b in browser.all(".columns-choice label") if b.text == "SSIM Y"]
    box.click()
    assert "SSIM Y" in " ".join(th.text for th in browser.all(".candidates th"))
    assert "0.8800" in browser.one(".candidates tbody tr").text
    browser.open(made_up, (768, 900))
    assert not overflows(browser, ".scroll:has(.candidates)")


def overflows(browser: Browser, selector: str) -> bool:
    return bool(browser.run(
        "const box = document.querySelector(arguments[0]);"
        "return box.scrollWidth > box.clientWidth + 1", selector,
    ))  # fmt: skip


def other_configs(phone: int) -> list[CandidateResult]:
    """Twelve candidates as one of several phones has them; the slower, the later."""
    return [
        changed(
            candidate(
                number,
                ((10.0 + 4 * number) * (1 + phone), 28.5 + 0.1 * number),
                profile_key=f"phone-{phone}", device_serial=f"S{phone}",
                finished_at=f"2026-11-{20 + phone}T03:00:00+00:00",
            ),
            config=MobileSRConfig(n_feats=8 + 8 * number, n_heads=4, ratios=(2,), window_size=8),
        )
        for number in range(12)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def two_phones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of two phones; the second takes twice as long for everything."""
    require_browser()
    studies = [study(*other_configs(phone), run_path=Path(f"runs/p{phone}")) for phone in range(2)]
    return write_report(report_of(studies), tmp_path_factory.mktemp("two") / "report").html


def test_four_phones_stand_side_by_side(browser: Browser, tmp_path: Path) -> None:
    studies = [study(*other_configs(phone), run_path=Path(f"runs/p{phone}")) for phone in range(4)]
    browser.open(write_report(report_of(studies), tmp_path / "report").html)
    assert not overflows(browser, "#joint .scroll")
    assert browser.one("#joint tbody tr").text.count("\u2013") == 4  # each with its interval


@pytest.mark.parametrize("size", [DESK, TELEPHONE])
def test_headings_landmarks_and_stops_are_in_order(
    browser: Browser, page: Path, two_phones: Path, size: tuple[int, int]
) -> None:
    for one in (page, two_phones):
        browser.open(one, size)
        browser.driver.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
        assert browser.run(STRUCTURE) == []
        assert browser.run("return document.documentElement.scrollWidth") <= size[0]


def test_one_choice_for_all_phones(browser: Browser, two_phones: Path) -> None:
    browser.open(two_phones)
    rows = browser.all("#joint tbody tr")
    assert len(rows) == 12
    assert rows[0].text.split()[4:6] == ["1", "10.0"]
    told = browser.one(".joint [role=status]")
    box = browser.one("#joint-latency")
    browser.empty(box)
    box.send_keys("40")
    # 20 ms on the first are 40 on the second: at most trial 2 (36 ms there).
    assert told.text.startswith(
        "Best picture of 3 that take at most 40 ms on each of 2 devices: n24"
    )
    assert "18.0 ms on phone-0" in told.text
    assert "36.0 ms on phone-1" in told.text
    assert "--from runs/p0 --trial 2" in browser.one(".joint .commands").text
    address = browser.run("return location.hash")
    browser.open(two_phones, address=address)
    assert browser.one("#joint-latency").get_property("value") == "40"
    box = browser.one("#joint-latency")
    browser.empty(box)
    box.send_keys("5")
    assert browser.one(".joint [role=status]").text.startswith("No candidate takes at most 5 ms")
    assert browser.errors == []


def test_links_at_the_foot_lead_somewhere(browser: Browser, page: Path) -> None:
    browser.open(page)
    links = {a.text: a.get_attribute("href") for a in browser.all("footer a")}
    assert {"candidates.csv", "report.json", "run.toml", "measurements/", "study.db"} <= set(links)
    for name, address in links.items():
        assert Path(re.sub("^file://", "", address)).exists(), name
