"""The report of a real host study in a real browser: seen, pointed at, moved, printed."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from other_device import as_measured_elsewhere, timed
from PIL import Image
from report_browser import DESK, TELEPHONE, Browser, require_browser

from foundation.wording import number
from models.images import load_rgb
from models.quality import psnr_y_db
from reports.choice import choose
from reports.compile import write_report
from reports.facts import StudyFacts, gather
from reports.report import report_of
from search.study.crops import CropPlaces, crop_file, places_file
from search.study.run_directory import RunDirectory

# A real search, exports included.
pytestmark = pytest.mark.timeout(900)


def decoded(uri: str) -> np.ndarray:
    head, _, data = uri.partition(",")
    assert head in {"data:image/webp;base64", "data:image/png;base64"}
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize("size", [DESK, TELEPHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_without_error_or_request_and_fits(
    browser: Browser, page: Path, size: tuple[int, int], dark: bool, tmp_path: Path
) -> None:
    browser.open(page, size, dark)
    assert browser.errors == []
    assert browser.requests == []
    assert browser.run("return document.documentElement.scrollWidth") <= size[0]
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 26)" if dark else "rgb(251, 251, 250)")
    drawn = [svg for svg in browser.all(".plot .front-chart") if svg.is_displayed()]
    assert [svg.get_attribute("data-size") for svg in drawn] == [
        "wide" if size == DESK else "narrow"
    ]
    browser.screenshot(tmp_path / "page.png", whole=True)
    shot = np.asarray(Image.open(tmp_path / "page.png"))
    assert shot.shape[0] > 1500
    assert len(np.unique(shot.reshape(-1, shot.shape[-1])[::97], axis=0)) > 20


def test_nothing_leaves_the_page_even_when_it_tries(browser: Browser, page: Path) -> None:
    """The page's policy, not good manners, is what keeps it silent; and the log would tell."""
    browser.open(page)
    outcome = browser.driver.execute_async_script(
        "const done = arguments[0];"
        "fetch('http://127.0.0.1:9/x').then(() => done('sent'), (e) => done(String(e)))"
    )
    assert outcome.startswith("TypeError")
    assert any("Content Security Policy" in error for error in browser.errors)


def test_the_slider_moves_the_winner_and_its_command(
    browser: Browser, page: Path, study: StudyFacts
) -> None:
    browser.open(page)
    (group,) = study.groups
    best = choose(study, group).result
    assert best is not None
    assert f"trial {best.number} " in browser.said
    judged = sorted(group.measured, key=lambda r: r.latency_ms or 0.0)
    commands = set()
    for limit in (judged[0], judged[-1]):
        # The slider's own steps: a little above the candidate's latency.
        step = float(browser.one("[data-knob=latency] [type=range]").get_attribute("step"))
        value = (limit.latency_ms or 0.0) + 2 * step
        browser.slide("latency", value)
        # At the right end there is no limit, and the field is empty.
        field = browser.one("[data-knob=latency] [type=number]").get_property("value")
        moved = float(field or "inf")
        within = [r for r in judged if (r.latency_ms or 0.0) <= moved]
        winner = max(within, key=lambda r: r.psnr_y_db or 0.0)
        assert f"trial {winner.number} " in browser.said
        assert f"{number(winner.psnr_y_db, 2)} dB" in browser.said
        command = browser.one(".winner code").text
        assert f"--trial {winner.number} " in command
        commands.add(command)
        out = browser.all(".front-chart[data-size=wide] .dot.out")
        assert len(out) == len(judged) - len(within)
    assert browser.errors == []


def test_limits_that_nobody_meets_are_said(browser: Browser, page: Path) -> None:
    browser.open(page)
    field = browser.one("[data-knob=psnr] [type=number]")
    field.clear()
    field.send_keys("99")
    assert browser.said.startswith("No candidate has ")
    assert "at least 99 dB. Loosen a limit." in browser.said
    assert not browser.one(".winner pre").is_displayed()
    field.clear()
    field.send_keys("1")
    browser.one(".picker [value=latency]").click()
    assert browser.said.startswith("Fastest of ")


