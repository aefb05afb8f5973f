"""One command at a time that writes in a run directory, whatever computer it comes from.

Those are `search`, `finetune` and `confirm`; whoever only reads, as `report` does, holds nothing.

The lock of this computer's user (`only_one_here`) ends with its holder and settles most. It does
not meet another user, a container with the folder mounted, or a computer that shares the disk. So
the run's folder is locked itself, and a file `holder.json` says who is at work, with a count that
goes up every ten seconds. No clock is compared: who finds another computer's file watches whether
it still counts. Where the folder's lock can be had on a disk of this computer, that settles it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from filelock import Timeout
from pydantic import Field

from device_runner.devices.holder import Holder, own_holder
from device_runner.devices.lease import LOCK_DIR_VARIABLE, lock_folder, lock_name
from foundation.drives import is_on_own_disk
from foundation.errors import RequestError
from foundation.files import write_text
from foundation.locks import take_lock
from foundation.records import VersionedRecord
from search.errors import RunError

HOLDER = "holder.json"
BEAT_S = 10.0
# A network drive may show us what another computer wrote some seconds late.
WATCH_S = 45.0
_POLL_S = 1.0
_MOST_BYTES = 4096
_OURS: set[str] = set()


class RunHolder(VersionedRecord):
    """Who writes in a run directory now; `beat` goes up for as long as it does."""

    kind: ClassVar[str] = "run-holder"
    version: ClassVar[int] = 1

    holder: Holder
    beat: int = Field(ge=0)

    @property
    def is_left(self) -> bool:
        """Whether that command is known to have ended."""
        own = own_holder()
        ours = bool(own.system) and (self.holder.system, self.holder.pid) == (own.system, own.pid)
        return self.holder.is_dead or (ours and self.holder.token not in _OURS)


@contextlib.contextmanager
def only_one_here(path: Path) -> Iterator[None]:
    """Hold `path` against others of this user on this computer, whatever is there yet.

    Raises:
        RunError: another command is at work in it.
    """
    # Not beside the run: a folder that turns out to be none of ours is left as it was.
    # By where it really is: a link leads to the same run.
    name = lock_name(f"run {path.resolve()}")
    try:
        lock = take_lock(lock_folder() / f"{name}.lock", instead=f"set {LOCK_DIR_VARIABLE}")
    except Timeout:
        raise _busy(path, _read(path / HOLDER)) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def held(path: Path, say: Callable[[str], None]) -> Iterator[Occupancy]:
    """Hold the run directory that is there at `path`. Raises as `Occupancy` does on entering."""
    with only_one_here(path), Occupancy(path, say) as hold:
        yield hold


class Occupancy:
    """The hold on one run directory, which is there already; `with` it for as long as it lasts."""

    def __init__(self, path: Path, say: Callable[[str], None], *, watch_s: float = WATCH_S) -> None:
        self._path, self._say, self._watch_s = path, say, watch_s
        self._file = path / HOLDER
        self._holder = own_holder(secrets.token_hex(8))
        self._lock: int | None = None
        self._ended = threading.Event()
        self._lost_to: RunHolder | None = None

    def __enter__(self) -> Occupancy:
        """Take it.

        Raises:
            RunError: another command is at work in it; says whose.
            RequestError: the run cannot be written.
        """
        try:
            self._lock = _folder_lock(self._path)
        except BlockingIOError:
            raise _busy(self._path, _read(self._file)) from None
        try:
            self._settle(_read(self._file))
            write_text(self._file, self._text(0))
        except BaseException:
            self._release()
            raise
        _OURS.add(self._holder.token)
        threading.Thread(target=self._beat, name="run-holder", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        _OURS.discard(self._holder.token)
        if self._lost_to is None:
            self._file.unlink(missing_ok=True)
        self._release()

    def require(self) -> None:
        """Raises `RunError` where another command has taken the run from this one."""
        if self._lost_to is not None:
            raise RunError(
                f"{self._path} was taken over by {self._lost_to.holder}, as this command had not "
                f"been heard there for {WATCH_S:.0f} s (was this computer asleep?): wait for that "
                "one and give this command again"
            )

    def _settle(self, found: RunHolder | None) -> None:
        if found is None or found.is_left:
            return
        if self._lock is not None and is_on_own_disk(self._path):
            return  # the kernel that keeps this lock would know of a holder
        self._say(
            f"{self._path} was last used by {found.holder}: watching for {self._watch_s:.0f} s "
            "whether it still is"
        )
        deadline = time.monotonic() + self._watch_s
        while time.monotonic() < deadline:
            time.sleep(min(_POLL_S, self._watch_s))
            now = _read(self._file)
            if now is None and not self._file.exists():
                return
            if now is None or now != found:
                raise _busy(self._path, now or found)

    def _beat(self) -> None:
        beat = 0
        while self._lost_to is None and not self._ended.wait(BEAT_S):
            beat += 1
            # A full disk, a drive that is away for a moment: the next beat may get through.
            with contextlib.suppress(OSError):
                self._write_over(beat)

    def _text(self, beat: int) -> str:
        return json.dumps(RunHolder(holder=self._holder, beat=beat).to_dict()) + "\n"

    def _write_over(self, beat: int) -> None:
        """In place: a network drive shows a file that was changed sooner than one put in its place.

        Who reads it in the middle of that finds nonsense, which is a sign of life as well.
        """
        with self._file.open("r+b") as stream:
            found = _parsed(stream.read(_MOST_BYTES))
            if found is not None and found.holder.token != self._holder.token:
                self._lost_to = found
                return
            stream.seek(0)
            stream.write(self._text(beat).encode())
            stream.truncate()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)


def _folder_lock(path: Path) -> int | None:
    """The kernel's lock on the folder itself, held until its descriptor is closed; nothing is left.

    None on a drive that keeps none. Raises `BlockingIOError` where another holds it.
    """
    descriptor = None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except OSError as error:
        if descriptor is not None:
            os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise
        return None


def _read(path: Path) -> RunHolder | None:
    try:
        with path.open("rb") as stream:
            return _parsed(stream.read(_MOST_BYTES))
    except OSError:
        return None


def _parsed(content: bytes) -> RunHolder | None:
    try:
        return RunHolder.from_dict(json.loads(content), where=HOLDER)
    except (RequestError, ValueError, RecursionError):
        return None


def _busy(path: Path, found: RunHolder | None) -> RunError:
    who = f" ({found.holder})" if found is not None else ""
    return RunError(
        f"another search, finetune or confirm is at work in {path}{who}: wait for it; a new search "
        "may also take another --run-dir"
    )
