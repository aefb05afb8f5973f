"""The command line from end to end, on the host: help, a search, its report, and a kill."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import typer
from commands import command_here

import mobilesr_tune
from foundation.artifact import load_artifact
from foundation.errors import AnswerIsNo
from models.config import MobileSRConfig
from models.deployment import Deployment
from models.images import load_rgb, save_rgb
from search.request import SearchRequest
from search.study.records import CandidateResult, PictureQuality, Timing
from search.study.run_directory import RunDirectory
from search.study.study import load_study, open_study, record

REPOSITORY = Path(__file__).resolve().parents[1]
# Real exports in processes of their own: slow where other work takes the cores.
pytestmark = pytest.mark.timeout(900)
COMMANDS = [
    "search",
    "train",
    "finetune",
    "confirm",
    "upscale",
    "evaluate",
    "export",
    "devices",
    "bench",
    "report",
    "nightly",
]
TINY = shlex.split(
    "--scale 2 --n-feats 4,8 --n-heads 2 --depths 1 --ratios 1,2 --window-sizes 4 --lr-size 16x16 "
    "--train-steps 60 --batch-size 2 --crop 8 --sessions 1 --min-iterations 2 --min-time-s 0.01 "
    "--threads 1 --device host --settle-sessions 4"
)


def tune_elsewhere(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "mobilesr_tune", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=600, check=False,
        env=os.environ | {"COLUMNS": "80"},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def tune(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """In this process."""
    done = command_here(*arguments, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, tmp_path):
    text = " ".join(tune(command, "--help", cwd=tmp_path).stdout.split())
    assert f"Example: mobilesr-tune {command} " in text


def test_the_overview_names_every_command(tmp_path):
    text = tune("--help", cwd=tmp_path).stdout
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", text)] == []


def test_help_waits_for_nothing_heavy():
    code = (
        "import sys, mobilesr_tune as m; "
        f"[m.app([c, '--help'], standalone_mode=False) for c in {COMMANDS}]; "
        "heavy = {'torch', 'executorch', 'optuna', 'pandas', 'plotly', 'skimage', 'scipy'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_without_a_command_there_is_help(tmp_path):
    assert "Usage" in tune_elsewhere(cwd=tmp_path, code=2).stdout


@pytest.fixture(scope="module")
def searched(tmp_path_factory, smooth_picture):
    """A search of two candidates in a folder with photographs, and what it printed."""
    world = tmp_path_factory.mktemp("searched")
    for number, name in enumerate(["a", "b"]):
        save_rgb(world / f"photos/{name}.png", smooth_picture(40 + 8 * number, 56, number))
    command = ["search", *TINY, "--hr", "photos", "--train", "photos", "--run-dir", "run"]
    return world, command, tune_elsewhere(*command, "--trials", "2", cwd=world)


def test_the_printed_command_pasted_into_a_shell_exports_the_winner(searched):
    """As it was printed to a file, at a terminal's 80 columns."""
    world, _, done = searched
    (command,) = (line for line in done.stdout.splitlines() if " export --from " in line)
    (world / "bin").mkdir()
    program = world / "bin/mobilesr-tune"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mobilesr_tune "$@"\n')
    program.chmod(0o755)
    subprocess.run(
        ["sh"], input=command, cwd=world, check=True, capture_output=True, text=True, timeout=600,
        env=os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "COLUMNS": "80"},
    )  # fmt: skip
    exported = load_artifact(world / "best")
    chosen = json.loads((world / "run/report/report.json").read_text())["sections"][0]
    (winner,) = [
        result
        for result in RunDirectory.open(world / "run").results()
        if result.number == chosen["chosen_trial"]
    ]
    # The very file that was measured.
    assert exported.manifest.sha256 == winner.artifact.sha256


def front_of(stdout: str):
    document = json.loads(stdout)
    return document["profiles"][0]


