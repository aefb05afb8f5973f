"""Files that are either whole or absent: temp file in the same folder, fsync, rename."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foundation.errors import RequestError
from foundation.wording import shown

# What drives of other systems and of the network say to what they do not know.
_NOT_OFFERED = (errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)
# It cannot be read without being set, which other threads would see: once, before there are any.
_UMASK = os.umask(0o077)
os.umask(_UMASK)
# No record of ours is nested deeper than a few levels.
_MAX_DEPTH = 100


def explain_os_error(error: OSError, path: Path) -> RequestError:
    """The sentence a user needs for an `OSError` met while writing `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RequestError(
            f"no space left on the disk that holds {path.parent}: free some, or choose another "
            "folder; nothing was left half-written"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RequestError(f"cannot write {path}: permission denied; choose another folder")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return RequestError(f"cannot write {path}: a file stands where a folder is needed")
    return RequestError(f"cannot write {path}: {error.strerror or error}")


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success fsync it and rename it to `target`.

    Raises:
        RequestError: the folder cannot be written or the disk is full. The target is untouched
            and the temporary file is gone.
    """
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays last: writers such as Pillow choose the format by it.
        handle, name = tempfile.mkstemp(
            prefix=f".{target.stem[:50]}.", suffix=target.suffix, dir=target.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes 0600; a result is as readable as any other file of this user.
        with _where_offered():
            temporary.chmod(0o666 & ~_UMASK)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
        temporary = None
        _fsync_folder(target.parent)
    except OSError as error:
        raise explain_os_error(error, target) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def require_writable(target: Path) -> None:
    """Find out before long work whether `target` could be written; leaves nothing behind.

    Raises:
        RequestError: its folder, or the nearest one above that exists, takes no file.
    """
    folder = target.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise explain_os_error(error, target) from error


def _fsync_folder(folder: Path) -> None:
    with _where_offered():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _where_offered() -> Iterator[None]:
    """For what makes a file better, and is no reason to do without it on a drive that cannot."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically.

    Raises:
        RequestError: as `atomic_path` does; or the text holds a file's name that is no UTF-8.
    """
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        name = shown(text[max(0, error.start - 60) : error.end + 40])
        raise RequestError(
            f"cannot write {shown(str(target))}: a name in it is no valid text (near {name!r}); "
            "rename that file or folder"
        ) from None
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_json(target: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. Raises `RequestError` as `atomic_path` does."""
    write_text(target, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Parse a JSON file. Raises `RequestError` when it is missing or is no JSON."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
        _refuse_depth(value)
        return value
    except FileNotFoundError:
        raise RequestError(f"{path} does not exist") from None
    except RecursionError:
        raise RequestError(f"{path} cannot be read as JSON: it is nested too deep") from None
    # Besides what is no JSON or no UTF-8: a number of thousands of digits.
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read as JSON: {shown(str(error))}") from error


def read_object(path: Path) -> dict[str, Any]:
    """Parse a JSON file that holds an object. Raises `RequestError` as `read_json`, or at less."""
    value = read_json(path)
    if not isinstance(value, dict):
        raise RequestError(f"{path} is damaged: it holds no JSON object")
    return value


def _refuse_depth(value: Any) -> None:
    """Raise `RecursionError` for what could be read and not be shown or written any more."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise RecursionError


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's content. Raises `RequestError` when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
