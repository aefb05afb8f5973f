"""What went wrong with devices in the course of a run: one line each in `troubles.jsonl`."""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from foundation.errors import RequestError
from foundation.files import explain_os_error
from foundation.records import VersionedRecord

_LOCK = threading.Lock()


class Trouble(VersionedRecord):
    """One time that a device failed in the middle of a candidate, and what came of it.

    Attributes:
        error: the kind of trouble, as the exception is called (`DeviceLost`, ...).
        candidate_key, trial: what it was busy with; empty where it was just being claimed.
        ended: `back` (it answers again), `gone` (given up, see `Patience`), or `stopped` (the
            search ended while it was waited for).
        after_s: seconds from the trouble to that end.
    """

    kind: ClassVar[str] = "device-trouble"
    version: ClassVar[int] = 1

    at: datetime
    serial: str = Field(max_length=200)
    error: str
    message: str = Field(max_length=1000)
    candidate_key: str = ""
    trial: int | None = None
    ended: Literal["back", "gone", "stopped"]
    after_s: float


def append_trouble(path: Path, trouble: Trouble) -> None:
    """Add a line, durably. Raises `RequestError` where the file cannot be written."""
    line = json.dumps(trouble.to_dict(), sort_keys=True, allow_nan=False) + "\n"
    try:
        with _LOCK, path.open("a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise explain_os_error(error, path) from error


def read_troubles(path: Path) -> list[Trouble]:
    """Every recorded trouble, oldest first; a line that a kill cut short is left out.

    Raises:
        RequestError: the file cannot be read, or is of another version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} cannot be read: {error}") from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        found.append(Trouble.from_dict(value, where=f"{path}, line {number}"))
    return found
