"""Debian packages of the release that carries a real adbd, unpacked into a folder of the user.

Nothing is installed: apt runs with a private configuration, whose sources are derived from the
machine's own, so that a user's mirror is respected and none is written down here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

RELEASE = "trixie"
PACKAGES = ("adbd", "mksh", "toybox", "busybox-static", "qemu-user")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT_S = 240


class LabUnavailable(Exception):
    """This machine cannot be a device lab; the message says why."""


# Read once, at import: each test has a cache folder of its own, the lab's packages are everybody's.
_CACHE_HOME = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")


def cache_folder() -> Path:
    return Path(_CACHE_HOME) / "mobilesr-tune-lab"


def _run(
    command: list[str], environment: dict[str, str] | None = None, *, folder: Path | None = None
) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabUnavailable(f"{command[0]} does not work here: {error}") from error
    if done.returncode:
        raise LabUnavailable(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _debian_archive() -> str:
    """The address of the main archive that this machine's apt uses."""
    fields = "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(RELEASE)|$(COMPONENT)"
    lines = _run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    for line in lines.splitlines():
        address, _, _, release, component = line.split("|")
        plain = release.isalpha() and "security" not in address
        if plain and component == "main" and "ubuntu" not in address:
            return address
    raise LabUnavailable("apt on this machine knows no main archive of Debian")


def _configure(folder: Path) -> dict[str, str]:
    for name in ("lists/partial", "cache/archives/partial", "state"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    signed = f"[signed-by={KEYRING}] " if KEYRING.is_file() else ""
    place = f"{signed}{_debian_archive()} {RELEASE} main\n"
    (folder / "sources.list").write_text(f"deb {place}deb-src {place}")
    (folder / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{folder}/sources.list";\n'
        'Dir::Etc::sourceparts "-";\n'
        f'Dir::State "{folder}/state";\n'
        f'Dir::State::lists "{folder}/lists";\n'
        f'Dir::State::status "{folder}/status";\n'
        f'Dir::Cache "{folder}/cache";\n'
        'APT::Architecture "amd64";\n'
        'APT::Architectures {"amd64";};\n'
        'APT::Sandbox::User "";\n'
    )
    return {"APT_CONFIG": str(folder / "apt.conf")}


def mksh_source() -> Path:
    """The archive with mksh's source; fetched once, then kept.

    Raises:
        LabUnavailable: it cannot be had here.
    """
    kept = cache_folder() / f"mksh-{RELEASE}.orig.tar.gz"
    cache_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_suffix(".lock"), timeout=2 * _TIMEOUT_S):
        if kept.is_file():
            return kept
        work = kept.with_suffix(".work")
        shutil.rmtree(work, ignore_errors=True)
        environment = _configure(work)
        try:
            _run(["apt-get", "update"], environment)
            _run(
                ["apt-get", "source", "--download-only", "--tar-only", "mksh"],
                environment,
                folder=work,
            )
            found = list(work.glob("mksh_*.orig.tar.*"))
            if len(found) != 1:
                raise LabUnavailable("apt left no source of mksh")
            found[0].rename(kept)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return kept


def unpacked_packages() -> Path:
    """The folder with the packages' files; made once, then kept.

    Raises:
        LabUnavailable: no apt, no network, or another kind of machine.
    """
    if os.uname().machine != "x86_64":
        raise LabUnavailable("the lab's images are made of x86-64 packages")
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise LabUnavailable(f"this machine has no {tool}")
    key = hashlib.sha256(" ".join((RELEASE, *PACKAGES, "1")).encode()).hexdigest()[:12]
    root = cache_folder() / f"packages-{key}"
    cache_folder().mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_suffix(".lock"), timeout=2 * _TIMEOUT_S):
        if root.is_dir():
            return root
        work = root.with_suffix(".work")
        shutil.rmtree(work, ignore_errors=True)
        environment = _configure(work)
        try:
            _run(["apt-get", "update"], environment)
            _run(
                ["apt-get", "install", "--download-only", "--no-install-recommends", "-y",
                 *PACKAGES],
                environment,
            )  # fmt: skip
            for package in sorted((work / "cache/archives").glob("*.deb")):
                _run(["dpkg", "-x", str(package), str(work / "root")])
            # Of the many emulators one is needed.
            for binary in (work / "root/usr/bin").glob("qemu-*"):
                if binary.name != "qemu-aarch64":
                    binary.unlink()
            (work / "root").rename(root)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return root
