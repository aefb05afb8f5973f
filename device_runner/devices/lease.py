"""One device, one user: a host-wide lock that dies with its holder.

The lock is the kernel's (`flock` through filelock), so a holder that is killed frees it at once,
and children that the holder forks do not inherit it. Who holds it stands in a file beside it,
which is read only to tell a second user whom to wait for. What keeps two hosts from one phone
stands on the phone itself (`adb.claim`).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from device_runner.devices.holder import Holder, own_holder, parsed_holder
from device_runner.errors import DeviceBusy, DeviceNotLeasedError, DeviceRunnerError
from foundation import RequestError, write_text
from foundation.locks import take_lock
from foundation.wording import shown

LOCK_DIR_VARIABLE = "MOBILESR_TUNE_LOCK_DIR"
_HOLDER_BYTES = 4096
_TMP = Path("/tmp")


class LockFolderError(DeviceRunnerError, RequestError):
    """The folder for locks cannot be trusted or made."""


def lock_folder() -> Path:
    """The folder that every process of this user on this host agrees on.

    Neither `$XDG_RUNTIME_DIR` nor `$TMPDIR` chooses it: a job of cron has none, or another one,
    and would then not see the lease of a login.

    Raises:
        LockFolderError: it belongs to someone else, or cannot be made.
    """
    override = os.environ.get(LOCK_DIR_VARIABLE)
    folder = Path(override) if override else _common_folder() / f"mobilesr-tune-{os.getuid()}"
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


def _common_folder() -> Path:
    # Only systems without a /tmp (an app's sandbox, say) have their temporary folder elsewhere.
    return _TMP if os.access(_TMP, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def lock_name(serial: str) -> str:
    """A file name for a serial: readable as far as it is harmless, unique by a hash."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", serial)[:40].strip("-")
    digest = hashlib.sha256(serial.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable or 'device'}-{digest}"


def _read_holder(path: Path) -> Holder | None:
    try:
        with path.open("rb") as stream:
            return parsed_holder(stream.read(_HOLDER_BYTES))
    except OSError:
        return None


class Lease:
    """The lease of one device for one object on this host; re-entrant within that object."""

    def __init__(self, serial: str) -> None:
        self._serial = serial
        self._shown = shown(serial)
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
    def hold(self, wait_s: float = 0.0, identity: str = "") -> Iterator[None]:
        """Hold the lease inside the block; of the device of that identity, whatever its serial.

        Raises:
            DeviceBusy: another holder did not let go within `wait_s`; says who it is.
            LockFolderError: see `lock_folder`; or no lock can be had there.
        """
        if self._depth:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
            return
        path = self._path(identity)
        holder_path = path.with_name(path.name + ".json")
        try:
            lock = take_lock(
                path.with_name(path.name + ".lock"), wait_s, instead=f"set {LOCK_DIR_VARIABLE}"
            )
        except Timeout:
            raise self._busy(_read_holder(holder_path), wait_s) from None
        except RequestError as error:
            raise LockFolderError(str(error)) from error
        try:
            write_text(holder_path, own_holder().model_dump_json())
            self._depth = 1
            yield
        finally:
            self._depth = 0
            holder_path.unlink(missing_ok=True)
            lock.release()

    def _path(self, identity: str) -> Path:
        return lock_folder() / lock_name(identity or self._serial)

    def holder(self, identity: str = "") -> Holder | None:
        """The living process that seems to hold it now, if any; takes nothing, waits for nothing.

        Raises:
            LockFolderError: see `lock_folder`.
        """
        path = self._path(identity)
        found = _read_holder(path.with_name(path.name + ".json"))
        return None if found is None or found.is_dead else found

    def _busy(self, holder: Holder | None, wait_s: float) -> DeviceBusy:
        return busy_error(self._shown, str(holder) if holder else "another process", wait_s)


def busy_error(device: str, who: str, wait_s: float, then: str = "") -> DeviceBusy:
    """The error for a device that someone else holds; `then` may say when it will be free."""
    waited = f", still after the {wait_s:g} s that were allowed" if wait_s > 0 else ""
    return DeviceBusy(
        f"device {device} is in use by {who}{waited}{then}: wait for it, stop it, or choose "
        "another device",
        holder=who,
    )