def test_a_search_leaves_everything_it_should(searched):
    world, _, done = searched
    run = world / "run"
    for name in ("study.db", "run.toml", "environment.json", "facts.json", "weights/supernet.pt",
                 "report/index.html", "report/candidates.csv", "report/candidates.json",
                 "report/summary.md"):  # fmt: skip
        assert (run / name).is_file(), name
    assert len(list((run / "measurements").iterdir())) == 2
    # Two candidates, and the sentinel that ran beside them.
    assert len(list((run / "artifacts").iterdir())) == 3
    assert not (run / "weights/training.pt").exists()
    assert not [path for path in run.rglob("*") if path.name.startswith(".")]
    # Told while it goes: training, each candidate, and why it ended; no device is passed over.
    assert re.search(r"training: step 60/60, L1 0\.\d+", done.stderr)
    assert re.search(r"1/2 +n4_h2_r1_w4_x2_p1 .* ms .* dB", done.stderr)
    assert re.search(r"2/2 +n8_h2_r2_w4_x2_p1 ", done.stderr)
    assert "Search ended: 2 candidates are known" in done.stderr
    assert "not of a phone" in done.stdout
    assert "report/index.html" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "leaked" not in done.stderr


def test_the_report_needs_no_network_and_says_whose_numbers_these_are(searched):
    page = (searched[0] / "run/report/index.html").read_text()
    assert "not of a phone" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.?https?:", page)


def test_the_same_command_adds_nothing_and_json_is_all_there_is(searched):
    world, command, _ = searched
    before = {p: p.read_bytes() for p in (world / "run/measurements").iterdir()}
    done = tune(*command, "--trials", "2", "--json", cwd=world)
    assert "Search ended: 2 candidates are known" in done.stderr
    assert "1/2" not in done.stderr
    assert {p: p.read_bytes() for p in (world / "run/measurements").iterdir()} == before
    profile = front_of(done.stdout)
    assert 1 <= len(profile["front"]) <= 2
    assert "not of a phone" in profile["stand_in"]
    again = tune("report", "run", "--json", cwd=world)
    # But for the commands that take the choice, which name the run as it was given.
    named = {"export": "", "deliver": ""}
    assert front_of(again.stdout) | named == profile | named
    assert again.stderr == ""


@pytest.mark.parametrize("status", ["stopped", "failed", "ok"])
def test_what_cannot_be_met_is_a_no(tmp_path, capsys, status):
    """Exit code 1: the request was right, the answer is no."""
    run = RunDirectory.create(tmp_path / "run", SearchRequest(max_latency_ms=1), {})
    trial = open_study(run, SearchRequest()).ask()
    timing = Timing(latency_ms=2.0, latency_low_ms=2.0, latency_high_ms=2.0)
    quality = PictureQuality(psnr_y_db=30.0, psnr_rgb_db=28.0, ssim_y=0.9, bicubic_psnr_y_db=29.0)
    result = CandidateResult(
        number=0, config=MobileSRConfig(), deployment=Deployment(lr_height=8, lr_width=8),
        status=status, reason="slower than 1 ms by 1 ms", device_serial="host",
        profile_key="host", constraint_violations={"latency_ms": 1.0}, timing=timing,
        quality=quality if status == "ok" else None,
    )  # fmt: skip
    record(trial, result)
    with pytest.raises((typer.Exit, AnswerIsNo)) as ended:
        mobilesr_tune._after_search(run, False)
    assert ended.value.exit_code == 1
    said = capsys.readouterr().err + str(ended.value)
    assert "no candidate meets the request (1 tried: 1 x slower than 1 ms by 1 ms)" in said
    # What was timed is reported all the same, with how far it misses.
    assert (run.report_folder / "index.html").is_file() == (status != "failed")


def test_changed_photographs_are_another_search(searched, picture):
    world, command, _ = searched
    original = load_rgb(world / "photos/a.png")
    save_rgb(world / "photos/a.png", picture(40, 56, 99))
    done = tune(*command, "--trials", "3", cwd=world, code=2)
    save_rgb(world / "photos/a.png", original)
    assert "run was made with other evaluation images: the files have changed" in done.stderr


