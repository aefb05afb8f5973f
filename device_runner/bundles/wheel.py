"""The official executorch wheel for another platform, by pip: pinned by version and checksum."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from pathlib import Path

from device_runner.bundles.errors import BundleBuildError, HostToolMissingError
from device_runner.bundles.host_tools import run
from device_runner.bundles.pins import EXECUTORCH_VERSION, Platform
from foundation import sha256_of

_PYTHON_VERSION = "3.11"
# The wheel's headers, the libraries that a runner links, and its licence.
_WANTED = (
    "executorch/include/",
    "executorch/extension/pybindings/_portable_lib.",
    "executorch/backends/qualcomm/libqnn_executorch_backend.so",
    f"executorch-{EXECUTORCH_VERSION}.dist-info/licenses/",
)
_MAX_UNPACKED_BYTES = 512 * 2**20


def fetch_wheel(platform: Platform, into: Path) -> Path:
    """Download the wheel into `into` with this Python's pip and the user's own pip settings.

    Raises:
        HostToolMissingError: this Python has no pip.
        BundleBuildError: it cannot be had, or is not the pinned file.
    """
    if importlib.util.find_spec("pip") is None:
        raise HostToolMissingError(
            "building a runner bundle needs pip in this Python: 'python -m ensurepip', then again"
        )
    into.mkdir(parents=True, exist_ok=True)
    requirement = into / "requirements.txt"
    requirement.write_text(
        f"executorch=={EXECUTORCH_VERSION} --hash=sha256:{platform.wheel_sha256}\n"
    )
    run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--only-binary=:all:", "--require-hashes",
            "--platform", platform.wheel_platform, "--python-version", _PYTHON_VERSION,
            "--dest", str(into), "--requirement", str(requirement),
        ],
        f"fetching executorch {EXECUTORCH_VERSION} for {platform.abi}",
    )  # fmt: skip
    wheels = list(into.glob("executorch-*.whl"))
    if len(wheels) != 1 or sha256_of(wheels[0]) != platform.wheel_sha256:
        raise BundleBuildError("pip did not leave the pinned executorch wheel: try again")
    return wheels[0]


def unpack_wheel(wheel: Path, into: Path) -> None:
    """Lay out what building needs of the wheel below `into`."""
    with zipfile.ZipFile(wheel) as archive:
        members = [item for item in archive.infolist() if item.filename.startswith(_WANTED)]
        if sum(item.file_size for item in members) > _MAX_UNPACKED_BYTES:
            raise BundleBuildError("the executorch wheel is far larger than it should be")
        archive.extractall(into, members)
