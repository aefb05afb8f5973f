"""Addresses of databases: paths that may hold any character, and passwords that are not shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from foundation.wording import without_passwords

MASK = "***"


def sqlite_url(path: Path, *, read_only: bool = False) -> URL:
    """The address of an SQLite file, whatever its name holds (`?`, `%2F`, `#`, braces).

    Opened by a `read_only` address, a file is neither made nor changed.
    """
    absolute = str(path.absolute())
    if not read_only:
        return URL.create("sqlite", database=absolute)
    return URL.create(
        "sqlite", database=f"file:{quote(absolute)}", query={"mode": "ro", "uri": "true"}
    )


def masked(address: str | URL) -> str:
    """An address as it may be shown and written: every password in it is `***`."""
    try:
        text = make_url(address).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        text = str(address)
    return without_passwords(text)


def lost_password(url: URL) -> bool:
    """Whether the address was written by `masked`, so that nothing can be reached by it."""
    return MASK in (url.password, *(str(value) for value in url.query.values()))
