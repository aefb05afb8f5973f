"""Whether a folder lies on a disk of this computer, or on one that others write to as well."""

from __future__ import annotations

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
# Of these this kernel is the only one that writes, so that its locks hold against all others.
_OWN = frozenset(
    {
        "ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "f2fs", "zfs", "jfs", "reiserfs",
        "tmpfs", "ramfs", "overlay", "vfat", "exfat", "ntfs3",
    }
)  # fmt: skip
_ESCAPE = re.compile(r"\\([0-7]{3})")


def is_on_own_disk(path: Path) -> bool:
    """False also where nobody says: of a network drive, and of what a virtual machine is lent."""
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        return _kind(mounts, path.resolve()) in _OWN
    except OSError:
        return False


def _kind(mounts: str, path: Path) -> str:
    """The file system that `path` lies on, by the kernel's list of mounts (proc(5))."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        if len(fields.split()) < 5 or not rest:
            continue
        at = Path(_ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields.split()[4]))
        # Of two at one place the later covers the earlier.
        if path.is_relative_to(at) and len(at.parts) >= best:
            best, kind = len(at.parts), rest.split()[0]
    return kind
