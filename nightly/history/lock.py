"""One nightly at a time in one history; the second waits, or is told for whom."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from filelock import Timeout
from sqlalchemy.engine import Engine

from foundation.files import write_text
from foundation.locks import take_lock
from nightly.errors import HistoryBusyError
from nightly.history.trouble import trouble

_POLL_S = 0.2
_HOLDER_BYTES = 4096


@contextmanager
def only_one(
    engine: Engine, name: str, wait_s: float, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold the history for writing inside the block.

    SQLite: a lock of the kernel's on a file beside the database, which dies with its holder.
    PostgreSQL: an advisory lock, which dies with its connection.

    Raises:
        HistoryBusyError: another nightly did not finish within `wait_s`; says which.
    """
    hold = _hold_file if engine.dialect.name == "sqlite" else _hold_advisory
    with hold(engine, name, wait_s, on_wait):
        yield


def _who() -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {socket.gethostname()}, since {since}"


def _busy(name: str, who: str, wait_s: float) -> HistoryBusyError:
    waited = f" for the {wait_s:g} s that were allowed" if wait_s > 0 else ""
    return HistoryBusyError(
        f"another nightly writes into the history {name} ({who}){waited}: wait for it, stop it, "
        "or allow more with --wait-s"
    )


@contextmanager
def _hold_file(
    engine: Engine, name: str, wait_s: float, on_wait: Callable[[str], None]
) -> Iterator[None]:
    path = Path(name)
    file, holder = (path.with_name(path.name + suffix) for suffix in (".lock", ".lock.json"))
    instead = "keep the history on a disk of this computer, or in PostgreSQL"
    try:
        try:
            lock = take_lock(file, instead=instead)
        except Timeout:
            on_wait(_read_holder(holder))
            lock = take_lock(file, wait_s, instead=instead)
    except Timeout:
        raise _busy(name, _read_holder(holder), wait_s) from None
    try:
        write_text(holder, json.dumps({"who": _who()}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _read_holder(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return str(json.loads(stream.read(_HOLDER_BYTES))["who"])[:200]
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say which"


@contextmanager
def _hold_advisory(
    engine: Engine, name: str, wait_s: float, on_wait: Callable[[str], None]
) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(b"mobilesr-tune nightly").digest()[:8], "big", signed=True)
    with trouble(name):
        connection = engine.connect()
    with connection:
        with trouble(name):
            # The lock belongs to the session, not to a transaction: none may stay open all night.
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(
                sa.text("SELECT set_config('application_name', :who, false)"), {"who": _who()[:63]}
            )
            _wait_for(connection, key, name, wait_s, on_wait)
        try:
            yield
        finally:
            _unlock(connection, key)


def _wait_for(
    connection: sa.Connection, key: int, name: str, wait_s: float, on_wait: Callable[[str], None]
) -> None:
    deadline = time.monotonic() + wait_s
    told = False
    while not connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
        who = _advisory_holder(connection, key)
        if not told:
            on_wait(who)
            told = True
        if time.monotonic() >= deadline:
            raise _busy(name, who, wait_s)
        time.sleep(_POLL_S)


def _unlock(connection: sa.Connection, key: int) -> None:
    try:
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": key})
    except sa.exc.SQLAlchemyError:
        # A connection that was cut in the night has taken its lock along; the night is stored.
        connection.invalidate()


def _advisory_holder(connection: sa.Connection, key: int) -> str:
    # A bigint key stands in pg_locks as its two halves.
    halves = {"high": (key >> 32) & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}
    who = connection.scalar(
        sa.text(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
            "AND l.classid::bigint = :high AND l.objid::bigint = :low LIMIT 1"
        ),
        halves,
    )
    return str(who)[:200] if who else "it has just let go"
