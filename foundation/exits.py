"""How a command ends: its exit codes, and what is said and kept of an end that nobody planned."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from foundation.environment import environment
from foundation.errors import MobileSRTuneError, RequestError
from foundation.files import write_text
from foundation.places import state_folder
from foundation.wording import shown, without_passwords

FINE, WRONG = 0, 2
# EX_SOFTWARE of sysexits.h: no answer, whatever a script takes 1 for.
INTERNAL = 70
STOPPED = 130  # 128 + SIGINT, as a shell says it
_KEPT = 20
# What the system may say to any call, whoever made it -> what to do. The rest is ours to know.
_PERMISSION = "see who owns it and the folders above it, and whether this user may use them"
_SPACE = "free some, or choose a folder on another disk; nothing that was finished is lost"
_DISK = "see that the disk is well, or that the network drive is connected"
_FILES = "end other programs, or raise the limit (see 'ulimit -n')"
_OF_A_FILE = {
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: "choose a folder that can be written",
    errno.ENAMETOOLONG: "shorten it, or see whether it was meant as a path",
    errno.ELOOP: "its links lead in a circle: remove one of them",
    errno.ENOTDIR: "a file stands where a folder is needed",
}
_OF_THE_COMPUTER = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EIO: _DISK,
    errno.ESTALE: _DISK,
    errno.ENOTCONN: _DISK,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOMEM: "end other programs, or ask for less",
}


def refused_by_system(error: OSError) -> str | None:
    """The sentence for what the system said of a file or of itself; None where we are to blame.

    A folder of another user, a disk that is full, a drive that is gone: any call may meet one.
    """
    advice = _OF_THE_COMPUTER.get(error.errno or 0)
    if advice is None and error.filename is not None:
        advice = _OF_A_FILE.get(error.errno or 0)
    if advice is None:
        return None
    name = error.filename
    what = "a file" if name is None else os.fsdecode(name) if isinstance(name, bytes) else str(name)
    return f"cannot use {shown(what, 300)} ({error.strerror}): {advice}"


def internal_error(error: BaseException) -> str:
    """One sentence on a fault of ours; its traceback is saved, and the sentence says where."""
    # The type is what a reader of the sentence can search for; the message may be pages long.
    what = type(error).__name__
    said = shown(without_passwords(str(error)).partition("\n")[0], 160)
    where = _save(error)
    kept = f"its traceback is in {where}" if where else "its traceback could not be saved"
    return (
        f"internal error: {what}{f' ({said})' if said else ''}. This is a fault of mobilesr-tune, "
        f"not of the request: {kept}; please report it with that"
    )


def _save(error: BaseException) -> Path | None:
    """Keep the traceback among this user's state, else in the temporary folder."""
    trace = "".join(traceback.format_exception(error))
    facts = environment()
    text = without_passwords(f"{trace}\n{facts}\n").encode("utf-8", "replace").decode("utf-8")
    now = datetime.now(UTC)
    name = f"{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    with contextlib.suppress(MobileSRTuneError, OSError):
        folder = state_folder() / "errors"
        write_text(folder / name, text)
        for old in sorted(folder.glob("*.txt"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        return folder / name
    with contextlib.suppress(OSError, RequestError):
        handle, path = tempfile.mkstemp(prefix="mobilesr-tune-", suffix=".txt")
        os.close(handle)
        write_text(Path(path), text)
        return Path(path)
    return None
