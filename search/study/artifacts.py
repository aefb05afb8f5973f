"""The exported candidates that a run directory holds."""

from __future__ import annotations

from pathlib import Path

from foundation.artifact import Artifact, load_artifact
from foundation.errors import RequestError


def artifacts_in(folder: Path) -> dict[str, Artifact]:
    """sha256 -> artifact, of those that are whole."""
    found: dict[str, Artifact] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        try:
            artifact = load_artifact(path)
        except RequestError:
            continue
        found[artifact.manifest.sha256] = artifact
    return found
