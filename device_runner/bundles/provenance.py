"""Where a bundle's parts came from, with their licences: what its manifest says of each source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from device_runner.bundles.debian import FetchedPackage
from device_runner.bundles.errors import BundleBuildError
from device_runner.bundles.manifest import BundleSource
from device_runner.bundles.pins import EXECUTORCH_VERSION, Platform

LICENCES = "licences"

# Copies a file into the bundle: from where, under which name, from which source.
Take = Callable[[Path, str, str], None]


def wheel_source(platform: Platform) -> BundleSource:
    """The executorch wheel, which is the tested one or none."""
    return BundleSource(
        name="executorch",
        kind="wheel",
        version=EXECUTORCH_VERSION,
        sha256=platform.wheel_sha256,
        pinned=True,
        licence=f"{LICENCES}/executorch.txt",
        tested=EXECUTORCH_VERSION,
    )


def debian_source(package: FetchedPackage, unpacked: Path, take: Take) -> BundleSource:
    """A package below `unpacked`; its licence is taken along.

    Raises:
        BundleBuildError: the package has no copyright file.
    """
    return BundleSource(
        name=package.name,
        kind="debian",
        version=package.version,
        sha256=package.sha256,
        pinned=package.pinned,
        licence=_take_licence(package.name, unpacked, take),
        tested=package.tested,
    )


def _take_licence(package: str, unpacked: Path, take: Take) -> str:
    """Copy a package's copyright file; gcc's libraries point to the one of gcc-14-base."""
    own = unpacked / package / "usr/share/doc" / package
    shared = own.readlink().name if own.is_symlink() else package
    path = unpacked / shared / "usr/share/doc" / shared / "copyright"
    if not path.is_file():
        raise BundleBuildError(f"Debian's {package} has no copyright file where it should be")
    name = f"{LICENCES}/{shared}.txt"
    take(path, name, shared)
    return name