def test_pointing_at_a_candidate_tells_it(browser: Browser, page: Path, study: StudyFacts) -> None:
    from selenium.webdriver import ActionChains

    browser.open(page)
    (group,) = study.groups
    tip = browser.one(".plot .tip")
    assert not tip.is_displayed()
    for dot in browser.all(".front-chart[data-size=wide] .dot"):
        ActionChains(browser.driver).move_to_element(
            dot.find_element("css selector", ".mark")
        ).perform()
        told = tip.text
        trial = int(told.split()[1])
        result = next(r for r in group.results if r.number == trial)
        assert f"PSNR {number(result.psnr_y_db, 2)} dB" in told
        # Two may lie on one another: then the nearest is told, which has the same place.
        assert dot.get_attribute("aria-label").split(";")[0].startswith("Trial ")
    ActionChains(browser.driver).move_to_element(browser.one("h1")).perform()
    assert not tip.is_displayed()


def test_the_keyboard_reaches_every_candidate_and_its_row(
    browser: Browser, page: Path, study: StudyFacts
) -> None:
    from selenium.webdriver import Keys

    browser.open(page)
    dots = browser.all(".front-chart[data-size=wide] .dot")
    # One stop for Tab in the whole plot.
    assert [d.get_attribute("tabindex") for d in dots].count("0") == 1

    def here() -> str:
        return str(browser.run("return document.activeElement.getAttribute('aria-label')"))

    for _ in range(30):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.run("return document.activeElement.classList.contains('dot')"):
            break
    (group,) = study.groups
    best = choose(study, group).result
    assert best is not None
    assert here().startswith(f"Trial {best.number};")
    assert browser.one(".plot .tip").is_displayed()
    seen = []
    browser.driver.switch_to.active_element.send_keys(Keys.HOME)
    for _ in dots:
        seen.append(int(here().split(";")[0].split()[1]))
        browser.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    by_latency = sorted(group.measured, key=lambda r: r.latency_ms or 0.0)
    assert seen == [r.number for r in by_latency]
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.one("tr.found").get_attribute("data-trial") == str(seen[-1])
    # Enter goes to the row, Escape back to the candidate, Escape again hushes it.
    row = browser.driver.switch_to.active_element
    assert row.get_attribute("data-trial") == str(seen[-1])
    row.send_keys(Keys.ESCAPE)
    assert here().startswith(f"Trial {seen[-1]};")
    browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not browser.one(".plot .tip").is_displayed()


def test_a_heading_sorts(browser: Browser, page: Path) -> None:
    browser.open(page)
    heading = browser.all(".candidates thead button")[4]
    assert heading.text.startswith("Latency")
    for direction in (1, -1):
        heading.click()
        values = [float(row.find_elements("css selector", "td")[3].text)
                  for row in browser.all(".candidates tbody tr")]  # fmt: skip
        assert values == sorted(values)[::direction]
        assert len(set(values)) > 1


def test_the_crops_are_the_devices_own_pictures(
    browser: Browser, page: Path, host_run: RunDirectory, study: StudyFacts
) -> None:
    """What the page shows is, pixel for pixel, what the search kept of the device's outputs."""
    browser.open(page)
    assert "the outputs of the device itself" in browser.one("main").text
    places = CropPlaces.load(places_file(host_run.pictures)).places
    galleries = browser.all(".gallery")
    assert len(galleries) == len(places) == 2
    (group,) = study.groups
    for at, (gallery, place) in enumerate(zip(galleries, places, strict=True)):
        truth = load_rgb(crop_file(host_run.pictures, "truth", at))
        original = load_rgb(host_run.path.parent / f"photos/{place.image}.png")
        assert np.array_equal(truth, place.cut(original))
        shown = gallery.find_elements("css selector", "figure")
        # Bicubic, the front, and the original.
        assert len(shown) == len(group.front) + 2
        for figure, member in zip(shown[1:-1], group.front, strict=True):
            image = figure.find_element("css selector", "img")
            kept = load_rgb(crop_file(host_run.pictures, f"trial-{member.number:05d}", at))
            assert np.array_equal(decoded(image.get_attribute("src")), kept)
            of_crop = psnr_y_db(kept, truth, border=0)
            assert f"{of_crop:.2f} dB here, {member.images[at].psnr_y_db:.2f} dB image" in (
                figure.text.replace("\n", " ")
            )
            assert image.get_property("naturalWidth") == place.side
        assert np.array_equal(
            decoded(shown[-1].find_element("css selector", "img").get_attribute("src")), truth
        )


