"""A history of an earlier version is read, told and continued.

`tests/old_nightly` was left by the version before nights had turns: five nights of three models on
a simulated phone, night 2 accepted, and in night 5 one model slower by 30 %. Kept as SQL text.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from test_nightly_night import lay_artifact
from typer.testing import CliRunner

from device_runner.devices.simulated import PRESETS, SimulatedDevice
from nightly.cli import nightly
from nightly.history import open_history
from nightly.night import NightRun
from nightly.outputs import write_outputs
from nightly.records import NightStatus, Status
from nightly.suite import load_suite

OLD = Path(__file__).parents[1] / "old_nightly"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The suite beside its old history; the model `other` is as fast as on the first nights."""
    for name, latency_ms in (("steady", 20.0), ("other", 30.0), ("small", 8.0)):
        lay_artifact(tmp_path, name, latency_ms)
    (tmp_path / "suite.toml").write_text((OLD / "suite.toml").read_text())
    connection = sqlite3.connect(tmp_path / "nightly.db")
    with connection:
        connection.executescript((OLD / "nightly.sql").read_text())
    connection.close()
    return tmp_path / "suite.toml"


def simulated_phone(name: str) -> SimulatedDevice:
    """As the command opens it, but with the same luck each time."""
    return SimulatedDevice(PRESETS["pixel"], serial=name)


def test_it_is_read_and_told(suite: Path) -> None:
    with open_history(f"sqlite:///{suite.parent / 'nightly.db'}") as history:
        nights = history.nights("rack")
        (epoch,) = history.epochs("rack")
        trail = history.trails("rack", "sim:pixel", "default")["other"]
    assert [night.status for night in nights] == 5 * [NightStatus.FINISHED]
    assert [night.exit_code for night in nights] == [0, 0, 0, 0, 1]
    assert epoch.sentinel_reference_ms == pytest.approx(10.454286)
    assert trail.pinned == 2
    assert trail.blamed["latency"] == {5}
    assert [round(point.value, 2) for point in trail.points["latency"]] == [
        14.20, 13.81, 13.75, 13.87, 17.10,
    ]  # fmt: skip
    listed = CliRunner().invoke(nightly, ["history", str(suite), "--json"])
    assert [night["night"] for night in json.loads(listed.stdout)["nights"]] == [1, 2, 3, 4, 5]


def test_it_is_continued(suite: Path) -> None:
    loaded = load_suite(suite)
    with open_history(loaded.history_url) as history:
        result = NightRun(loaded, history, open_device=simulated_phone).run()
        files = write_outputs(result, history, loaded.output)
    assert result.night.number == 6
    # The device is the same, so the accepted night is still what is compared with.
    assert result.notes == ()
    latency = {v.series.model: v for v in result.verdicts if v.metric == "latency"}
    assert {one.baseline_night for one in latency.values()} == {2}
    assert latency["other"].reference == pytest.approx(13.81, abs=0.01)
    # A night as before is far likelier at the baseline than a quarter above it: red is gone.
    assert {one.status for one in latency.values()} == {Status.FINE}
    assert "night 6" in files.page.read_text()
