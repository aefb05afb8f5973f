"""Debian packages of any architecture, fetched with a private apt: the system's stays untouched.

Mirror addresses come from the system's own apt configuration, as do proxies and credentials. The
private apt has its own sources, lists and caches; signatures are verified by it as ever. That is
why a newer package of the suite is as good as the tested one by its origin; whether it fits is
for the one who asked to find out.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from device_runner.bundles.errors import ELSEWHERE, BundleBuildError
from device_runner.bundles.host_tools import require, run
from device_runner.bundles.pins import DebianPin
from foundation import sha256_of

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class FetchedPackage:
    """A package file, the version that was tested, and the one that this is."""

    name: str
    tested: str
    version: str
    sha256: str
    path: Path

    @property
    def pinned(self) -> bool:
        """Whether it is the tested file itself."""
        return self.version == self.tested

    @property
    def same_upstream(self) -> bool:
        """Whether only Debian's own part of the version differs, if any does."""
        return upstream(self.version) == upstream(self.tested)


def upstream(version: str) -> str:
    """The upstream part of a Debian version: `1:2.41-12+deb13u5` is 2.41 (Debian Policy 5.6.12)."""
    without_epoch = version.partition(":")[2] if ":" in version else version
    return without_epoch.rpartition("-")[0] or without_epoch


def mirrors() -> list[str]:
    """Archive addresses that this system's apt uses, in its order, without security archives.

    Raises:
        HostToolMissingError: there is no apt.
        BundleBuildError: apt names none.
    """
    listing = run(
        [
            require("apt-get"),
            "indextargets",
            "--no-release-info",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ],
        "asking apt for its sources",
    )
    found = []
    for line in listing.splitlines():
        uri, release, component = (*line.split(), "", "", "")[:3]
        if component == "main" and not release.endswith("-security"):
            found.append(uri)
    if not found:
        raise BundleBuildError(
            f"apt on this system names no archive: repair its sources, or {ELSEWHERE}"
        )
    return list(dict.fromkeys(found))


class PrivateApt:
    """An apt of our own in `folder`, for one architecture and the suites that are asked for."""

    def __init__(self, folder: Path, architecture: str, suites: tuple[str, ...]) -> None:
        self._folder = folder
        self._architecture = architecture
        self._suites = suites
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()

    def _options(self) -> list[str]:
        settings = {
            "Dir::State": self._folder,
            "Dir::State::lists": self._folder / "lists",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            # Images for containers switch these off, which makes every call read all indexes anew.
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::sourcelist": self._folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": self._architecture,
            "APT::Architectures": self._architecture,
            "Acquire::Languages": "none",
            "Acquire::Retries": 3,
            # Our folder may be closed to the user `_apt`.
            "APT::Sandbox::User": "root",
        }
        return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]

    def update(self) -> None:
        """Read the index of the first mirror that carries the suites.

        Raises:
            BundleBuildError: none of this system's mirrors does, or none answers.
        """
        signed = f" [signed-by={_KEYRING}]" if _KEYRING.is_file() else ""
        trouble = ""
        for uri in mirrors():
            lines = [f"deb{signed} {uri} {suite} main\n" for suite in self._suites]
            (self._folder / "sources.list").write_text("".join(lines))
            try:
                # Without Error-Mode a source that fails is a warning, and exit code 0.
                run(
                    [
                        require("apt-get"), *self._options(), "-o", "APT::Update::Error-Mode=any",
                        "update",
                    ],
                    f"reading Debian {'/'.join(self._suites)} for {self._architecture}",
                )  # fmt: skip
                return
            except BundleBuildError as error:
                trouble = str(error)
        raise BundleBuildError(
            f"no mirror of this system's apt carries Debian {' and '.join(self._suites)} for "
            f"{self._architecture} ({trouble}): {ELSEWHERE}"
        )

    def download(self, pin: DebianPin, into: Path, *, pinned: bool = False) -> FetchedPackage:
        """Fetch one package into `into`: the tested version if its suite has it, else the newest.

        `pinned` takes the tested version alone.

        Raises:
            BundleBuildError: the suite has no such package, or with `pinned` another version; the
                mirror has not the file that its index names; or the tested version's file is not
                the tested one.
        """
        folder = into / pin.name
        version = self._offered(pin, pinned=pinned)
        try:
            path = self._fetch(pin.name, version, folder)
        except BundleBuildError:
            # An index that was read while the suite moved names files that are gone.
            self.update()
            version = self._offered(pin, pinned=pinned)
            path = self._fetch(pin.name, version, folder)
        sha256 = sha256_of(path)
        if version == pin.version and sha256 != pin.sha256:
            raise BundleBuildError(
                f"{pin.name} {version} has sha256 {sha256}, tested was {pin.sha256}: the mirror "
                "serves another file; nothing was built"
            )
        return FetchedPackage(pin.name, pin.version, version, sha256, path)

    def _fetch(self, name: str, version: str, folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run(
            [require("apt-get"), *self._options(), "download", f"{name}={version}"],
            f"fetching {name} {version}",
            cwd=folder,
        )
        files = list(folder.glob("*.deb"))
        if len(files) != 1:
            raise BundleBuildError(f"apt left {len(files)} files for {name}: try again")
        return files[0]

    def _offered(self, pin: DebianPin, *, pinned: bool) -> str:
        """The tested version if the suite still has it, else the newest of that suite."""
        listing = run(
            [require("apt-cache"), *self._options(), "madison", pin.name],
            f"looking for {pin.name}",
        )
        versions = [
            parts[1]
            for line in listing.splitlines()
            if len(parts := [part.strip() for part in line.split("|")]) == 3
            and f" {pin.suite}/" in f" {parts[2]}"
        ]
        if not versions:
            raise BundleBuildError(
                f"Debian {pin.suite} has no {pin.name} for {self._architecture} any more: a "
                "library gets another name there when its interface changes. Update "
                "mobilesr-tune; a runner that was built before goes on working, and "
                "'mobilesr-tune runner import' takes one from another machine"
            )
        if pin.version in versions:
            return pin.version
        if pinned:
            raise BundleBuildError(
                f"Debian {pin.suite} has {pin.name} {versions[0]}, tested was {pin.version}: "
                "without --pinned the newer one is taken (apt verifies its signature, the manifest "
                "names both); the very bundle of before can only be carried over, with "
                "'mobilesr-tune runner export' and 'mobilesr-tune runner import'"
            )
        return versions[0]


def unpack(package: FetchedPackage, into: Path) -> None:
    """Lay the package's files out below `into`; none of its scripts run."""
    into.mkdir(parents=True, exist_ok=True)
    run([require("dpkg-deb"), "-x", str(package.path), str(into)], f"unpacking {package.name}")
