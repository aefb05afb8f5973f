"""A study that was really searched on this host, for the tests of its report."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from made_up_studies import reported
from report_browser import Browser, open_browser, require_browser

from device_runner.devices.lease import LOCK_DIR_VARIABLE
from reports.facts import StudyFacts, gather
from search.study.run_directory import RunDirectory

REPOSITORY = Path(__file__).resolve().parents[2]
SEARCH = shlex.split(
    "search --scale 2 --n-feats 4,8 --n-heads 2 --depths 1 --ratios 1,2 --window-sizes 4 "
    "--lr-size 16x16 --train-steps 30 --batch-size 2 --crop 8 --sessions 3 --min-iterations 3 "
    "--min-time-s 0.02 --threads 1 --device host --hr photos --train photos --run-dir run "
    "--trials 4 --settle-sessions 4"
)


@pytest.fixture(scope="session")
def host_run(run_folder: Path, smooth_picture: Callable[..., np.ndarray]) -> RunDirectory:
    """Four candidates on two photographs, by the command line, once for all workers.

    Read it, do not change it.
    """
    from models.images import save_rgb

    world = run_folder / "host-study"
    with FileLock(run_folder / "host-study.lock"):
        if not (world / "done").exists():
            for number, name in enumerate(["stripes", "waves"]):
                save_rgb(
                    world / f"photos/{name}.png", smooth_picture(112 + 8 * number, 120, number)
                )
            done = subprocess.run(
                [sys.executable, "-m", "mobilesr_tune", *SEARCH],
                cwd=world, capture_output=True, text=True, timeout=800, check=False,
                # Made before any test has a world of its own: no lease of others is waited for.
                env=os.environ | {LOCK_DIR_VARIABLE: str(world / "leases")},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            (world / "done").touch()
    return RunDirectory.open(world / "run")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def study(host_run: RunDirectory) -> StudyFacts:
    """What is known of that search."""
    return gather(host_run)


@pytest.fixture(scope="module")
def page(host_run: RunDirectory) -> Path:
    """Its page, where there is a browser to look at it."""
    require_browser()
    return reported(host_run).html
