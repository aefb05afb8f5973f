"""A lock is had, waited for, or refused with a sentence; never a file that stands for one."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest
from filelock import Timeout

from foundation.errors import RequestError
from foundation.locks import take_lock


def test_one_at_a_time(tmp_path: Path) -> None:
    held = take_lock(tmp_path / "lock", instead="wait")
    with pytest.raises(Timeout):
        take_lock(tmp_path / "lock", 0.05, instead="wait")
    held.release()
    take_lock(tmp_path / "lock", None, instead="wait").release()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FUSE and NFS answer where nobody serves locks."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        with pytest.raises(RequestError, match=r"keeps no locks .* do not: set SOMETHING"):
            take_lock(tmp_path / "lock", instead="set SOMETHING")
    # Nothing was left behind that keeps others out.
    take_lock(tmp_path / "lock", instead="wait").release()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="a file stands where a folder is needed"):
        take_lock(tmp_path / "file" / "lock", instead="set SOMETHING")
