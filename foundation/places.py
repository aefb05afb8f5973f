"""Folders of this user's own: for what can be made again, and for what must be remembered.

A service or a container may have no home: neither `$HOME` nor an entry in the table of users, or
one that is not there. Then a folder below the temporary one serves, which is the same for all
processes of this user.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from foundation.errors import RequestError
from foundation.wording import shown

NAME = "mobilesr-tune"


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/mobilesr-tune`: artifacts and runners, all of which can be made again.

    Raises:
        RequestError: there is no home, and the folder that stands in for it is someone else's.
    """
    return _folder("XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    """`$XDG_STATE_HOME/mobilesr-tune`: what was found out of devices, and saved tracebacks.

    Raises:
        RequestError: as `cache_folder`.
    """
    return _folder("XDG_STATE_HOME", ".local/state")


def expanded(path: Path) -> Path:
    """`path` with its `~` or `~user` resolved.

    Raises:
        RequestError: nobody of that name, a user without a home, or a NUL, which no path holds.
    """
    if "\0" in str(path):
        raise RequestError(f"{shown(str(path))} holds a NUL and is no path")
    try:
        return path.expanduser()
    except RuntimeError:
        raise RequestError(
            f"{path}: nothing says where the home folder of {path.parts[0]} is: write the path out"
        ) from None


def require_working_folder() -> None:
    """Find out whether there is the folder that relative paths count from.

    Raises:
        RequestError: it was removed since; libraries end the process at that, without a word.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise RequestError(
            f"the folder that this was started in is gone or closed ({error.strerror}): change to "
            "one that is there"
        ) from None


def _folder(variable: str, below_home: str) -> Path:
    base = Path(os.environ.get(variable, ""))
    # The specification of these variables has relative paths ignored.
    if base.is_absolute():
        return base / NAME
    return home_with(f"{below_home}/{NAME}") / below_home / NAME


def home_with(folder: str) -> Path:
    """This user's home where `folder` is in it or can be made there; else what stands in for it.

    Raises:
        RequestError: as `cache_folder`.
    """
    try:
        home = Path.home()
    except RuntimeError:
        return _homeless()
    if (home / folder).is_dir() or os.access(home, os.W_OK | os.X_OK):
        return home
    # `/nonexistent`, as Debian's user nobody has it, or `/`.
    return _homeless()


def _homeless() -> Path:
    folder = Path(tempfile.gettempdir()) / f"{NAME}-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise RequestError(
            f"this user has no home folder, and {folder} cannot be made ({error.strerror}): set "
            "HOME to a folder that can be written"
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise RequestError(
            f"this user has no home folder, and {folder} is another user's: set HOME to a folder "
            "that can be written"
        )
    return folder
