"""`nightly` from end to end on the host, with real artifacts: green, green, exchanged, red."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ET

import pytest
from commands import command_here

# Real exports and launches: slow where other work takes the cores.
pytestmark = pytest.mark.timeout(900)

SUITE = """
name = "e2e"
devices = ["host"]
sentinel = "none"

[[models]]
name = "watched"
artifact = "watched"

[[models]]
name = "other"
artifact = "other"

[measure]
sessions = 3
min_iterations = 3
min_time_s = 0.01

# What a busy test machine does to times must not decide the test: the share of delegated
# operators does, which is read from the artifact.
[floors]
latency = 50.0
first_run = 50.0
memory = 50.0
"""


def tune(*arguments: str, cwd, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = command_here("nightly", *arguments, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def world(tmp_path_factory, small_artifact, odd_artifact):
    """Two green nights, then one with the slower graph behind the same name."""
    folder = tmp_path_factory.mktemp("nightly")
    (folder / "suite.toml").write_text(SUITE)
    shutil.copytree(small_artifact.folder, folder / "watched")
    shutil.copytree(odd_artifact.folder, folder / "other")
    return folder


@pytest.fixture(scope="module")
def nights(world, reference_artifact):
    """What the three nights printed."""
    told = [tune("suite.toml", cwd=world).stdout, tune("suite.toml", cwd=world).stdout]
    shutil.rmtree(world / "watched")
    shutil.copytree(reference_artifact.folder, world / "watched")
    told.append(tune("suite.toml", cwd=world, code=1).stdout)
    return told


def test_green_green_then_red_when_a_model_is_exchanged(nights, world):
    assert "a baseline starts with this night" in nights[0]
    assert "Night 2. Green" in nights[1]
    assert "Night 3. Red: 1 model of 2 got worse (operators delegated 1)" in nights[2]
    root = ET.parse(world / "nightly/junit.xml").getroot()
    (failure,) = root.iter("failure")
    assert "operators delegated −" in failure.get("message")
    assert "at the baseline (from night 1); since night 3" in failure.get("message")
    summary = (world / "nightly/summary.md").read_text()
    assert "## Got worse" in summary
    assert "watched on host (default)" in summary
    assert "changed in night 3" in (world / "nightly/index.html").read_text()
    assert json.loads((world / "nightly/night.json").read_text())["exit_code"] == 1


def test_what_came_after_the_red_night(nights, world):
    # The history, for people and machines.
    listed = json.loads(tune("history", "suite.toml", "--json", cwd=world).stdout)
    assert [night["exit_code"] for night in listed["nights"]] == [0, 0, 1]
    assert listed["nights"][2]["verdicts"][0]["status"] == "regression"
    assert "watched: operators delegated" in tune("history", "suite.toml", cwd=world).stdout
    # Bisecting: the night joins no history, and 0 and 1 mean good and bad.
    since = ["suite.toml", "--only", "watched", "--since", "1", "--bisect"]
    page = (world / "nightly/index.html").read_text()
    told = tune(*since, cwd=world, code=1).stdout
    assert "git bisect run" not in told
    # The page of the red night stays while commits are tried.
    assert (world / "nightly/index.html").read_text() == page
    assert json.loads((world / "nightly/bisect/night.json").read_text())["status"] == "aside"
    tune("suite.toml", "--only", "other", "--since", "2020-01-01", "--bisect", cwd=world)
    # A suite that this commit cannot even read says nothing about the model.
    told = tune("gone.toml", "--bisect", cwd=world, code=125).stderr
    assert "cannot tell: no suite at gone.toml" in told
    states = [night["status"] for night in json.loads(
        tune("history", "suite.toml", "--json", cwd=world).stdout)["nights"]]  # fmt: skip
    assert states == ["finished"] * 3 + ["aside"] * 2
    # Accepted, it is green from the next night on.
    told = tune("accept", "suite.toml", "--only", "watched", cwd=world).stdout
    assert "night 3 is the baseline of watched on host (default)" in told
    assert "Green" in tune("suite.toml", cwd=world).stdout


WRONG = [
    ("an unknown model", ["suite.toml", "--only", "nobody"], "has no model 'nobody'"),
    ("a night that is none", ["suite.toml", "--since", "99"], "night 99 is no finished night"),
    ("a date that is none", ["suite.toml", "--since", "soon"], "--since soon: give a night's"),
    ("a future date", ["suite.toml", "--since", "2999-01-01"], "was finished since then"),
    ("no suite", ["nowhere.toml"], "no suite at nowhere.toml"),
    ("accepting nothing", ["accept", "suite.toml", "--night", "77"], "has no night 77"),
    ("an example over a file", ["init", "suite.toml"], "suite.toml exists"),
]


@pytest.mark.parametrize(("what", "arguments", "sentence"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_one_sentence(world, what, arguments, sentence):
    done = tune(*arguments, cwd=world, code=2)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_foreign_history_is_refused_before_anything_is_measured(tmp_path, small_artifact):
    shutil.copytree(small_artifact.folder, tmp_path / "watched")
    shutil.copytree(small_artifact.folder, tmp_path / "other")
    (tmp_path / "suite.toml").write_text(SUITE)
    with sqlite3.connect(tmp_path / "nightly.db") as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    done = tune("suite.toml", cwd=tmp_path, code=2)
    assert "is a database of another program" in done.stderr
    assert not (tmp_path / "nightly").exists()


def test_a_device_that_is_not_there_is_exit_3_and_does_not_stop_the_others(
    tmp_path, small_artifact
):
    shutil.copytree(small_artifact.folder, tmp_path / "watched")
    shutil.copytree(small_artifact.folder, tmp_path / "other")
    text = SUITE.replace('["host"]', '["127.0.0.2:9", "host"]')
    (tmp_path / "suite.toml").write_text(text)
    done = tune("suite.toml", cwd=tmp_path, code=3)
    assert "not measured: 127.0.0.2:9 (default)" in done.stdout
    root = ET.parse(tmp_path / "nightly/junit.xml").getroot()
    assert root.get("errors") == "2"
    assert int(root.get("tests")) > 2


def test_the_history_is_told_where_the_models_are_not(nights, world, tmp_path):
    """As on another computer, of a history in a database that several share."""
    text = (world / "suite.toml").read_text()
    history = f'history = "{world / "nightly.db"}"\n'
    (tmp_path / "suite.toml").write_text(history + text)
    listed = json.loads(tune("history", "suite.toml", "--json", cwd=tmp_path).stdout)
    assert len(listed["nights"]) >= 3
    told = tune("accept", "suite.toml", "--night", "1", "--only", "other", cwd=tmp_path).stdout
    assert "night 1 is the baseline of other on host (default)" in told


def test_the_example_suite_is_one_that_can_be_read(tmp_path):
    from nightly.suite import load_suite

    told = tune("init", "mine.toml", cwd=tmp_path).stdout
    assert "mobilesr-tune nightly mine.toml" in told
    suite = load_suite(tmp_path / "mine.toml")
    assert [model.name for model in suite.models] == ["small"]
    assert suite.floor("psnr") == 0.05
