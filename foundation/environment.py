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


def environment() -> dict[str, object]:
    """JSON-ready facts for `environment.json`."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": versions,
    }
