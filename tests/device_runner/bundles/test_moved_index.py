"""A package index that has moved on since the versions here were tested: a real archive, signed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pytest

from device_runner.bundles import (
    BundleBuildError,
    HostToolMissingError,
    build,
    building,
    debian,
)
from device_runner.bundles.debian import FetchedPackage, PrivateApt, upstream
from device_runner.bundles.pins import PLATFORMS, DebianPin

_TOOLS = ("apt-get", "apt-cache", "dpkg-deb", "gpg")


@dataclass
class Archive:
    """A Debian archive in a folder, for amd64 and suites of our own naming."""

    folder: Path
    home: Path

    def add(self, suite: str, package: Path) -> None:
        """Offer a package's file in a suite."""
        pool = self.folder / "pool" / suite
        pool.mkdir(parents=True, exist_ok=True)
        shutil.copy(package, pool)

    def remove(self, name: str) -> None:
        for path in self.folder.glob(f"pool/*/{name}_*.deb"):
            path.unlink()

    def publish(self, *suites: str) -> None:
        """Write and sign the indexes of what is offered."""
        for suite in suites:
            index = b""
            for path in sorted(self.folder.glob(f"pool/{suite}/*.deb")):
                control = subprocess.check_output(["dpkg-deb", "-f", path])
                content = path.read_bytes()
                index += (
                    control
                    + (
                        f"Filename: {path.relative_to(self.folder)}\nSize: {len(content)}\n"
                        f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
                    ).encode()
                )
            place = self.folder / "dists" / suite
            listed = place / "main/binary-amd64/Packages"
            listed.parent.mkdir(parents=True, exist_ok=True)
            listed.write_bytes(index)
            (place / "InRelease").unlink(missing_ok=True)
            release = (
                f"Origin: Test\nSuite: {suite}\nCodename: {suite}\nArchitectures: amd64\n"
                f"Components: main\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n "
                f"{hashlib.sha256(index).hexdigest()} {len(index)} main/binary-amd64/Packages\n"
            )
            subprocess.run(
                ["gpg", "--homedir", self.home, "--batch", "--clearsign",
                 "-o", place / "InRelease"],
                input=release.encode(), check=True, capture_output=True,
            )  # fmt: skip


@pytest.fixture(scope="module")
def real_packages(
    tmp_path_factory: pytest.TempPathFactory, lab_lacks: Callable[[str], NoReturn]
) -> list[FetchedPackage]:
    """Debian's own, as they are today."""
    folder = tmp_path_factory.mktemp("real")
    real = PrivateApt(folder / "apt", "amd64", ("trixie", "forky"))
    try:
        real.update()
        return [real.download(pin, folder / "deb") for pin in PLATFORMS["x86_64"].packages]
    except (BundleBuildError, HostToolMissingError) as error:
        lab_lacks(f"Debian's packages cannot be had: {error}")


@pytest.fixture
def archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab_lacks: Callable[[str], NoReturn]
) -> Archive:
    """An empty archive that is the only mirror, with the key that apt trusts."""
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            lab_lacks(f"{tool} is not here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home, key = tmp_path / "gpg", tmp_path / "key.gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    subprocess.run(
        [*gpg, "--passphrase", "", "--quick-generate-key", "test", "ed25519", "sign", "never"],
        check=True, capture_output=True,
    )  # fmt: skip
    key.write_bytes(subprocess.check_output([*gpg, "--export"]))
    monkeypatch.setattr(debian, "_KEYRING", key)
    folder = tmp_path / "archive"
    monkeypatch.setattr(debian, "mirrors", lambda: [f"file://{folder}"])
    return Archive(folder, home)


def package(tmp_path: Path, name: str, version: str) -> Path:
    """The smallest package there is."""
    root = tmp_path / f"{name}-{version}"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: T <t@example>\n"
        "Description: test\n"
    )
    target = tmp_path / f"{name}_{version.replace(':', '%3a')}_amd64.deb"
    subprocess.run(["dpkg-deb", "-Znone", "-b", root, target], check=True, capture_output=True)
    return target


def newer(path: Path, version: str, into: Path, change: Callable[[Path], None] | None) -> Path:
    """The same package under another version."""
    root = into / f"repacked-{path.stem}"
    into.mkdir(exist_ok=True)
    subprocess.run(["dpkg-deb", "-R", path, root], check=True)
    control = root / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text(
        "\n".join(f"Version: {version}" if line.startswith("Version:") else line for line in lines)
        + "\n"
    )
    if change:
        change(root)
    target = into / f"new-{path.stem.partition('_')[0]}_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "-Znone", "-b", root, target], check=True, capture_output=True)
    return target


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.41-12+deb13u5", "2.41"),
        ("1:2.41-12", "2.41"),
        ("0.0~git20250905.877328f-1+b1", "0.0~git20250905.877328f"),
        ("5.0", "5.0"),
        ("1.0-rc-2", "1.0-rc"),
    ],
)
def test_upstream_part_of_a_version(version: str, expected: str) -> None:
    assert upstream(version) == expected


