"""A page in headless chromium: what a person would see, hear and do, and what it fetched.

The browser has no network: names do not resolve, a proxy that does not exist takes the rest, and
whatever is asked for all the same is recorded.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

REQUIRE = "MOBILESR_TUNE_REQUIRE_BROWSER"
DESK, TELEPHONE = (1280, 900), (390, 844)


def require_browser() -> tuple[str, str]:
    """Paths of chromium and its driver; skips where they are missing, unless they must be there."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        missing = "chromium" if browser is None else "chromedriver (Debian: chromium-driver)"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{REQUIRE}=1, but {missing} is not installed")
        pytest.skip(f"{missing} is not installed: the page is not looked at")
    return browser, driver


class Browser:
    """One window. `errors` and `requests` tell what happened since the page was opened."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(
        self, page: Path, size: tuple[int, int] = DESK, dark: bool = False, address: str = ""
    ) -> None:
        """A page anew; `address` is what follows its file, such as `#device-0`."""
        scheme = "dark" if dark else "light"
        self.command(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1],
            deviceScaleFactor=1, mobile=size[0] < 600,
        )  # fmt: skip
        self.command(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme},
                      {"name": "prefers-reduced-motion", "value": "reduce"}],
        )  # fmt: skip
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get("about:blank")
        self.driver.get(page.absolute().as_uri() + address)

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a script's `return`."""
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def slide(self, knob: str, value: float) -> None:
        """Move a slider of the first picker, as a hand would."""
        self.run(
            "const s = document.querySelector(`[data-knob=${arguments[0]}] [type=range]`);"
            "s.value = arguments[1]; s.dispatchEvent(new Event('input', {bubbles: true}))",
            knob, value,
        )  # fmt: skip

    def empty(self, field: Any) -> None:
        """Clear a field as a hand does: selenium's own `clear` tells no script of it."""
        from selenium.webdriver import Keys

        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(Keys.BACKSPACE)

    @property
    def said(self) -> str:
        """What the first device's picker says of its winner."""
        return str(self.one(".picker[data-section] [role=status]").text)

    @property
    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for since `open`, but for the page and what it carries."""
        events = [json.loads(entry["message"])["message"] for entry in
                  self.driver.get_log("performance")]  # fmt: skip
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        assert any(url.startswith("file:") for url in asked), "the log of requests is not kept"
        return [url for url in asked if not url.startswith(("file:", "data:"))]

    def screenshot(self, target: Path, whole: bool = False) -> None:
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=whole, **(
            {"clip": {"x": 0, "y": 0, "scale": 1, **self.run(
                "return {width: document.documentElement.clientWidth,"
                " height: document.documentElement.scrollHeight}")}} if whole else {}
        ))  # fmt: skip
        target.write_bytes(base64.b64decode(shot["data"]))

    def print(self, target: Path) -> bytes:
        """The page as PDF, A4."""
        printed = self.command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        target.write_bytes(base64.b64decode(printed["data"]))
        return target.read_bytes()


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """A headless window with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    binary, driver_path = require_browser()
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for switch in (
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--no-first-run", "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=driver_path))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
