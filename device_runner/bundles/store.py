"""Bundles on this computer: one folder each, in a cache per user."""

from __future__ import annotations

import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from device_runner.bundles.errors import BundleDamagedError, BundleMissingError
from device_runner.bundles.manifest import MANIFEST_NAME, BundleFile, BundleManifest
from foundation import RequestError, sha256_of
from foundation.files import explain_os_error
from foundation.places import cache_folder

_STAGING_PREFIX = ".staging-"
_STALE_S = 24 * 3600


@dataclass(frozen=True)
class Bundle:
    """A bundle in its folder."""

    folder: Path
    manifest: BundleManifest

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file that goes to a device; the manifest stays here."""
        return tuple(self.folder / file.name for file in self.manifest.files)


def store_folder() -> Path:
    """Where this user's bundles are: `$XDG_CACHE_HOME/mobilesr-tune/runners`."""
    return cache_folder() / "runners"


def open_bundle(folder: Path) -> Bundle:
    """Read a bundle's manifest; its files are looked at by `verify`.

    Raises:
        BundleMissingError: there is no bundle.
        RequestError: its manifest is of another version, or damaged.
    """
    if not (folder / MANIFEST_NAME).is_file():
        raise BundleMissingError(
            f"{folder} holds no runner bundle (no {MANIFEST_NAME}): make one with 'mobilesr-tune "
            "runner build', or describe your own with 'mobilesr-tune runner adopt'"
        )
    return Bundle(folder, BundleManifest.load(folder / MANIFEST_NAME))


@dataclass(frozen=True)
class BrokenBundle:
    """A folder among the bundles that cannot be read as one, and why."""

    folder: Path
    problem: str


@dataclass(frozen=True)
class Stored:
    """What this user's cache holds, newest bundle first."""

    bundles: tuple[Bundle, ...]
    broken: tuple[BrokenBundle, ...]


def stored() -> Stored:
    """Look through the cache; what cannot be read is told, not left out.

    Raises:
        RequestError: the cache cannot be read.
    """
    root, found, broken = store_folder(), [], []
    try:
        folders = sorted(path for path in root.iterdir()) if root.exists() else []
    except OSError as error:
        raise explain_os_error(error, root) from error
    for folder in folders:
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        try:
            found.append(((folder / MANIFEST_NAME).stat().st_mtime, open_bundle(folder)))
        except (RequestError, OSError) as error:
            broken.append(BrokenBundle(folder, str(error)))
    found.sort(key=lambda item: item[0], reverse=True)
    return Stored(tuple(bundle for _, bundle in found), tuple(broken))


def find(abi: str, *, recipe: str | None = None) -> Bundle:
    """The bundle for an ABI: the one made by `recipe` if it is here, else the newest.

    Raises:
        BundleMissingError: there is none for this ABI; one that cannot be read is named.
        RequestError: the cache cannot be read.
    """
    here = stored()
    matching = [bundle for bundle in here.bundles if bundle.manifest.abi == abi]
    if not matching:
        also = f" ({len(here.broken)} cannot be read: see 'runner list')" if here.broken else ""
        raise BundleMissingError(
            f"no runner for {abi} is on this computer: make it once with 'mobilesr-tune runner "
            f"build --abi {abi}', or take one from another machine with 'mobilesr-tune runner "
            f"import FILE'{also}"
        )
    exact = [bundle for bundle in matching if bundle.manifest.recipe == recipe]
    return (exact or matching)[0]


def describe_files(
    folder: Path, origins: dict[str, str], executables: set[str]
) -> list[BundleFile]:
    """What lies in `folder`, as the manifest lists it."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BundleDamagedError(f"{path} is neither file nor folder: copy the file itself")
        if path.is_file() and name != MANIFEST_NAME:
            found.append(
                BundleFile(
                    name=name,
                    sha256=sha256_of(path),
                    size_bytes=path.stat().st_size,
                    executable=name in executables,
                    origin=origins.get(name, "built"),
                )
            )
    return found


def verify(bundle: Bundle) -> None:
    """Check that the folder holds exactly what the manifest says, down to rights and checksums.

    Raises:
        BundleDamagedError: it does not; the message names the first file that differs.
    """
    listed = {file.name: file for file in bundle.manifest.files}
    again = "build it again with 'mobilesr-tune runner build --force', or import it again"
    for path in sorted(bundle.folder.rglob("*")):
        name = path.relative_to(bundle.folder).as_posix()
        if path.is_symlink() or not (path.is_dir() or name in listed or name == MANIFEST_NAME):
            raise BundleDamagedError(f"{path} does not belong to the bundle: {again}")
    for name, file in listed.items():
        path = bundle.folder / name
        if not path.is_file():
            raise BundleDamagedError(f"{path} is missing: {again}")
        if path.stat().st_size != file.size_bytes or sha256_of(path) != file.sha256:
            raise BundleDamagedError(
                f"{path} is not the file its manifest describes (sha256 differs): {again}"
            )
        if bool(path.stat().st_mode & stat.S_IXUSR) != file.executable:
            raise BundleDamagedError(f"{path} has the wrong executable bit: {again}")


@contextmanager
def staging() -> Iterator[Path]:
    """A folder beside the bundles that is gone afterwards, whatever happens.

    Raises:
        RequestError: the cache cannot be written, or the disk is full.
    """
    root = store_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=root))
    except OSError as error:
        raise explain_os_error(error, root) from error
    try:
        yield folder
    except OSError as error:
        raise explain_os_error(error, folder) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path) -> None:
    """Remove what builds left behind that were killed; a build under way is never a day old."""
    for path in root.glob(f"{_STAGING_PREFIX}*"):
        if time.time() - path.stat().st_mtime > _STALE_S:
            shutil.rmtree(path, ignore_errors=True)


def set_rights(bundle: Bundle) -> None:
    """Give every file the rights that its manifest says."""
    for file in bundle.manifest.files:
        (bundle.folder / file.name).chmod(0o755 if file.executable else 0o644)


def install(folder: Path, manifest: BundleManifest) -> Bundle:
    """Move a finished folder into the store under its content's name; the same content stays."""
    set_rights(Bundle(folder, manifest))
    manifest.save(folder / MANIFEST_NAME)
    verify(Bundle(folder, manifest))
    target = store_folder() / manifest.name
    if target.is_dir():
        shutil.rmtree(target)
    folder.chmod(0o755)
    folder.replace(target)
    return Bundle(target, manifest)
