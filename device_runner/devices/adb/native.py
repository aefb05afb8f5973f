"""Our own bundles (`device_runner.bundles`), as the adb device wants them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device_runner.bundles import Bundle
from device_runner.devices.adb.bundle import BundleFile


@dataclass(frozen=True)
class NativeBundle:
    """A `RunnerBundle` over a bundle of the store."""

    bundle: Bundle

    @property
    def folder(self) -> Path:
        return self.bundle.folder

    @property
    def abi(self) -> str:
        return self.bundle.manifest.abi

    @property
    def key(self) -> str:
        return self.bundle.manifest.digest

    @property
    def runtime(self) -> str:
        return f"executorch {self.bundle.manifest.executorch_version}"

    @property
    def files(self) -> tuple[BundleFile, ...]:
        return tuple(
            BundleFile(file.name, file.sha256, file.executable)
            for file in self.bundle.manifest.files
        )

    @property
    def start(self) -> tuple[str, ...]:
        return self.bundle.manifest.command
