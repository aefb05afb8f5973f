"""Nothing that a device, a runner, an artifact or a bundle says is obeyed by a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foreign_parsers import BUNDLE as BUNDLE_MANIFEST
from typer.testing import CliRunner

from device_runner import MeasurePlan, RunnerBrokenError, measure
from device_runner.commands.bench_output import BenchResult
from device_runner.commands.bench_output import show as show_bench
from device_runner.conditions import Reading
from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.server import AdbServer
from device_runner.devices.listing import Row, show
from device_runner.devices.simulated import PRESETS, SimulatedDevice, synthetic_artifact
from device_runner.launching.outcomes import Ended, judge
from foundation.console import err
from mobilesr_tune import app

# Clears the screen, sets the window's title, writes over the line, turns the text around.
HOSTILE = "R5\x1b[2J\x1b]0;owned\x07\r\x9b31m\u202e\x00"
_OBEYED = "\x1b\x07\r\x9b\u202e\x00"


def assert_inert(printed: str) -> None:
    assert "R5" in printed
    assert not set(_OBEYED) & set(printed)


def test_serials_states_and_readings(capsys: pytest.CaptureFixture[str]) -> None:
    row = Row(HOSTILE, HOSTILE, advice=HOSTILE, conditions=(Reading("thermal", HOSTILE),))
    show([row], HOSTILE)
    assert_inert(capsys.readouterr().out)


def test_what_a_runner_says_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    start = {"event": "start", "protocol": 1, "runner": "r", "runtime_version": "1", "threads": 1,
             "affinity": []}  # fmt: skip
    for kind in ("bad_file", "failed", "output", "bad_input"):
        error = {"event": "error", "kind": kind, "message": HOSTILE}
        said = b"".join(json.dumps(one).encode() + b"\n" for one in (start, error))
        try:
            words = judge(Ended(1, False, said, HOSTILE.encode(), False), "R5").reason
        except Exception as refused:
            words = str(refused)
        assert not set(_OBEYED) & set(words), kind
        err.say(words)
    assert_inert(capsys.readouterr().err)
    with pytest.raises(RunnerBrokenError) as caught:
        judge(Ended(1, False, b"", HOSTILE.encode(), False), "R5")
    assert not set(_OBEYED) & set(str(caught.value))


def test_an_artifacts_candidate_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact = synthetic_artifact(tmp_path / "a", HOSTILE, 40.0)
    measured = measure(SimulatedDevice(PRESETS["pixel"]), artifact, MeasurePlan(sessions=2))
    show_bench([artifact], BenchResult((measured,), None))
    assert_inert(capsys.readouterr().out)


def test_a_bundles_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "mobilesr-tune/runners/one"
    folder.mkdir(parents=True)
    manifest = BUNDLE_MANIFEST | {"executorch_version": HOSTILE}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    done = CliRunner().invoke(app, ["runner", "list"])
    assert done.exit_code == 0, done.output
    assert_inert(done.output)


def test_the_words_of_a_device_that_was_lost() -> None:
    connection = Connection(HOSTILE, AdbServer("127.0.0.1", 1))
    assert not set(_OBEYED) & set(str(connection.lost("asked", EOFError(HOSTILE))))
