"""What this package needs to know of a runner bundle: a folder with a runner for one ABI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from device_runner.errors import DeviceRunnerError
from foundation import RequestError

# How a profile says that there is none.
NO_RUNNER = "none yet"


class RunnerMissingError(DeviceRunnerError, RequestError):
    """No runner bundle fits the device."""


@dataclass(frozen=True)
class BundleFile:
    """One file of a bundle: its path is relative, with forward slashes and without `..`."""

    path: str
    sha256: str
    executable: bool


class RunnerBundle(Protocol):
    """A runner for one ABI, on this host."""

    @property
    def folder(self) -> Path: ...

    @property
    def abi(self) -> str: ...

    @property
    def key(self) -> str:
        """Hash of what is in it: two bundles of one key are the same. Letters and digits."""

    @property
    def runtime(self) -> str:
        """The ExecuTorch inside, as `executorch 1.4.1`."""

    @property
    def files(self) -> tuple[BundleFile, ...]: ...

    @property
    def start(self) -> tuple[str, ...]:
        """The command that starts the runner, inside the folder; arguments are appended."""


# From an ABI to the bundle for it; raises RunnerMissingError.
BundleFinder = Callable[[str], RunnerBundle]
