"""What a result depends on besides the request: versions and the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys

PACKAGES = (
    "mobilesr-tune", "torch", "executorch", "optuna", "adbutils", "pandas", "numpy", "pillow",
    "scikit-image", "scipy",
)  # fmt: skip


def version_of(package: str) -> str:
    """The version that is installed, or `not installed`."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def environment() -> dict[str, object]:
    """JSON-ready facts for `environment.json`."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: version_of(name) for name in PACKAGES},
    }
