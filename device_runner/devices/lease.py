"""One device, one user: a host-wide lock that dies with its holder.

The lock is the kernel's (`flock` through filelock), so a holder that is killed frees it at once,
and children that the holder forks do not inherit it. Who holds it stands in a file beside it,
which is read only to tell a second user whom to wait for.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, Field, ValidationError

from device_runner.errors import DeviceBusy, DeviceNotLeasedError, DeviceRunnerError
from foundation import RequestError, write_text

LOCK_DIR_VARIABLE = "MOBILESR_TUNE_LOCK_DIR"
_HOLDER_BYTES = 4096
_POLL_S = 0.1


class LockFolderError(DeviceRunnerError, RequestError):
    """The folder for locks cannot be trusted or made."""


class Holder(BaseModel):
    """Who holds a lease."""

    pid: int = Field(ge=1)
    command: str = Field(max_length=200)
    since: datetime | None = None

    def __str__(self) -> str:
        """In words; the time is this host's local one."""
        since = f" since {self.since.astimezone():%H:%M:%S}" if self.since else ""
        return f"process {self.pid} ({_printable(self.command)}){since}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def lock_folder() -> Path:
    """The folder that every process of this user on this host agrees on.

    Not `$XDG_RUNTIME_DIR`: a job of cron has none, and would then not see the lease of a login.

    Raises:
        LockFolderError: it belongs to someone else, or cannot be made.
    """
    override = os.environ.get(LOCK_DIR_VARIABLE)
    folder = (
        Path(override) if override else Path(tempfile.gettempdir()) / f"mobilesr-tune-{os.getuid()}"
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat() if not override else folder.stat()
    except OSError as error:
        raise LockFolderError(
            f"cannot make the folder for locks {folder}: {error.strerror}; set {LOCK_DIR_VARIABLE}"
        ) from error
    if not stat.S_ISDIR(found.st_mode) or (not override and found.st_uid != os.getuid()):
        raise LockFolderError(
            f"{folder} is not a folder of this user: remove it, or set {LOCK_DIR_VARIABLE}"
        )
    return folder


def lock_name(serial: str) -> str:
    """A file name for a serial: readable as far as it is harmless, unique by a hash."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", serial)[:40].strip("-")
    digest = hashlib.sha256(serial.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable or 'device'}-{digest}"


def _own_command() -> str:
    # The subcommand and no more: options may hold a storage URL with a password.
    words = [Path(sys.argv[0]).name, *sys.argv[1:2]] if sys.argv else ["python"]
    return " ".join(words)[:200]


def _read_holder(path: Path) -> Holder | None:
    try:
        with path.open("rb") as stream:
            return Holder.model_validate_json(stream.read(_HOLDER_BYTES))
    except (OSError, ValidationError):
        return None


class Lease:
    """The lease of one device for one object; re-entrant within that object."""

    def __init__(self, serial: str) -> None:
        self._serial = serial
        self._shown = "".join(c if c.isprintable() else "?" for c in serial[:200])
        self._depth = 0

    @property
    def held(self) -> bool:
        """Whether this object holds the device now."""
        return self._depth > 0

    def require(self) -> None:
        """Raises `DeviceNotLeasedError` unless this object holds the device."""
        if not self.held:
            raise DeviceNotLeasedError(
                f"device {self._shown} was used without its lease: call inside 'with "
                "device.lease():'"
            )

    @contextmanager
    def hold(self, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the lease inside the block.

        Raises:
            DeviceBusy: another holder did not let go within `wait_s`; says who it is.
            LockFolderError: see `lock_folder`.
        """
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        path = lock_folder() / lock_name(self._serial)
        lock = FileLock(path.with_name(path.name + ".lock"), thread_local=False)
        holder_path = path.with_name(path.name + ".json")
        try:
            lock.acquire(timeout=max(0.0, wait_s), poll_interval=_POLL_S)
        except Timeout:
            raise self._busy(_read_holder(holder_path), wait_s) from None
        try:
            own = Holder(pid=os.getpid(), command=_own_command(), since=datetime.now(UTC))
            write_text(holder_path, own.model_dump_json())
            self._depth = 1
            yield
        finally:
            self._depth = 0
            holder_path.unlink(missing_ok=True)
            lock.release()

    def _busy(self, holder: Holder | None, wait_s: float) -> DeviceBusy:
        who = str(holder) if holder else "another process"
        waited = f", still after the {wait_s:g} s that were allowed" if wait_s > 0 else ""
        return DeviceBusy(
            f"device {self._shown} is in use by {who}{waited}: wait for it, stop it, or choose "
            "another device",
            holder=who,
        )
