"""The database of a study: its address, how it is opened, and its trouble in words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import optuna
import sqlalchemy.exc
from sqlalchemy.engine import URL, make_url

from foundation.databases import (
    engine_options,
    lost_password,
    masked,
    require_whole_password,
    sqlite_url,
    with_driver,
)
from foundation.wording import shown, without_passwords
from search.errors import RunError


class StudyPlace(Protocol):
    """Where a study lies; `search.study.run_directory.RunDirectory` is such a place."""

    @property
    def path(self) -> Path: ...

    @property
    def study_path(self) -> Path: ...

    @property
    def study_name(self) -> str: ...

    @property
    def shared_storage(self) -> str | None: ...

    @property
    def begun(self) -> bool: ...


UNREADABLE = (
    sqlalchemy.exc.SQLAlchemyError,
    optuna.exceptions.OptunaError,
    KeyError,
    RuntimeError,
    ImportError,
    ValueError,
)


@contextlib.contextmanager
def storage_trouble(run: StudyPlace) -> Iterator[None]:
    """Inside, trouble of the study's storage is a `RunError`."""
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise unreadable(run, error) from error


# What a database says of trouble that passes, or is not in its file -> what to do.
_CAUSES = (
    (
        "locked|busy",
        "another program holds it; end that one (a report, a dashboard, an editor of databases), "
        "then give the same command again; nothing is lost",
    ),
    (
        "read-only transaction|server is running with the --read-only",
        "that server takes no writing, as a replica or one in maintenance: name the one that does",
    ),
    ("readonly|read-only", "it may not be written: see who owns it and its folder"),
    ("unable to open", "see that its folder is there and may be written"),
    (
        "connection refused|could not connect|timeout expired|could not translate host|failed to "
        "resolve host|no route to host|unreachable|server closed the connection|terminating "
        "connection|connection is lost|connection is closed|lost connection|gone away|starting up|"
        "shutting down|connection timeout",
        "its database does not answer; see that it runs and that --storage names it, then give "
        "the same command again; nothing is lost",
    ),
    (
        "could not parse|can't load plugin|invalid literal|invalid ipv6",
        "that is no address of a database; give one such as postgresql://USER@HOST/DATABASE",
    ),
    ("no module named|failed to import", "install the driver of that database beside this tool"),
    ("authentication failed|role .* does not exist", "correct the user and password in --storage"),
    (
        "database .* does not exist|unknown database",
        "make it on that server (with PostgreSQL: createdb), or name another in --storage",
    ),
    ("permission denied", "that user may not use it: see what its owner allows"),
    (
        "no longer compatible with the table schema",
        "save a copy of it, then bring it up to date with 'optuna storage upgrade --storage URL' "
        "(older versions of Optuna cannot use it afterwards), or name another in --storage",
    ),
    ("surrogates not allowed", "a name in its path is no valid text: rename that folder"),
)


def unreadable(run: StudyPlace, error: BaseException) -> RunError:
    """The sentence for an error met while a run's study was opened or used."""
    return _trouble(where_of(run), run.path, error)


def reason_of(error: BaseException) -> str:
    """What the database itself said, in a line without passwords."""
    # Optuna wraps SQLAlchemy's errors, which wrap the driver's.
    inner = error.__cause__ or error
    said = str(getattr(error, "orig", None) or getattr(inner, "orig", None) or inner)
    return without_passwords(shown(said.partition("\n")[0]))


def _trouble(where: str, folder: Path, error: BaseException) -> RunError:
    reason = reason_of(error)
    if "disk is full" in reason:  # SQLite's words
        return RunError(
            f"no space left on the disk that holds {folder}: free some, then give the same "
            "command again; no finished trial is lost"
        )
    for words, advice in _CAUSES:
        if re.search(words, reason, re.IGNORECASE):
            return RunError(f"the study {where} cannot be used now ({reason}): {advice}")
    return RunError(
        f"the study {where} cannot be read ({reason}): restore it from a copy, or start a new "
        "run with another --run-dir"
    )


def where_of(run: StudyPlace) -> str:
    """Where a run's study lies, as it may be shown."""
    return str(run.study_path) if run.shared_storage is None else masked(run.shared_storage)


def require_reachable(address: str, run_path: Path) -> None:
    """Find out before long work whether the database at `address` can be used.

    Raises:
        RunError: it cannot; the message says what to do, and holds no password.
    """
    try:
        _connected(address).remove_session()
    except UNREADABLE as error:
        raise _trouble(masked(address), run_path, error) from error


def open_storage(run: StudyPlace, *, read_only: bool = False) -> optuna.storages.RDBStorage:
    """The database of a run's study; read only, nothing is made or changed in it."""
    address = run.shared_storage
    if address is None:
        return _connected(sqlite_url(run.study_path, read_only=read_only), new=not read_only)
    url = make_url(address)
    file = url.database or ""
    if read_only and url.get_backend_name() == "sqlite" and not file.startswith("file:"):
        url = sqlite_url(Path(file), read_only=True)
    return _connected(url, new=not read_only)


def _connected(address: str | URL, *, new: bool = True) -> optuna.storages.RDBStorage:
    """Optuna's storage at an address; `new` has its tables made where there are none."""
    url = with_driver(make_url(address))
    require_whole_password(url)
    if lost_password(url):
        raise RunError(
            f"the password of {masked(url)} is kept nowhere: give the address again with --storage"
        )
    return optuna.storages.RDBStorage(
        # Rendered by SQLAlchemy, braces are escaped: Optuna fills in templates.
        url.render_as_string(hide_password=False),
        engine_kwargs=engine_options(url),
        skip_table_creation=not new,
    )
