"""Where a study lies: its damage and trouble are a sentence each, and reading changes nothing."""

import gc
import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy.exc
from asked_trials import REQUEST, SPACE, asked, ok

from foundation.errors import RequestError
from search.errors import RunError
from search.study.run_directory import RunDirectory
from search.study.storage import storage_trouble
from search.study.study import (
    load_study,
    open_study,
    record,
    results_of,
)

DAMAGES = {
    "junk": b"this is no database" * 100,
    "cut": None,
    "empty": b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_unreadable_study_is_one_sentence(run, damage):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, SPACE.smallest())
    record(trial, ok(trial, candidate))
    del study, trial
    gc.collect()
    content = DAMAGES[damage]
    if content is None:
        content = run.study_path.read_bytes()[:5000]
    run.study_path.write_bytes(content)
    for read in (load_study, RunDirectory.results):
        with pytest.raises(RunError, match=r"study\.db cannot be read .*--run-dir") as refused:
            read(run)
        assert "\n" not in str(refused.value)
    if damage != "empty":  # an empty file is a database without a study: it is made anew
        with pytest.raises(RunError, match=r"study\.db cannot be read"):
            open_study(run, REQUEST)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("database is locked", "another program holds it"),
        ("attempt to write a readonly database", "who owns it"),
        ("unable to open database file", "its folder is there"),
        (
            'connection to server at "10.0.0.9", port 5432 failed: Connection refused',
            "does not answer",
        ),
        (
            "failed to resolve host 'nosuch': [Errno -2] Name or service not known",
            "does not answer",
        ),
        ('password authentication failed for user "me"', "correct the user and password"),
        ('connection failed: FATAL:  database "none" does not exist', "createdb"),
        ("permission denied for schema public", "what its owner allows"),
        ("cannot execute CREATE TABLE in a read-only transaction", "name the one that does"),
        ("terminating connection due to administrator command", "does not answer"),
    ],
)
def test_trouble_that_passes_sends_nobody_to_the_backups(run, words, advice):
    with pytest.raises(RunError, match=advice) as caught, storage_trouble(run):
        raise sqlalchemy.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError(words))
    assert "from a copy" not in str(caught.value)


def shared(tmp_path, address):
    request = REQUEST.model_copy(update={"storage": address})
    return request, RunDirectory.create(tmp_path / "run", request, {})


def test_a_study_outlives_the_connections_that_it_began_with(tmp_path, postgresql, cut_connections):
    """As after hours of measuring, behind a firewall that forgets who is silent."""
    request, run = shared(tmp_path, postgresql)
    study = open_study(run, request)
    trial, candidate = asked(study, next(iter(SPACE.configs())))
    assert cut_connections(postgresql) > 0
    record(trial, ok(trial, candidate))
    assert cut_connections(postgresql) > 0
    assert [one.number for one in results_of(study)] == [0]


def test_an_address_with_an_at_sign_in_its_password_shows_nothing_of_it(tmp_path):
    request, run = shared(tmp_path, "postgresql://me:pass@wo@rd@127.0.0.1:1/x")
    with pytest.raises(RequestError, match="write '@' as %40") as raised:
        open_study(run, request)
    assert "wo@rd" not in str(raised.value)
    assert "wo@" not in run.spec_path.read_text()


def test_tables_of_an_older_optuna_are_brought_up_to_date_and_not_restored(tmp_path):
    request, run = shared(tmp_path, f"sqlite:///{tmp_path}/shared.db")
    open_study(run, request)
    with sqlite3.connect(tmp_path / "shared.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v3.0.0.d'")
    with pytest.raises(RunError, match=r"cannot be used now .*optuna storage upgrade"):
        open_study(run, request)


def test_a_run_without_a_study_says_so(run):
    with pytest.raises(RunError, match=r"holds no study\.db: the search did not get as far"):
        load_study(run)
    assert not run.study_path.exists()


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://nobody@127.0.0.1:1/x", "sqlite:////proc/x"]
)
def test_a_storage_that_cannot_be_reached_is_one_sentence(tmp_path, url):
    request = REQUEST.model_copy(update={"storage": url})
    run = RunDirectory.create(tmp_path / "run", request, {})
    with pytest.raises(RunError, match=r"cannot be (read|used)") as refused:
        open_study(run, request)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["a?b", "a%2Fb", "a#b", "{x}", "a b&c=d", "ä'\"", "~x"])
def test_a_study_lies_in_its_own_run_whatever_its_name(tmp_path, name):
    run = RunDirectory.create(tmp_path / name, REQUEST, {})
    trial, candidate = asked(open_study(run, REQUEST), SPACE.smallest())
    record(trial, ok(trial, candidate))
    assert (tmp_path / name / "study.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(run.results()) == 1


def test_reading_makes_and_changes_nothing(tmp_path):
    run = RunDirectory.create(tmp_path / "run", REQUEST, {})
    trial, candidate = asked(open_study(run, REQUEST), SPACE.smallest())
    record(trial, ok(trial, candidate))
    before = run.study_path.read_bytes()
    run.study_path.chmod(0o444)
    assert len(run.results()) == 1
    assert run.study_path.read_bytes() == before
    run.study_path.unlink()
    run.study_path.touch()
    with pytest.raises(RunError, match="cannot be read"):
        run.results()
    assert run.study_path.read_bytes() == b""


HALF_A_WRITE = """
import os, sqlite3, sys
study = sqlite3.connect(sys.argv[1], isolation_level=None)
study.execute("PRAGMA cache_size = 1")
study.execute("BEGIN IMMEDIATE")
study.execute("CREATE TABLE scratch (text)")
study.executemany("INSERT INTO scratch VALUES (?)", [("x" * 1000,)] * 2000)
os._exit(9)
"""


def test_a_write_that_a_kill_cut_short_is_settled_by_the_search_alone(tmp_path):
    run = RunDirectory.create(tmp_path / "run", REQUEST, {})
    trial, candidate = asked(open_study(run, REQUEST), SPACE.smallest())
    record(trial, ok(trial, candidate))
    subprocess.run([sys.executable, "-c", HALF_A_WRITE, str(run.study_path)], check=False)
    with pytest.raises(RunError, match="left in the middle of a write"):
        run.results()
    open_study(run, REQUEST)
    assert len(run.results()) == 1
