"""An artifact in a folder of the user's choice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from foundation.artifact import MANIFEST_NAME, Artifact, load_artifact
from foundation.files import explain_os_error
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
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        store = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    except OSError as error:
        raise explain_os_error(error, output) from error
    try:
        made = make(store).folder
        if output.exists():
            output.replace(store / "replaced")
        made.replace(output)
    except OSError as error:
        raise explain_os_error(error, output) from error
    finally:
        shutil.rmtree(store, ignore_errors=True)
    return load_artifact(output)
