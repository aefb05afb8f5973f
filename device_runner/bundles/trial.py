"""Starts a bundle's runner on this computer, where it can: the shortest proof that it is whole."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess

from device_runner.bundles.errors import BundleDamagedError
from device_runner.bundles.store import Bundle

_MACHINES = {"x86_64": ("x86_64", "AMD64"), "arm64-v8a": ("aarch64", "arm64")}
_EMULATORS = {"arm64-v8a": "qemu-aarch64-static"}
_TIMEOUT_S = 60.0


def start_command(bundle: Bundle) -> tuple[str, ...] | None:
    """How to start the runner from within the bundle's folder here; None where nothing can."""
    abi = bundle.manifest.abi
    if platform.system() != "Linux":
        return None
    if platform.machine() in _MACHINES[abi]:
        return bundle.manifest.command
    emulator = shutil.which(_EMULATORS.get(abi, ""))
    return (emulator, *bundle.manifest.command) if emulator else None


def environment() -> dict[str, str]:
    """Ours, with a CPU for qemu that it computes rightly: its `max` gets int8 wrong."""
    return {"QEMU_CPU": "cortex-a76", **os.environ}


def try_start(bundle: Bundle) -> str | None:
    """What the runner says of its version; None where this computer cannot start it.

    Raises:
        BundleDamagedError: it does not start.
    """
    command = start_command(bundle)
    if command is None:
        return None
    try:
        finished = subprocess.run(
            [*command, "--version"],
            cwd=bundle.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BundleDamagedError(
            f"the runner in {bundle.folder} does not start: {error}"
        ) from error
    if finished.returncode != 0:
        words = finished.stderr.decode("utf-8", "replace").strip().splitlines()
        raise BundleDamagedError(
            f"the runner in {bundle.folder} does not start (exit code {finished.returncode}): "
            f"{words[-1][:300] if words else 'it said nothing'}"
        )
    return finished.stdout.decode("utf-8", "replace").strip()[:200]
