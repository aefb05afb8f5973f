"""`models.export_process` with a real process: an artifact, or the sentence why there is none."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import psutil
import pytest

import models.export_process
from foundation import Artifact, RequestError
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.export_process import ExportProcess
from models.weights import save_weights


def candidate_of(artifact):
    manifest = artifact.manifest
    return Candidate(
        MobileSRConfig.build(**manifest.config), Deployment.build(**manifest.deployment)
    )


@pytest.fixture
def prepared(small_artifact, random_weights, tmp_path):
    """Weights on disk, and a store that holds their artifact already."""
    weights = tmp_path / "w.pt"
    save_weights(random_weights(candidate_of(small_artifact).config), weights)
    shutil.copytree(small_artifact.folder, tmp_path / "store" / small_artifact.folder.name)
    return weights, tmp_path / "store"


def larger(candidate):
    return Candidate(candidate.config.model_copy(update={"n_feats": 64}), candidate.deployment)


def processes():
    return [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]


def test_a_candidate_that_cannot_be_exported_takes_no_other_with_it(prepared, small_artifact):
    good = candidate_of(small_artifact)
    with ExportProcess(*prepared) as process:
        refused, made, again = map(process.export, [larger(good), good, larger(good)])
        assert len(processes()) == 1
    assert isinstance(made, Artifact)
    assert made.manifest == small_artifact.manifest
    for sentence in (refused, again):
        assert isinstance(sentence, str)
        assert "does not fit n64_h2_r1_w4_x2_p1" in sentence
        assert "head.weight is (8, 3, 3, 3), needed (64, 3, 3, 3)" in sentence
    assert processes() == []


def test_a_script_is_not_run_once_more_by_the_process(prepared, small_artifact, tmp_path):
    """Whoever calls it from a script need not ask whether that is the main module."""
    (tmp_path / "candidate.json").write_text(
        json.dumps([small_artifact.manifest.config, small_artifact.manifest.deployment])
    )
    script = tmp_path / "script.py"
    script.write_text(
        """
import json, pathlib, sys
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.export_process import ExportProcess
with open("runs", "a") as runs:
    runs.write("once ")
config, deployment = json.loads(pathlib.Path("candidate.json").read_text())
candidate = Candidate(MobileSRConfig.build(**config), Deployment.build(**deployment))
with ExportProcess(pathlib.Path("w.pt"), pathlib.Path("store")) as process:
    print(process.export(candidate).folder)
assert sys.modules["__main__"].__file__ == __file__
"""
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(models.export_process.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(small_artifact.folder.name)
    assert (tmp_path / "runs").read_text() == "once "


def test_a_process_killed_at_work_costs_the_candidate_it_had_in_hand(prepared, small_artifact):
    good = candidate_of(small_artifact)

    def kill_the_first():
        deadline = time.monotonic() + 60
        while not processes() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(processes()[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_the_first)
    with ExportProcess(*prepared) as process:
        killer.start()
        sentence = process.export(good)
        killer.join()
        assert sentence == (
            f"the process that exported {good.key} died, most likely for lack of memory"
        )
        assert isinstance(process.export(good), Artifact)


def test_a_process_killed_while_idle_costs_nothing(prepared, small_artifact):
    good = candidate_of(small_artifact)
    with ExportProcess(*prepared) as process:
        assert isinstance(process.export(good), Artifact)
        (idle,) = processes()
        idle.kill()
        deadline = time.monotonic() + 60
        while not process._pool._broken and time.monotonic() < deadline:
            time.sleep(0.01)
        assert isinstance(process.export(good), Artifact)


def test_a_stuck_process_is_given_up_and_stopped(prepared, small_artifact):
    good = candidate_of(small_artifact)
    with ExportProcess(*prepared, timeout_s=0.01) as process:
        assert process.export(good) == f"export of {good.key} took more than 0 s"
        assert processes() == []
        process.timeout_s = 120
        assert isinstance(process.export(good), Artifact)


def test_a_store_that_cannot_be_written_ends_the_search(prepared, small_artifact, tmp_path):
    (tmp_path / "file").touch()
    with (
        ExportProcess(prepared[0], tmp_path / "file/store") as process,
        pytest.raises(RequestError, match="a file stands where a folder is needed"),
    ):
        process.export(candidate_of(small_artifact))
    assert processes() == []


def test_what_is_stopped_from_elsewhere_is_no_candidates_failure(prepared, small_artifact):
    good = candidate_of(small_artifact)
    with ExportProcess(*prepared) as process:
        stopper = threading.Timer(0.2, process.stop)
        stopper.start()
        with pytest.raises(CancelledError):
            process.export(good)
        stopper.join()
        with pytest.raises(CancelledError):
            process.export(good)
    assert processes() == []


def test_a_process_that_starts_knows_no_ctrl_c(prepared, small_artifact, capfd):
    """A terminal's Ctrl-C reaches it too, also while it is still being born."""
    with ExportProcess(*prepared) as process:
        future = process._submit(candidate_of(small_artifact))
        (born,) = processes()
        born.send_signal(signal.SIGINT)
        assert future.result(timeout=200).name == small_artifact.folder.name
    assert "KeyboardInterrupt" not in capfd.readouterr().err
