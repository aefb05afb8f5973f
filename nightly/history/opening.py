"""Opening a history: made where there is none, refused where it is not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from foundation.databases import engine_options, masked, require_whole_password, with_driver
from foundation.files import require_writable
from nightly.errors import HistoryError
from nightly.history import tables as t
from nightly.history.store import History
from nightly.history.trouble import damaged, trouble

_MAGIC = b"SQLite format 3\x00"


def open_history(url: str) -> History:
    """Open or make the history at an SQLAlchemy URL of SQLite or PostgreSQL.

    Raises:
        HistoryError: it is damaged, belongs to another program or a newer version of this one,
            or cannot be reached. Nothing in it was changed.
    """
    address = _address(url)
    name = masked(address)
    if address.get_backend_name() == "sqlite":
        name = str(address.database)
        _check_file(Path(name))
    engine = _engine(address, name)
    try:
        with trouble(name):
            _check_schema(engine, name)
    except BaseException:
        engine.dispose()
        raise
    return History(engine, name)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        backend = address.get_backend_name()
        require_whole_password(address)
    except (ArgumentError, NoSuchModuleError) as error:
        # The address may hold a password, and SQLAlchemy's own message holds the address.
        raise HistoryError(
            "the history's address is none that SQLAlchemy knows: use a file's path, "
            "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        ) from error
    if backend not in ("sqlite", "postgresql"):
        raise HistoryError(
            f"a history cannot be kept in {backend}: use SQLite (a file's path) or PostgreSQL"
        )
    if backend == "sqlite" and address.database in (None, "", ":memory:"):
        raise HistoryError("a history in memory would be gone by morning: give a file's path")
    return with_driver(address)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise HistoryError(f"the history {path} is a folder: give the path of a file")
    if not path.exists():
        require_writable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_MAGIC))
    except OSError as error:
        raise HistoryError(f"the history {path} cannot be read: {error.strerror}") from error
    if head and head != _MAGIC:
        raise HistoryError(
            f"the history {path} is no SQLite database: it was left as it is; give another path, "
            "or move that file away to begin anew"
        )


def _engine(address: URL, name: str) -> Engine:
    try:
        engine = sa.create_engine(address, **engine_options(address))
        if address.get_backend_name() == "sqlite":
            sa.event.listen(engine, "connect", _sqlite_manners)
        return engine
    except ModuleNotFoundError as error:
        raise HistoryError(
            f"the history {name} needs the PostgreSQL driver: "
            "pip install 'mobilesr-tune[postgresql]'"
        ) from error


def _sqlite_manners(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _check_schema(engine: Engine, name: str) -> None:
    found = set(sa.inspect(engine).get_table_names())
    ours = {table.name for table in t.metadata.sorted_tables}
    if t.about.name not in found:
        if engine.dialect.name == "sqlite" and found:
            raise HistoryError(
                f"the history {name} is a database of another program (it holds "
                f"{sorted(found)[0][:60]!r}): it was left as it is; give another path"
            )
        if found & ours:
            raise HistoryError(f"the history {name} is incomplete: {sorted(found & ours)[0]} alone")
        _make(engine)
        return
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _demand_sound(connection, name)
        schema = connection.scalar(sa.select(t.about.c.value).where(t.about.c.name == "schema"))
    if schema != t.SCHEMA:
        raise HistoryError(
            f"the history {name} says it is {str(schema)[:80]!r}, this version of mobilesr-tune "
            f"writes {t.SCHEMA!r}: use the version that wrote it; nothing was changed"
        )
    if missing := sorted(ours - found):
        raise HistoryError(
            f"the history {name} lacks its table {missing[0]}: restore it from a backup"
        )
    for column in t.ADDED:
        if not _has(engine, column):
            _add(engine, column, name)


def _has(engine: Engine, column: sa.Column[Any]) -> bool:
    return column.name in {one["name"] for one in sa.inspect(engine).get_columns(column.table.name)}


def _add(engine: Engine, column: sa.Column[Any], name: str) -> None:
    """An earlier version's history goes on with a column more, empty so far."""
    kind = column.type.compile(engine.dialect)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"ALTER TABLE {column.table.name} ADD COLUMN {column.name} {kind}"
            )
    except sa.exc.DBAPIError as error:
        # Another process may have been first.
        if not _has(engine, column):
            raise HistoryError(
                f"the history {name} is of an earlier version and cannot be written to: open it "
                "once where it can be, and it is read everywhere"
            ) from error


def _make(engine: Engine) -> None:
    """All tables or none: a kill in between leaves an empty database."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Otherwise the driver opens its transaction only at the first INSERT.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        t.metadata.create_all(connection)
        # Another process may have been first.
        if connection.scalar(sa.select(sa.func.count()).select_from(t.about)) == 0:
            connection.execute(sa.insert(t.about).values(name="schema", value=t.SCHEMA))


def _demand_sound(connection: sa.Connection, name: str) -> None:
    answer = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if answer != "ok":
        raise damaged(name, str(answer))
