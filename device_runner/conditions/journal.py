"""What we changed on a device, on this host's disk before it is changed there.

Whatever ends this process, the next one that claims the device restores what stands here.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from device_runner.devices.lease import lock_name
from foundation import RequestError, VersionedRecord
from foundation.places import state_folder


class Journal(VersionedRecord):
    """The changes to one device: condition -> the state before."""

    kind: ClassVar[str] = "conditions-journal"
    version: ClassVar[int] = 1

    serial: str = Field(max_length=200)
    prior: dict[str, str] = Field(max_length=50)


def _folder() -> Path:
    # Not the folder of locks: that may be gone after a reboot of this host, the phone's state not.
    return state_folder() / "conditions"


class JournalFile:
    """The journal of one device. Read and written by whoever holds its lease.

    Its file is named by what the device calls itself; `serial`, adb's name for it, is where an
    earlier version of this tool kept it.
    """

    def __init__(self, identity: str, serial: str = "") -> None:
        self._identity = identity
        self._path = _folder() / f"{lock_name(identity)}.json"
        self._old_path = _folder() / f"{lock_name(serial or identity)}.json"

    def read(self) -> dict[str, str]:
        """What stands there; nothing, where it is absent or makes no sense."""
        path = self._path if self._path.is_file() else self._old_path
        if not path.is_file():
            return {}
        try:
            return Journal.load(path).prior
        except RequestError:
            # Written by another version, or damaged: there is nothing in it that we could do.
            return {}

    def write(self, prior: dict[str, str]) -> None:
        """Replace it; an empty one is removed. Raises `RequestError`."""
        if prior:
            Journal(serial=self._identity[:200], prior=prior).save(self._path)
        else:
            self._path.unlink(missing_ok=True)
        if self._old_path != self._path:
            self._old_path.unlink(missing_ok=True)
