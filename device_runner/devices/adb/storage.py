"""Our one folder on a device.

::

    /data/local/tmp/mobilesr-tune/
        blobs/SHA256          models and inputs, named by their content
        bundles/KEY/...       runner bundles; a folder is renamed to its key when it is whole
        runs/ID/              what a run in progress has: process numbers, stdout, outputs
        tmp/                  what is being pushed; emptied when the device is claimed
        lock/                 who uses the device now (`claim`)
        conditions            what is to be restored on it (`conditions.journal_copy`)

A name in `blobs` or `bundles` is given only after the device itself has computed the sha256, and
it is checked once more by every process that relies on it: a reboot may lose what was not yet
written out.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from device_runner.devices.adb.bundle import RunnerBundle
from device_runner.devices.adb.connection import Connection
from device_runner.errors import DeviceStorageError
from foundation.wording import shown

ROOT = "/data/local/tmp/mobilesr-tune"
CONDITIONS_COPY = f"{ROOT}/conditions"
DEFAULT_BUDGET_BYTES = 2 << 30
# Left free on the device, whatever we push.
RESERVE_BYTES = 1 << 20
_BATCH = 300
_NUMBER = re.compile(r"[0-9]{1,15}")
_HASH_S = 60.0

# $1 our folder. Everything but the lock, which goes when it is let go of.
_CLEAN = """\
cd "$1" 2>/dev/null || exit 0
for one in * .[!.]*; do [ "$one" = lock ] || rm -rf "$one" || exit 1; done
"""
_PREPARE = """\
umask 022
mkdir -p "$1" && cd "$1" || exit 1
mkdir -p blobs bundles runs tmp || exit 1
rm -rf tmp/* runs/* bundles/.part-*
# What an earlier version made with the rights that adb gives: everybody's.
chmod 755 . blobs bundles runs tmp bundles/*/ bundles/*/*/ 2> /dev/null
exit 0
"""
_FOLDERS = 'umask 022; mkdir -p "$@"'
_FREE = 'df -Pk "$1" | tail -n 1'
_HASHES = 'cd "$1" || exit 0; shift; touch -c "$@"; sha256sum "$@" 2>/dev/null; exit 0'
_ACCEPT = """\
found=$(sha256sum "$1") || exit 2
[ "${found%% *}" = "$2" ] || { rm -f "$1"; echo "$found"; exit 3; }
chmod "$4" "$1" && mv -f "$1" "$3"
"""
_LIST = """\
cd "$1" 2>/dev/null || exit 0
for kind in blobs bundles; do
  for one in "$kind"/*; do
    [ -e "$one" ] || continue
    set -- $(du -sk "$one"); size=$1
    echo "$size $(stat -c %Y "$one") $one"
  done
done
"""
_TRY = 'mkdir -p "$1/runs" && echo 0123456789 > "$1/runs/.try" && rm -f "$1/runs/.try"'
_REMOVE = 'cd "$1" || exit 0; shift; rm -rf "$@"'


@dataclass(frozen=True)
class Stored:
    """Something of ours on the device. `name` is relative to our folder."""

    name: str
    bytes: int
    used_at: int


# What a shell says of it -> what is the matter, and what to do.
_CAUSES = (
    (
        re.compile(r"read-only file ?system", re.IGNORECASE),
        "its storage is read-only now: restart it, and look after its storage if it stays so",
    ),
    (
        re.compile(r"no space left|quota", re.IGNORECASE),
        "no space is left: remove apps or files on it, or run 'mobilesr-tune devices --clean'",
    ),
    (
        re.compile(r"permission denied|operation not permitted|EACCES", re.IGNORECASE),
        "it does not permit it: if it is managed by a company, its rules may forbid it; if adb ran "
        f"as root once, remove {ROOT} as root",
    ),
    (
        re.compile(r"not a directory|file exists", re.IGNORECASE),
        f"something that is no folder stands there: remove it with 'adb shell rm {ROOT}'",
    ),
)


def storage_refusal(device: str, what: str, stderr: bytes) -> DeviceStorageError:
    """The error for `what` could not be made on the device, by the words of its shell."""
    words = stderr.decode("utf-8", "replace").strip()
    for pattern, advice in _CAUSES:
        if pattern.search(words):
            return DeviceStorageError(f"device {device} does not let us make {what}: {advice}")
    said = shown(words.splitlines()[-1]) if words else "it does not say why"
    return DeviceStorageError(
        f"device {device} does not let us make {what} ({said}): see what 'adb shell' says to it"
    )


class Storage:
    """Puts files there once, finds them again, and keeps within a budget."""

    def __init__(self, connection: Connection, *, budget_bytes: int = DEFAULT_BUDGET_BYTES) -> None:
        self._connection = connection
        self._budget = budget_bytes
        self._verified: set[str] = set()

    def prepare(self) -> None:
        """Make the folder, and clear what an earlier user left unfinished.

        Raises:
            DeviceLost, DeviceStorageError.
        """
        self._verified.clear()
        done = self._connection.script(_PREPARE, ROOT, doing="prepared")
        if done.exit_code:
            raise storage_refusal(self._connection.shown, f"the folder {ROOT}", done.stderr)

    def forget(self) -> None:
        """Whatever was verified has to be verified again."""
        self._verified.clear()

    def lacks(self, blobs: Sequence[str], bundle: RunnerBundle) -> bool:
        """Whether any of these blobs or of the bundle's files is not there. Raises `DeviceLost`."""
        hashes = {file.path: file.sha256 for file in bundle.files}
        folder = f"{ROOT}/bundles/{bundle.key}"
        return bool(
            self._absent(f"{ROOT}/blobs", blobs) or self._absent(folder, hashes, by_hash=hashes)
        )

    def blob(self, sha256: str) -> str:
        """Where a file of this content lies."""
        return f"{ROOT}/blobs/{sha256}"

    def ensure_blobs(self, files: Sequence[tuple[Path, str]], keep: Collection[str] = ()) -> int:
        """Have these files, given with their sha256, on the device; returns the bytes pushed.

        To make room for them, nothing is removed that `keep` names by its sha256 or key.

        Raises:
            DeviceLost, DeviceStorageError.
        """
        wanted = {sha256: path for path, sha256 in files}
        missing = {name: wanted[name] for name in self._absent(f"{ROOT}/blobs", wanted)}
        if not missing:
            return 0
        self.make_room(sum(path.stat().st_size for path in missing.values()), keep={*wanted, *keep})
        pushed = 0
        for sha256, path in missing.items():
            pushed += self._put(path, sha256, self.blob(sha256), "644")
            self._verified.add(f"{ROOT}/blobs/{sha256}")
        return pushed

    def ensure_bundle(self, bundle: RunnerBundle, keep: Collection[str] = ()) -> tuple[str, int]:
        """Have a runner bundle; returns its folder there and the bytes pushed.

        To make room for it, nothing is removed that `keep` names.

        Raises:
            DeviceLost, DeviceStorageError.
        """
        folder = f"{ROOT}/bundles/{bundle.key}"
        hashes = {file.path: file.sha256 for file in bundle.files}
        if not self._absent(folder, hashes, by_hash=hashes):
            return folder, 0
        sizes = sum((bundle.folder / file.path).stat().st_size for file in bundle.files)
        self.make_room(sizes, keep={bundle.key, *keep})
        part = f"{ROOT}/bundles/.part-{secrets.token_hex(4)}"
        parents = {f"{part}/{Path(file.path).parent.as_posix()}" for file in bundle.files}
        self._run(_FOLDERS, *sorted(parents))
        pushed = 0
        for file in bundle.files:
            mode = "755" if file.executable else "644"
            pushed += self._put(bundle.folder / file.path, file.sha256, f"{part}/{file.path}", mode)
        self._run('rm -rf "$2" && mv "$1" "$2"', part, folder)
        self._verified |= {f"{folder}/{name}" for name in hashes}
        return folder, pushed

    def stored(self) -> list[Stored]:
        """What of ours lies there, least recently used first. Raises `DeviceLost`."""
        found = []
        for line in self._connection.script(_LIST, ROOT, timeout_s=_HASH_S).text.splitlines():
            size, used, name = (*line.split(" ", 2), "", "")[:3]
            if _NUMBER.fullmatch(size) and _NUMBER.fullmatch(used) and name:
                found.append(Stored(name, int(size) * 1024, int(used)))
        return sorted(found, key=lambda one: one.used_at)

    def clean(self) -> int:
        """Remove our folder with all that is in it; returns the bytes that were in use."""
        used = sum(one.bytes for one in self.stored())
        self._verified.clear()
        self._run(_CLEAN, ROOT, timeout_s=_HASH_S)
        return used

    def refusal(self) -> DeviceStorageError | None:
        """Why nothing can be written there now; None where a file can."""
        done = self._connection.script(_TRY, ROOT, doing="asked whether it stores a file")
        if not done.exit_code:
            return None
        return storage_refusal(self._connection.shown, f"a file below {ROOT}", done.stderr)

    def free_bytes(self) -> int:
        """Free space where our folder is. Raises `DeviceLost`, `DeviceStorageError`."""
        answer = self._connection.script(_FREE, ROOT, doing="asked for its free space").text
        words = answer.split()
        if len(words) < 4 or not _NUMBER.fullmatch(words[3]):
            raise DeviceStorageError(
                f"device {self._connection.shown} does not say how much space is free"
            )
        return int(words[3]) * 1024

    def make_room(self, needed: int, *, keep: Collection[str]) -> None:
        """Remove what was used longest ago, but nothing of `keep`, until so many bytes fit.

        Raises:
            DeviceLost, DeviceStorageError.
        """
        free, stored = self.free_bytes(), self.stored()
        used = sum(one.bytes for one in stored)
        short = max(needed + RESERVE_BYTES - free, used + needed - self._budget)
        doomed = []
        for one in stored:
            if short <= 0:
                break
            if one.name.partition("/")[2] not in keep:
                doomed.append(one.name)
                short -= one.bytes
        for at in range(0, len(doomed), _BATCH):
            self._run(_REMOVE, ROOT, *doomed[at : at + _BATCH], timeout_s=_HASH_S)
        self._verified -= {f"{ROOT}/{name}" for name in doomed}
        # The budget is ours to overrun; a full disk is not.
        if doomed and (free := self.free_bytes()) >= needed + RESERVE_BYTES:
            return
        if free < needed + RESERVE_BYTES:
            raise DeviceStorageError(
                f"device {self._connection.shown} has {free / 2**20:.1f} MB free and "
                f"{needed / 2**20:.1f} MB have to go there: remove apps or files on it, or run "
                "'mobilesr-tune devices --clean'"
            )

    def _absent(
        self, folder: str, names: Iterable[str], *, by_hash: dict[str, str] | None = None
    ) -> list[str]:
        """Those that are not there with the content that they should have."""
        unsure = [name for name in names if f"{folder}/{name}" not in self._verified]
        for at in range(0, len(unsure), _BATCH):
            answer = self._connection.script(
                _HASHES, folder, *unsure[at : at + _BATCH], timeout_s=_HASH_S, doing="checked"
            )
            for line in answer.text.splitlines():
                sha256, _, name = line.partition(" ")
                name = name.lstrip(" *")
                if sha256 == (by_hash or {}).get(name, name):
                    self._verified.add(f"{folder}/{name}")
        return [name for name in unsure if f"{folder}/{name}" not in self._verified]

    def _put(self, source: Path, sha256: str, target: str, mode: str) -> int:
        """Push under a temporary name, let the device hash it, rename."""
        part = f"{ROOT}/tmp/{secrets.token_hex(8)}"
        sent = self._connection.push(source, part)
        done = self._connection.script(
            _ACCEPT, part, sha256, target, mode,
            timeout_s=self._connection.bounds.transfer_limit_s(sent), doing="given a file",
        )  # fmt: skip
        if done.exit_code == 3:
            raise DeviceStorageError(
                f"device {self._connection.shown} stored {source.name} wrongly (sha256 differs): "
                "try another cable or port"
            )
        if done.exit_code:
            raise DeviceStorageError(
                f"device {self._connection.shown} could not keep {source.name}: it needs "
                "'sha256sum' (Android 8 or later) and space in /data/local/tmp"
            )
        return sent

    def _run(self, script: str, *arguments: str, timeout_s: float | None = None) -> None:
        done = self._connection.script(script, *arguments, timeout_s=timeout_s)
        if done.exit_code:
            raise storage_refusal(
                self._connection.shown, f"a change below {ROOT}", done.stderr or done.stdout
            )
