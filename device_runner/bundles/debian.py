"""Debian packages of any architecture, fetched with a private apt: the system's stays untouched.

Mirror addresses come from the system's own apt configuration, as do proxies and credentials. The
private apt has its own sources, lists and caches; signatures are verified by it as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device_runner.bundles.errors import ELSEWHERE, BundleBuildError
from device_runner.bundles.host_tools import require, run
from device_runner.bundles.pins import DebianPin
from foundation import sha256_of

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class FetchedPackage:
    """A package file, and whether it is the pinned one."""

    name: str
    version: str
    sha256: str
    path: Path
    pinned: bool


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

    def download(self, pin: DebianPin, into: Path, *, allow_newer: bool) -> FetchedPackage:
        """Fetch one package into `into`.

        Raises:
            BundleBuildError: the suite has another version and `allow_newer` is off, or the file
                is not the pinned one.
        """
        version = self._offered(pin)
        if version != pin.version and not allow_newer:
            raise BundleBuildError(
                f"Debian {pin.suite} now has {pin.name} {version}, this version of mobilesr-tune "
                f"pins {pin.version}: add --allow-newer to take it (apt verifies its signature, "
                "the manifest says that it is not the pinned one), or update mobilesr-tune"
            )
        folder = into / pin.name
        folder.mkdir(parents=True, exist_ok=True)
        run(
            [require("apt-get"), *self._options(), "download", f"{pin.name}={version}"],
            f"fetching {pin.name} {version}",
            cwd=folder,
        )
        files = list(folder.glob("*.deb"))
        if len(files) != 1:
            raise BundleBuildError(f"apt left {len(files)} files for {pin.name}: try again")
        sha256 = sha256_of(files[0])
        if version == pin.version and sha256 != pin.sha256:
            raise BundleBuildError(
                f"{pin.name} {version} has sha256 {sha256}, pinned is {pin.sha256}: the mirror "
                "serves another file; nothing was built"
            )
        return FetchedPackage(pin.name, version, sha256, files[0], version == pin.version)

    def _offered(self, pin: DebianPin) -> str:
        """The pinned version if the suite still has it, else the newest of that suite."""
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
                f"Debian {pin.suite} has no {pin.name} for {self._architecture}: update "
                "mobilesr-tune"
            )
        return pin.version if pin.version in versions else versions[0]


def unpack(package: FetchedPackage, into: Path) -> None:
    """Lay the package's files out below `into`; none of its scripts run."""
    into.mkdir(parents=True, exist_ok=True)
    run([require("dpkg-deb"), "-x", str(package.path), str(into)], f"unpacking {package.name}")
