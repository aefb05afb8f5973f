"""What tests of several folders share: weights, images, and exports made once a run.

Lowering takes seconds, so every artifact of the suite is exported into one store, which the
xdist workers of a run share under a file lock. An artifact from here is read, never changed:
`shutil.copytree` it first.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

pytest_plugins = ["lab_fixtures", "postgresql_server"]

REPOSITORY = Path(__file__).resolve().parents[1]
# pytest puts this folder on the path, and an editable install is looked up after the path: its
# subfolders `models` and `search` would pass for the packages of these names.
if str(REPOSITORY) not in sys.path:
    sys.path.insert(1, str(REPOSITORY))

from device_runner.devices.lease import LOCK_DIR_VARIABLE  # noqa: E402
from models.config import MobileSRConfig  # noqa: E402
from models.deployment import Candidate, Deployment  # noqa: E402

if TYPE_CHECKING:
    from foundation.artifact import Artifact
    from models.weights import Weights

# What stops a command is tried on it: its process must not inherit that a signal is ignored, as
# from `nohup` or a shell's background job.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# One worker a core: torch's own threads would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Workers share the machine: how long an example takes says nothing.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")

SMALL = MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), window_size=4, scale=2)
# No LR side is a multiple of the window, and the width holds no whole window.
ODD = MobileSRConfig(n_feats=6, n_heads=2, ratios=(2,), window_size=8, scale=3, body_passes=2)


# What takes longest begins first: the last worker at work would else have one of them alone.
LONGEST = (
    "test_document_commands.py", "test_command_line.py", "test_errors_table.py",
    "device_runner/runner/test_runner_native.py", "reports/test_report_browser.py",
    "reports/test_report_found.py", "search/test_finetuning.py",
    "search/test_search_on_phones.py", "models/test_export.py",
    "models/delivery/test_delivery_folder.py", "models/delivery/test_deliver_command.py",
    "device_runner/devices/test_adb_claim.py",
    "device_runner/devices/adb_faults/test_adb_link_faults.py",
    "device_runner/devices/adb_faults/test_adb_runner_faults.py",
    "device_runner/devices/test_adb_contract.py", "device_runner/devices/test_adb_native.py",
    "models/training/test_training_supernet.py", "models/training/test_training_checkpoint.py",
    "search/study/test_study.py", "reports/test_report_reader.py",
    "nightly/test_nightly_command.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {REPOSITORY / "tests" / name: place for place, name in enumerate(LONGEST)}
    assert [path for path in places if not path.is_file()] == []
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(autouse=True)
def _own_world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases, caches and an adb server that are neither other workers' nor the user's own."""
    monkeypatch.setenv(LOCK_DIR_VARIABLE, str(tmp_path_factory.mktemp("leases")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    # Nothing listens there, and a server elsewhere is never started. The lab's fixtures differ.
    monkeypatch.setenv("ANDROID_ADB_SERVER_HOST", "127.0.0.2")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "9")
    # The width of what rich prints must not depend on who runs the tests.
    monkeypatch.setenv("COLUMNS", "200")
    for name in (
        "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "ANDROID_SERIAL",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def _loud_again() -> Iterator[None]:
    """Undo what the command line does to logging and warnings."""
    with warnings.catch_warnings():
        yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def run_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], _loud_again: None
) -> Callable[[list[str]], tuple[int, str, str]]:
    """The command line in this process: exit code, stdout, stderr."""

    import mobilesr_tune

    def run(arguments: list[str]) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mobilesr-tune", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            mobilesr_tune.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """One folder for all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def random_weights() -> Callable[[MobileSRConfig], Weights]:
    """Weights whose every tensor matters: biases and LayerNorm affines are drawn too."""
    import torch

    from models.network import MobileSR
    from models.weights import Weights

    def make(config: MobileSRConfig, seed: int = 0) -> Weights:
        generator = torch.Generator().manual_seed(seed)
        state = MobileSR(config).state_dict()
        for name, tensor in state.items():
            fan_in = tensor[0].numel() if tensor.dim() > 1 else 4
            # Half of what keeps a signal's size: residuals add up over the blocks.
            noise = torch.randn(tensor.shape, generator=generator) * 0.5 * fan_in**-0.5
            state[name] = noise + 1 if "norm" in name and name.endswith("weight") else noise
        return Weights(dict(state), config, "random")

    return make


