"""A PostgreSQL server of the tests' own, started where a test asks for one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from foundation.process import die_with_parent

REQUIRE_POSTGRESQL = "MOBILESR_TUNE_REQUIRE_POSTGRESQL"
START_S = 60.0


def _lacks(reason: str) -> NoReturn:
    if os.environ.get(REQUIRE_POSTGRESQL) == "1":
        pytest.fail(f"{reason} ({REQUIRE_POSTGRESQL} is set)")
    pytest.skip(reason)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        _lacks("no PostgreSQL server is installed: apt-get install postgresql")
    return found[-1].parent if found else Path(str(on_path)).parent


def _as_someone() -> dict[str, Any]:
    """PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    _lacks("PostgreSQL refuses to run as root, and there is neither user postgres nor nobody")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[int]:
    """The port of a server on loopback that ends with the tests, however they end."""
    programs, someone = _programs(), _as_someone()
    # Not in pytest's own folder: the server's user may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="mobilesr-pg-"))
    server = None
    try:
        if someone:
            os.chown(folder, someone["user"], someone["group"])
        quiet: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL, **someone}
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "--auth=trust", "--no-sync",
             "--username=tuner", "--encoding=UTF8", "--locale=C"],
            check=True, capture_output=True, timeout=120, **quiet,
        )  # fmt: skip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port),
                 "-k", folder, "-c", "fsync=off"],
                stdout=log, stderr=log, preexec_fn=die_with_parent, **quiet,
            )  # fmt: skip
        _await(port, server, folder / "log")
        yield port
    finally:
        if server is not None:
            server.send_signal(2)  # fast shutdown: connections are cut
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _await(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, user="tuner", dbname="postgres", connect_timeout=5
            ).close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.1)


@pytest.fixture
def postgresql(postgresql_server: int, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database."""
    import psycopg

    name = f"nights_{time.monotonic_ns()}"
    where = f"host=127.0.0.1 port={postgresql_server} user=tuner"
    with psycopg.connect(f"{where} dbname=postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield f"postgresql://tuner@127.0.0.1:{postgresql_server}/{name}"
    with psycopg.connect(f"{where} dbname=postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def cut_connections(postgresql_server: int) -> Callable[[str], int]:
    """Ends every connection to the database of an address; returns how many there were."""
    import psycopg

    def cut(address: str) -> int:
        where = f"host=127.0.0.1 port={postgresql_server} user=tuner dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [address.rpartition("/")[2]],
            ).fetchall()
        return len(ended)

    return cut