def test_it_prints(browser: Browser, page: Path, tmp_path: Path) -> None:
    browser.open(page, dark=True)
    assert browser.print(tmp_path / "report.pdf").startswith(b"%PDF")
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        assert not browser.one(".picker").is_displayed()
        assert browser.one(".front-chart[data-size=wide]").is_displayed()
        white = browser.run("return getComputedStyle(document.body).backgroundColor")
        assert white == "rgb(255, 255, 255)"
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


def test_without_scripts_everything_but_the_sliders_is_there(browser: Browser, page: Path) -> None:
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        assert not browser.one(".picker").is_displayed()
        assert len(browser.all(".front-chart[data-size=wide] .dot")) == 4
        assert browser.one(".gallery img").is_displayed()
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


CONTRAST = """
const colour = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255, v <= 0.04045 ? v / 12.92 :
  ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (e) => { for (; e; e = e.parentElement) {
  const c = colour(getComputedStyle(e).backgroundColor);
  if (c.length === 3 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
const poor = [];
for (const e of document.querySelectorAll("body *")) {
  const words = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!words || ["SCRIPT", "STYLE"].includes(e.tagName) || !e.getClientRects().length) continue;
  const style = getComputedStyle(e);
  const svg = e.namespaceURI.endsWith("svg");
  const a = light(colour(svg ? style.fill : style.color).slice(0, 3)), b = light(behind(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push(`${e.tagName}.${e.getAttribute("class")} ${ratio.toFixed(2)}`);
}
return poor;
"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_has_contrast(browser: Browser, page: Path, dark: bool) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 against what is behind it."""
    browser.open(page, dark=dark)
    assert browser.run(CONTRAST) == []


@pytest.fixture(scope="module")
def two_devices(
    host_run: RunDirectory, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunDirectory, RunDirectory]:
    """The host, and a phone that puts the same candidates in the opposite order."""
    slowest = max(r.latency_ms or 0.0 for r in host_run.results())
    folder = tmp_path_factory.mktemp("elsewhere")
    host = shutil.copytree(host_run.path, folder / "host")
    phone = as_measured_elsewhere(
        host_run, folder / "phone", lambda r: timed(r, 100 * slowest / (r.latency_ms or 1.0))
    )
    return RunDirectory.open(host), phone


def test_two_devices_are_never_mixed_and_their_disagreement_is_shown(
    browser: Browser, two_devices: tuple[RunDirectory, RunDirectory], tmp_path: Path
) -> None:
    studies = [gather(run) for run in two_devices]
    page = write_report(report_of(studies), tmp_path).html
    browser.open(page)
    assert browser.errors == []
    sections = browser.all("section.device")
    assert len(sections) == 2
    for section, facts in zip(sections, studies, strict=True):
        (group,) = facts.groups
        dots = section.find_elements("css selector", ".front-chart[data-size=wide] .dot")
        assert len(dots) == len(group.measured) == 4
        told = " ".join(dot.get_attribute("aria-label") for dot in dots)
        # Latencies of the host lie below 1 s, those of the phone a hundred times above.
        assert ("flags: host" in told) == (group is studies[0].groups[0])
    first, second = sections
    assert "Stand-in." in first.text
    assert "Stand-in." not in second.text
    assert "Phone X (Chip 9)" not in first.text
    compared = browser.one("#compare").text
    assert "share 4 timed candidates" in compared
    assert "(Kendall's tau) −1.00" in compared
    assert "They disagree on the order of 6 pairs of 6 (100 %)" in compared
    assert "takes" in compared
    # The sliders of one device know nothing of the other.
    winner = first.find_element("css selector", ".picker [role=status]").text
    browser.run(
        "const s = document.querySelectorAll('[data-knob=latency] [type=range]')[1];"
        "s.value = s.min; s.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    assert first.find_element("css selector", ".picker [role=status]").text == winner


def test_a_missing_browser_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[[str], None] = lambda name: None  # noqa: E731
    monkeypatch.setattr(shutil, "which", find)
    monkeypatch.delenv("MOBILESR_TUNE_REQUIRE_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="chromium is not installed"):
        require_browser()
    monkeypatch.setenv("MOBILESR_TUNE_REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="chromium is not installed"):
        require_browser()