def test_what_the_suite_has_now_is_taken(archive: Archive, tmp_path: Path) -> None:
    archive.add("stable", package(tmp_path, "libx", "1.0-2"))
    archive.publish("stable")
    apt = PrivateApt(tmp_path / "apt", "amd64", ("stable",))
    apt.update()
    pin = DebianPin("libx", "stable", "1.0-1", "0" * 64)
    got = apt.download(pin, tmp_path / "deb")
    assert (got.tested, got.version, got.pinned, got.same_upstream) == (
        "1.0-1",
        "1.0-2",
        False,
        True,
    )
    with pytest.raises(BundleBuildError, match=r"has libx 1\.0-2, tested was 1\.0-1"):
        apt.download(pin, tmp_path / "deb", pinned=True)
    # The version that was tested, in another file, is nothing to trust.
    with pytest.raises(BundleBuildError, match="another file"):
        apt.download(replace(pin, version="1.0-2"), tmp_path / "deb")
    with pytest.raises(BundleBuildError, match="no liby for amd64 any more"):
        apt.download(replace(pin, name="liby"), tmp_path / "deb")


def test_suite_that_moves_during_the_build_is_read_again(archive: Archive, tmp_path: Path) -> None:
    archive.add("stable", package(tmp_path, "libx", "1.0-2"))
    archive.publish("stable")
    apt = PrivateApt(tmp_path / "apt", "amd64", ("stable",))
    apt.update()
    archive.remove("libx")
    archive.add("stable", package(tmp_path, "libx", "1.0-3"))
    archive.publish("stable")
    pin = DebianPin("libx", "stable", "1.0-1", "0" * 64)
    assert apt.download(pin, tmp_path / "deb").version == "1.0-3"


def test_unsigned_index_is_no_source(archive: Archive, tmp_path: Path) -> None:
    archive.add("stable", package(tmp_path, "libx", "1.0-2"))
    archive.publish("stable")
    release = archive.folder / "dists/stable/InRelease"
    release.write_text(release.read_text().replace("Origin: Test", "Origin: Else"))
    with pytest.raises(BundleBuildError, match="no mirror"):
        PrivateApt(tmp_path / "apt", "amd64", ("stable",)).update()


def _lose_a_field(root: Path) -> None:
    """The library of the suite before, whose `cpuinfo_isa` is laid out otherwise, in effect."""
    (library,) = root.glob("usr/lib/*/libcpuinfo.so.0*")
    source = root.parent / "cpuinfo.c"
    source.write_text("char cpuinfo_isa[7];\n")
    real = root.parent / "real.so"
    shutil.copy(library, real)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-Wl,-soname,libcpuinfo.so.0", "-o", library, source], check=True
    )


def test_whole_bundle_from_a_moved_index(
    real_packages: list[FetchedPackage], archive: Archive, tmp_path: Path
) -> None:
    """Every package of both suites has moved on; then one library changes what it must not."""
    suites = {pin.name: pin.suite for pin in PLATFORMS["x86_64"].packages}
    for found in real_packages:
        later = f"{found.version}+later1"
        archive.add(suites[found.name], newer(found.path, later, tmp_path, None))
    archive.publish("trixie", "forky")
    bundle = build("x86_64")
    versions = {source.name: source for source in bundle.manifest.sources}
    assert versions["libc6"].version == f"{versions['libc6'].tested}+later1"
    assert not versions["libc6"].pinned
    assert {found.outcome for found in bundle.manifest.tried or ()} <= {"right", "unsupported"}
    with pytest.raises(BundleBuildError, match="without --pinned the newer one is taken"):
        build("x86_64", pinned=True)

    cpuinfo = next(found for found in real_packages if found.name == "libcpuinfo0")
    archive.remove("new-libcpuinfo0")
    archive.add("forky", newer(cpuinfo.path, "9.0-1", tmp_path / "cpuinfo", _lose_a_field))
    archive.publish("trixie", "forky")
    with pytest.raises(BundleBuildError, match=r"in 7 bytes.*libcpuinfo0 9\.0-1 \(tested:"):
        build("x86_64", force=True)
    assert building.recipe("x86_64") == bundle.manifest.recipe
