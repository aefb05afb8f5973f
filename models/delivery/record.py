"""What stands in a delivered folder, so that nothing foreign is ever overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from foundation.errors import RequestError
from foundation.files import sha256_of
from foundation.records import VersionedRecord
from foundation.wording import count_of, shown

RECORD_NAME = "delivery.json"


class Delivery(VersionedRecord):
    """A delivered model.

    Attributes:
        files: path within the folder, with slashes -> SHA-256; all but this record.
    """

    kind: ClassVar[str] = "delivery"
    version: ClassVar[int] = 1

    candidate_key: str
    model_sha256: str
    executorch_version: str
    files: dict[str, str]


def files_of(folder: Path) -> dict[str, str]:
    """Every file below `folder` but the record, by its path within -> SHA-256."""
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / RECORD_NAME
    }


def require_replaceable(folder: Path) -> None:
    """Whether a delivery may be put there: nothing is there, or one that nobody has changed.

    Raises:
        RequestError: a file, a folder of other content, or a delivery with changes in it.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise RequestError(f"{folder} is a file: choose another --output")
    if not any(folder.iterdir()):
        return
    if not (folder / RECORD_NAME).is_file():
        raise RequestError(f"{folder} exists and is no delivery: choose another --output")
    known, found = Delivery.load(folder / RECORD_NAME).files, files_of(folder)
    changed = sorted(name for name in known.keys() | found if known.get(name) != found.get(name))
    if changed:
        more = f" and {count_of(len(changed) - 1, 'more file')}" if len(changed) > 1 else ""
        raise RequestError(
            f"{folder} was changed since it was delivered ({shown(changed[0])}{more}): choose "
            "another --output, or remove it first"
        )
