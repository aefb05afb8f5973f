"""Locks of the kernel's on files: they end with their holder, however it ends."""

from __future__ import annotations

import errno
from pathlib import Path

from filelock import FileLock, Timeout

from foundation.errors import RequestError
from foundation.files import explain_os_error

_POLL_S = 0.1
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def take_lock(path: Path, wait_s: float | None = 0.0, *, instead: str) -> FileLock:
    """The lock on the file `path`, held until its `release`; None waits for it without end.

    `instead` says what to do where there is no such lock: a file that merely stands for one would
    outlive a holder that is killed, and keep all others out.

    Raises:
        filelock.Timeout: another holder did not let go within `wait_s`.
        RequestError: its folder cannot be written, or is on a file system without locks.
    """
    lock = FileLock(path, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=-1 if wait_s is None else max(0.0, wait_s), poll_interval=_POLL_S)
    except Timeout:
        raise
    except OSError as error:
        raise _trouble(error, path, instead) from error
    return lock


def _trouble(error: OSError, path: Path, instead: str) -> RequestError:
    if error.errno in _NO_LOCKS:
        return RequestError(
            f"the file system of {path.parent} keeps no locks ({error.strerror}), as some network "
            f"drives do not: {instead}"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RequestError(f"cannot write {path} ({error.strerror}): {instead}")
    return explain_os_error(error, path)
