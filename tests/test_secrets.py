"""A password in a storage's address stands nowhere in what is printed or written; runs go on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from commands import command_here

# One export, and one of the sentinel: slow where other work takes the cores.
pytestmark = pytest.mark.timeout(900)
SECRET = "s3cret-Pa55"
TINY = shlex.split(
    "--device sim:pixel --scale 2 --n-feats 4 --n-heads 2 --depths 1 --ratios 1 --window-sizes 4 "
    "--lr-size 16x16 --train-steps 10 --batch-size 1 --crop 8 --sessions 3 --settle-sessions 0 "
    "--trials 1 --run-dir run"
)
SUITE = """
name = "s"
history = "postgresql://me:{secret}@127.0.0.1:9/nights"
[[models]]
name = "m"
key = "n4_h2_r1_w4_x2_p1"
"""


@pytest.fixture
def tune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CompletedProcess[str]]:
    """The command line in a folder that holds all that it writes."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return partial(command_here, cwd=tmp_path)


def holding_the_secret(world: Path) -> list[str]:
    files = [path for path in world.rglob("*") if path.is_file() and path.name != "suite.toml"]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


def test_what_a_search_and_its_report_leave_holds_no_password(tune, tmp_path):
    # SQLite ignores a field of its address that it does not know: a database that can be opened.
    storage = f"sqlite:///file:{tmp_path}/shared.db?uri=true&password={SECRET}"
    done = tune("search", *TINY, "--storage", storage)
    # So little training may leave nothing better than bicubic upscaling: that is a no.
    assert done.returncode in (0, 1), done.stderr
    said = [done.stdout + done.stderr]
    kept = (tmp_path / "run/run.toml").read_text() + (tmp_path / "run/facts.json").read_text()
    assert kept.count("password=***") == 2

    # Without the address nothing is dialled; with it, all goes on.
    refused = tune("report", "run")
    assert refused.returncode == 2
    assert "give that address, with its password, as --storage" in refused.stderr
    again = tune("search", "--config", "run/run.toml")
    assert again.returncode == 2
    assert "the password of" in again.stderr
    report = tune("report", "run", "--storage", storage, "--json")
    assert report.returncode == 0, report.stderr
    assert json.loads(report.stdout)["profiles"][0]["profile"]
    continued = tune("search", *TINY, "--storage", storage)
    assert continued.returncode == done.returncode, continued.stderr
    assert "1 candidates are known" in continued.stderr
    said += [run.stdout + run.stderr for run in (refused, again, report, continued)]
    assert [text for text in said if SECRET in text] == []
    assert holding_the_secret(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        f"search {' '.join(TINY)} --storage postgresql://me:{SECRET}@127.0.0.1:9/x",
        f"search {' '.join(TINY)} --storage postgresql://me:{SECRET}@[nonsense",
        f"search {' '.join(TINY)} --storage magic://me:{SECRET}@h/x",
        "nightly suite.toml",
        "nightly history suite.toml --json",
    ],
)
def test_no_error_holds_a_password(tune, tmp_path, command):
    (tmp_path / "suite.toml").write_text(SUITE.format(secret=SECRET))
    done = tune(*shlex.split(command))
    assert done.returncode == 2, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert holding_the_secret(tmp_path) == []
