"""An artifact in a folder of the user's choice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from foundation.artifact import MANIFEST_NAME, Artifact, load_artifact
from foundation.folders import publish_folder
from models.errors import ExportError


def copy_artifact(make: Callable[[Path], Artifact], output: Path) -> Artifact:
    """Let `make` export into a store beside `output`, then move the result to `output`.

    An artifact that stands at `output` is replaced; anything else there is not touched.

    Raises:
        ExportError: `output` exists and is no artifact.
        RequestError: it cannot be written, or the disk is full; nothing is left behind.
    """
    replaceable = not output.exists() or (output / MANIFEST_NAME).is_file()
    if not replaceable and (not output.is_dir() or any(output.iterdir())):
        raise ExportError(f"{output} exists and is no artifact: choose another --output")
    publish_folder(lambda store: make(store).folder, output)
    return load_artifact(output)