def test_an_artifact_of_the_search_is_measured_and_used(searched, picture):
    world, _, _ = searched
    artifact = str(next((world / "run/artifacts").iterdir()))
    done = tune(
        "bench", artifact, "--sessions", "1", "--iterations", "2", "--min-time-s", "0", "--json",
        "--output", "m.json", cwd=world,
    )  # fmt: skip
    document = json.loads(done.stdout)
    estimate = document["measurement"]["estimate"]
    assert {"load_ms", "first_run_ms", "latency_ms", "p10_ms", "p90_ms", "peak_memory_mb"} <= set(
        estimate
    )
    assert document["undelegated_ops"] == 0
    assert document["delegated_ops"] > 10
    assert document["measurement"]["verification"]["max_abs_error"] <= 1e-4
    assert json.loads((world / "m.json").read_text()) == document["measurement"]
    save_rgb(world / "in.png", picture(21, 35, 3))
    done = tune("upscale", "in.png", "-o", "out.png", "--artifact", artifact, "--json", cwd=world)
    assert json.loads(done.stdout)["device"] == "host"
    assert load_rgb(world / "out.png").shape == (42, 70, 3)


def test_a_checkpoint_of_the_search_is_evaluated(searched):
    world, _, _ = searched
    chosen = ["--weights", "run/weights/supernet.pt", "--key", "n8_h2_r2_w4_x2_p1"]
    done = tune("evaluate", *chosen, "--hr", "photos", "--json", cwd=world)
    document = json.loads(done.stdout)
    assert [image["name"] for image in document["images"]] == ["a", "b"]
    mean = np.mean([image["model"]["psnr_y_db"] for image in document["images"]])
    assert document["mean"]["model"]["psnr_y_db"] == pytest.approx(mean)
    assert document["mean"]["bicubic"]["psnr_y_db"] > 10


def test_ctrl_c_is_one_sentence_and_loses_no_step(tmp_path, picture):
    save_rgb(tmp_path / "photos/a.png", picture(40, 56, 0))
    command = shlex.split(
        "train --images photos --scale 2 --n-feats 4 --n-heads 2 --depths 1 --ratios 1 "
        "--window-sizes 4 --crop 8 --batch-size 1 --steps 5000 -o out.pt"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "mobilesr_tune", *command],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "held back" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("stopped; a search or a training goes on")
    assert "Traceback" not in said


def measured_of(result):
    timing = result.timing
    return (
        result.number, result.key, result.artifact, result.images, timing.beside,
        timing.raw_latency_ms, timing.measurement_file,
    )  # fmt: skip


def test_a_killed_search_loses_no_trial_and_repeats_none(tmp_path, smooth_picture):
    """SIGKILL after the first finished candidate, then the same command again."""
    save_rgb(tmp_path / "photos/a.png", smooth_picture(40, 56, 0))
    command = [sys.executable, "-m", "mobilesr_tune", "search", *TINY, "--hr", "photos", "--train",
               "photos", "--run-dir", "run", "--trials", "3",
               # What more sessions sharpen would not be what it was.
               "--settle-sessions", "0"]  # fmt: skip
    with (tmp_path / "stderr").open("w") as stderr:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=stderr, stderr=stderr)
        deadline = time.monotonic() + 600
        while not re.search(r"1/3 ", (tmp_path / "stderr").read_text()):
            assert process.poll() is None, (tmp_path / "stderr").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    # What the kill left half written is taken back by the next that may write, as the search is.
    with closing(sqlite3.connect(tmp_path / "run/study.db")) as study:
        study.execute("SELECT count(*) FROM trials").fetchone()
    before = RunDirectory.open(tmp_path / "run").results()
    assert len(before) in (1, 2)

    tune(*command[3:], cwd=tmp_path)
    run = RunDirectory.open(tmp_path / "run")
    after = run.results()
    # Latencies are told anew for the speed that all candidates show; what was measured stays.
    assert [measured_of(one) for one in after[: len(before)]] == [
        measured_of(one) for one in before
    ]
    assert len(after) == 3
    assert max(Counter(result.key for result in after).values()) == 1
    assert all(trial.state.is_finished() for trial in load_study(run).trials)
    # What was paid for before the kill was not measured again.
    kept = (run.path / before[0].timing.measurement_file).stat().st_mtime
    assert kept < min(
        (run.path / result.timing.measurement_file).stat().st_mtime for result in after[1:]
    )
