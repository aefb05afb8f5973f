"""Makes a bundle of a user's own runner: a folder with the program and what it needs beside it."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from pydantic import ValidationError

from device_runner.bundles import store
from device_runner.bundles.errors import BundleError
from device_runner.bundles.manifest import MANIFEST_NAME, BundleManifest, BundleSource
from device_runner.bundles.pins import PLATFORMS
from device_runner.bundles.store import Bundle
from device_runner.launching.protocol import PROTOCOL_VERSION
from foundation.records import first_problem

_OWN = "user"


def adopt(folder: Path, *, abi: str, executorch_version: str, command: tuple[str, ...]) -> Bundle:
    """Write a manifest into `folder`, which stays where it is; use it with `--runner FOLDER`.

    `command` starts the runner from within the folder, such as `("./runner",)`. The files that
    are executable now will be so on the device.

    Raises:
        BundleError: the folder, a file's name or the command is not fit for a bundle.
    """
    if abi not in PLATFORMS:
        raise BundleError(f"{abi!r} is no ABI that is known here: {', '.join(PLATFORMS)}")
    if not folder.is_dir():
        raise BundleError(f"{folder} is no folder")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in files}
    runnable = {name for name, path in names.items() if path.stat().st_mode & stat.S_IXUSR}
    try:
        described = store.describe_files(folder, dict.fromkeys(names, _OWN), runnable)
        content = "\n".join(f"{file.sha256} {file.name}" for file in described)
        manifest = BundleManifest(
            abi=PLATFORMS[abi].abi,
            executorch_version=executorch_version,
            protocol=PROTOCOL_VERSION,
            recipe=hashlib.sha256(content.encode()).hexdigest(),
            compiler="unknown",
            trapped_symbols=0,
            command=command,
            files=tuple(described),
            sources=(
                BundleSource(
                    name=_OWN, kind="user", version=executorch_version, sha256=None, pinned=False
                ),
            ),
        )
    except ValidationError as error:
        raise BundleError(f"{folder} cannot be a bundle: {first_problem(error)}") from error
    manifest.save(folder / MANIFEST_NAME)
    return Bundle(folder, manifest)
