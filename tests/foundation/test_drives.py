"""Which disks are this computer's own."""

from pathlib import Path

import pytest

from foundation.drives import _kind, is_on_own_disk

MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:40 / /srv rw - nfs4 rack:/export rw,vers=4.2,local_lock=none
41 40 8:1 / /srv/my\040disk rw - xfs /dev/sdb1 rw
42 27 0:42 / /mnt/c rw - 9p drvfs rw
43 27 8:2 / /mnt/c/over rw - ext4 /dev/sdc rw
44 27 0:44 / /mnt/c/over rw - fuse.sshfs host: rw
nonsense
""".replace("\\\\", "\\")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/run", "ext4"),
        ("/srv/runs", "nfs4"),
        ("/srv/my disk/run", "xfs"),
        ("/srv/my disks", "nfs4"),
        ("/mnt/c", "9p"),
        ("/mnt/c/over/run", "fuse.sshfs"),
        ("/", "ext4"),
    ],
)
def test_the_last_mount_above_a_folder_counts(path: str, kind: str) -> None:
    assert _kind(MOUNTS, Path(path)) == kind


def test_what_is_not_known_is_not_our_own(tmp_path: Path) -> None:
    assert _kind("", tmp_path) == ""
    assert not is_on_own_disk(Path("/proc/self"))
