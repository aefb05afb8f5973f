"""A delivery, and its Kotlin compiled together with stubs of exactly what it calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from delivered_kotlin import Compiled

from foundation.artifact import Artifact
from models.delivery.folder import Goods, deliver

REQUIRE = "MOBILESR_TUNE_REQUIRE_KOTLIN"
STUBS = Path(__file__).with_name("stubs")


@pytest.fixture(scope="session")
def delivered(small_artifact: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for `small_artifact`: read, never changed."""
    folder = tmp_path_factory.mktemp("deliveries") / "delivered"
    deliver(Goods(small_artifact), folder)
    return folder


@pytest.fixture(scope="session")
def delivered_pixels(pixel_artifact: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for `pixel_artifact`: read, never changed."""
    folder = tmp_path_factory.mktemp("deliveries") / "pixels"
    deliver(Goods(pixel_artifact), folder)
    return folder


@pytest.fixture(scope="session", params=["float", "uint8"])
def compiled(
    request: pytest.FixtureRequest,
    delivered: Path,
    delivered_pixels: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Compiled:
    """A jar of all delivered Kotlin, the README's example, Kotlin's library and the tests' drivers.

    Skipped where there is no compiler; a failure where one has been promised.
    """
    source = delivered if request.param == "float" else delivered_pixels
    return Compiled(source, _jar_of(source, request.param, tmp_path_factory.mktemp("kotlin")))


def _jar_of(delivered: Path, io: str, folder: Path) -> Path:
    if missing := [name for name in ("kotlinc", "java") if shutil.which(name) is None]:
        reason = f"{' and '.join(missing)} not installed (Debian: kotlin, default-jre-headless)"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{reason} ({REQUIRE} is set)")
        pytest.skip(reason)
    jar, example = folder / "delivered.jar", folder / "PhotoViewModel.kt"
    readme = (delivered / "README.md").read_text("utf-8")
    (code,) = re.findall(r"^```kotlin\n(import .*?)^```$", readme, re.MULTILINE | re.DOTALL)
    example.write_text(code, "utf-8")
    sources = sorted(str(path) for path in (delivered / "android").rglob("*.kt"))
    assert len(sources) == 5
    done = subprocess.run(
        ["kotlinc", "-include-runtime", "-d", str(jar), *sources, str(example),
         str(STUBS / "kotlin"),
         str(STUBS / "java"), str(STUBS / io), *(str(driver) for driver in STUBS.glob("*.kt"))],
        capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Of the stubs, whose arguments nobody uses, it has something to say.
    assert str(delivered) not in done.stderr, done.stderr
    assert str(example) not in done.stderr, done.stderr
    return jar
