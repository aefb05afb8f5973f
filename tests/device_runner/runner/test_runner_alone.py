"""The native runner needs nothing of the system, and is built of the installed wheel alone."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
from native_runs import LAUNCH_S, QUICK, told

from device_runner.bundles import Bundle
from device_runner.bundles.native_runner import SOURCES
from foundation import Artifact


def test_bundle_needs_nothing_of_the_system(
    native: Bundle, artifact: Artifact, tmp_path: Path, lab_lacks: Callable[[str], NoReturn]
) -> None:
    place = "data/local/tmp/runner"
    root = tmp_path / "root"
    shutil.copytree(native.folder, root / place)
    for name in ("proc", "sys"):
        (root / name).mkdir()
    shutil.copy(artifact.model_path, root / "model.pte")
    shutil.copy(artifact.check_input_path, root / "in.bin")
    unshare, chroot = shutil.which("unshare"), shutil.which("chroot")
    if unshare is None or chroot is None:
        lab_lacks("unshare and chroot are not here")
    script = (
        'set -e; mount --rbind /proc "$1/proc"; mount --rbind /sys "$1/sys"; cd "$1/$2"; shift 2; '
        'exec "$@"'
    )
    command = [unshare, "--user", "--map-root-user", "--mount"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        lab_lacks("this system grants no user namespaces")
    # chroot(1) goes to /, so the loader is named from there.
    loader, *rest = native.manifest.command
    words = [f"/{place}/{word[2:]}" if word.startswith("./") else word for word in rest]
    words = [f"/{place}" if word == "." else word for word in words]
    finished = subprocess.run(
        [
            *command, "sh", "-c", script, "sh", root, place, chroot, root,
            f"/{place}/{loader[2:]}", *words, "--model", "/model.pte", "--inputs", "/in.bin",
            "--output-dir", "/out", "--threads", "2", *QUICK,
        ],
        capture_output=True,
        timeout=LAUNCH_S,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert told(finished).session is not None
    np.testing.assert_allclose(
        np.fromfile(root / "out" / "out-0.bin", "<f4"),
        np.fromfile(artifact.check_output_path, "<f4"),
        atol=1e-4,
    )


def test_cmake_builds_against_the_installed_wheel(
    artifact: Artifact, tmp_path: Path, lab_lacks: Callable[[str], NoReturn]
) -> None:
    cmake = shutil.which("cmake")
    if cmake is None or shutil.which("c++") is None:
        lab_lacks("cmake or a C++ compiler is not here")
    wheel = importlib.util.find_spec("executorch")
    assert wheel is not None
    assert wheel.submodule_search_locations is not None
    configured = subprocess.run(
        [
            cmake, "-S", SOURCES, "-B", tmp_path / "build",
            f"-DEXECUTORCH_WHEEL={wheel.submodule_search_locations[0]}",
            f"-DPython3_ROOT_DIR={sys.base_prefix}",
        ],
        capture_output=True,
        text=True,
    )  # fmt: skip
    if "Python3" in configured.stderr and configured.returncode != 0:
        lab_lacks("this Python has no shared library to link")
    assert configured.returncode == 0, configured.stderr
    subprocess.run([cmake, "--build", tmp_path / "build"], check=True, capture_output=True)
    finished = subprocess.run(
        [
            tmp_path / "build" / "runner", "--model", artifact.model_path,
            "--inputs", artifact.check_input_path, "--output-dir", tmp_path / "out", "--no-timing",
        ],
        capture_output=True,
        timeout=LAUNCH_S,
    )  # fmt: skip
    session = told(finished).session
    assert session is not None
    assert session.runtime_version == importlib.metadata.version("executorch")
    np.testing.assert_allclose(
        np.fromfile(tmp_path / "out" / "out-0.bin", "<f4"),
        np.fromfile(artifact.check_output_path, "<f4"),
        atol=1e-4,
    )
