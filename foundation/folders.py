"""Folders that are either whole or absent: made beside the target, then moved into its place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from foundation.files import explain_os_error


def copy_files(source: Path, target: Path) -> Path:
    """A new folder `target` with the files of `source`, as anything new that this user makes.

    The original's rights stay behind: what was put away read-only can be copied and written to.
    """
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, target / path.name)
    return target


def publish_folder(make: Callable[[Path], Path], target: Path) -> None:
    """Let `make` build a folder within the one it is handed, then put it at `target`.

    Whatever stands at `target` gives way: the caller has made sure that it may.

    Raises:
        RequestError: it cannot be written, or the disk is full; nothing is left behind.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        store = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise explain_os_error(error, target) from error
    try:
        made = make(store)
        for path in made.rglob("*"):
            if path.is_file():
                with path.open("rb") as stream:
                    os.fsync(stream.fileno())
        if target.exists():
            target.replace(store / "replaced")
        made.replace(target)
    except OSError as error:
        raise explain_os_error(error, target) from error
    finally:
        shutil.rmtree(store, ignore_errors=True)