@pytest.fixture(scope="session")
def export_once(
    run_folder: Path, random_weights: Callable[[MobileSRConfig], Weights]
) -> Callable[[MobileSRConfig, Deployment], Artifact]:
    """Export a config with its random weights, once for all workers."""

    def make(config: MobileSRConfig, deployment: Deployment) -> Artifact:
        from models.export import export

        with FileLock(run_folder / "exports.lock"):
            return export(
                Candidate(config, deployment), random_weights(config), run_folder / "exports"
            )

    return make


@pytest.fixture(scope="session")
def small_artifact(
    export_once: Callable[[MobileSRConfig, Deployment], Artifact],
) -> Artifact:
    """`SMALL` at 16x16: the quickest to run."""
    return export_once(SMALL, Deployment.choose(lr_height=16, lr_width=16))


@pytest.fixture(scope="session")
def pixel_artifact(
    export_once: Callable[[MobileSRConfig, Deployment], Artifact],
) -> Artifact:
    """`small_artifact` on uint8 pixels."""
    return export_once(SMALL, Deployment.choose(lr_height=16, lr_width=16, io="uint8"))


@pytest.fixture(scope="session")
def standard_artifact(
    export_once: Callable[[MobileSRConfig, Deployment], Artifact],
) -> Artifact:
    """`SMALL` at 16x16 by ExecuTorch's partitioner."""
    return export_once(SMALL, Deployment.choose(lr_height=16, lr_width=16, lowering="standard"))


@pytest.fixture(scope="session")
def odd_artifact(
    export_once: Callable[[MobileSRConfig, Deployment], Artifact],
) -> Artifact:
    """`ODD` at 13x7."""
    return export_once(ODD, Deployment.choose(lr_height=13, lr_width=7))


@pytest.fixture(scope="session")
def reference_artifact(
    export_once: Callable[[MobileSRConfig, Deployment], Artifact],
) -> Artifact:
    """`SMALL` at 16x16, the network as written."""
    return export_once(SMALL, Deployment(lr_height=16, lr_width=16, graph="reference"))


@pytest.fixture(scope="session")
def picture() -> Callable[..., np.ndarray]:
    """Edges, slopes and some noise: something that bilinear upscaling blurs."""

    def draw(height: int, width: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width]
        planes = []
        for _ in range(3):
            angle, period = rng.uniform(0, np.pi), rng.uniform(6, 14)
            wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
            planes.append(np.where(wave > 0, 190.0, 60.0) + 40 * x / width - 20 * y / height)
        noise = rng.normal(0, 4, (height, width, 3))
        return np.clip(np.stack(planes, axis=-1) + noise, 0, 255).astype(np.uint8)

    return draw


@pytest.fixture(scope="session")
def smooth_picture() -> Callable[..., np.ndarray]:
    """Slopes alone: a network that has hardly learnt anything is better than bicubic here.

    An untrained network gives the bilinear picture (`models.training`), which does not overshoot.
    """

    def draw(height: int, width: int, seed: int = 0) -> np.ndarray:
        y, x = np.mgrid[0:height, 0:width]
        planes = [
            128 + 60 * np.sin((x + 7 * seed) / (23 + 2 * colour)) + 40 * np.cos(y / (31 - seed % 5))
            for colour in range(3)
        ]
        return np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)

    return draw


@pytest.fixture
def photos(tmp_path: Path, picture: Callable[..., np.ndarray]) -> Path:
    """A folder of two photographs of 48x56 and 40x64 pixels."""
    from models.images import save_rgb

    save_rgb(tmp_path / "photos/a.png", picture(48, 56, 1))
    save_rgb(tmp_path / "photos/b.png", picture(40, 64, 2))
    return tmp_path / "photos"


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until a condition holds, 30 s at most."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true within 30 s"
            time.sleep(0.05)

    return wait
