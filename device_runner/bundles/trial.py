"""Starts a bundle's runner on this computer, by itself or under an emulator of its ABI."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence

from device_runner.bundles.errors import BundleDamagedError
from device_runner.bundles.store import Bundle

_MACHINES = {"x86_64": ("x86_64", "AMD64"), "arm64-v8a": ("aarch64", "arm64")}
_EMULATORS = {"arm64-v8a": ("qemu-aarch64-static", "qemu-aarch64")}
# Its own default, `max`, computes int8 wrongly in qemu 7.2.
DEFAULT_CPU = "cortex-a76"
_TIMEOUT_S = 60.0


def is_native(bundle: Bundle) -> bool:
    """Whether this computer is of the bundle's ABI itself."""
    return platform.system() == "Linux" and platform.machine() in _MACHINES[bundle.manifest.abi]


def start_command(bundle: Bundle) -> tuple[str, ...] | None:
    """How to start the runner from within the bundle's folder here; None where nothing can."""
    if is_native(bundle):
        return bundle.manifest.command
    if platform.system() != "Linux":
        return None
    for name in _EMULATORS.get(bundle.manifest.abi, ()):
        if emulator := shutil.which(name):
            return (emulator, *bundle.manifest.command)
    return None


def environment(cpu: str | None = None) -> dict[str, str]:
    """Ours, with the processor that an emulator shall be; without `cpu` the caller's, or ours."""
    if cpu is not None:
        return {**os.environ, "QEMU_CPU": cpu}
    return {"QEMU_CPU": DEFAULT_CPU, **os.environ}


def launch(
    bundle: Bundle, arguments: Sequence[str], *, cpu: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run the runner within its folder, where `start_command` has a command.

    Raises:
        BundleDamagedError: it cannot be started, or does not end.
    """
    command = start_command(bundle)
    assert command is not None
    try:
        return subprocess.run(
            [*command, *arguments],
            cwd=bundle.folder,
            env=environment(cpu),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BundleDamagedError(
            f"the runner in {bundle.folder} does not start: {error}"
        ) from error


def try_start(bundle: Bundle) -> str | None:
    """What the runner says of its version; None where this computer cannot start it.

    Raises:
        BundleDamagedError: it does not start.
    """
    if start_command(bundle) is None:
        return None
    finished = launch(bundle, ["--version"])
    if finished.returncode != 0:
        raise BundleDamagedError(
            f"the runner in {bundle.folder} does not start (exit code {finished.returncode}): "
            f"{last_words(finished)}"
        )
    return finished.stdout.decode("utf-8", "replace").strip()[:200]


def last_words(finished: subprocess.CompletedProcess[bytes]) -> str:
    """What a runner said last on stderr, bounded: its own words before those of an emulator."""
    lines = finished.stderr.decode("utf-8", "replace").strip().splitlines()
    own = [line for line in lines if line.startswith("runner: ")]
    return (own or lines or ["it said nothing"])[-1][:300]
