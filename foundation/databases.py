"""Addresses of databases: paths that may hold any character, and passwords that are not shown."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from foundation.errors import RequestError
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


def require_whole_password(url: URL) -> None:
    """Refuse an address whose password would be read as a part of the host's name, and be shown.

    Raises:
        RequestError: it holds an `@` as it is. The message has nothing of the address.
    """
    if "@" in (url.host or ""):
        raise RequestError(
            "the address of the database holds more than one '@': in its password, write '@' as "
            "%40, '/' as %2F, ':' as %3A and '%' as %25"
        )


def with_driver(url: URL) -> URL:
    """`postgresql://` means psycopg, as the extra `postgresql` brings it along.

    Which driver SQLAlchemy itself takes for it differs from version to version.
    """
    if url.drivername != "postgresql" or importlib.util.find_spec("psycopg") is None:
        return url
    return url.set(drivername="postgresql+psycopg")


def engine_options(url: URL) -> dict[str, Any]:
    """How SQLAlchemy has to open it, that hours of silence between two words lose nothing.

    Firewalls and poolers drop a connection that says nothing for minutes, which a measurement may
    take; servers are restarted at night.
    """
    if url.get_backend_name() == "sqlite":
        # A second process (a report, a dashboard) may hold the lock for a moment.
        return {"connect_args": {"timeout": 30}}
    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.drivername in ("postgresql+psycopg", "postgresql+psycopg2"):
        options["connect_args"] = {
            "connect_timeout": 15, "keepalives_idle": 60, "keepalives_interval": 15,
            "keepalives_count": 4,
        }  # fmt: skip
    return options


def lost_password(url: URL) -> bool:
    """Whether the address was written by `masked`, so that nothing can be reached by it."""
    return MASK in (url.password, *(str(value) for value in url.query.values()))
