"""Histories: one contract for SQLite and PostgreSQL, and what is refused with a sentence."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from made_up_nights import CONDITION, DEVICE, FIRST_EVENING, SUITE, World, of

from foundation.errors import RequestError
from nightly.errors import BaselineError, HistoryBusyError, HistoryError
from nightly.history import open_history
from nightly.records import NightStatus, Status

HOLD = """
import sys, time
from nightly.history import open_history
with open_history(sys.argv[1]) as history, history.lock():
    print("held", flush=True)
    time.sleep(600)
"""
REPOSITORY = Path(__file__).resolve().parents[2]


def holder(address: str) -> subprocess.Popen[str]:
    """Another process that holds the history."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, address], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


class HistoryContract:
    """What every history does, whatever it is kept in."""

    def test_what_was_stored_comes_back(self, address):
        with open_history(address) as history:
            World(history, {"a": 20.0, "b": 30.0}).nights(3)
        with open_history(address) as history:
            trails = history.trails(SUITE, DEVICE, CONDITION)
            nights = history.nights(SUITE)
        assert [night.number for night in nights] == [1, 2, 3]
        assert {night.status for night in nights} == {NightStatus.FINISHED}
        assert nights[0].started_at == FIRST_EVENING + timedelta(days=1)
        assert sorted(trails) == ["a", "b"]
        latencies = trails["a"].points["latency"]
        assert [point.night for point in latencies] == [1, 2, 3]
        assert latencies[0].value == pytest.approx(20, rel=0.02)
        assert latencies[0].sessions == 7
        assert 0 < latencies[0].error < 0.2

    def test_a_start_that_shifts_the_memory_by_some_mb_begins_no_new_epoch(self, address):
        """Phones of 6 GB tell of some 5.5, where rounding to whole GiB goes either way."""
        profile = {"kind": "phone", "cores": 8, "ram_mb": 5633, "os_build": "15"}

        def epoch(**changes):
            night = history.begin(SUITE, FIRST_EVENING)
            return history.epoch(SUITE, night, DEVICE, CONDITION, profile | changes, "s")

        with open_history(address) as history:
            first, _ = epoch()
            assert epoch(ram_mb=5631) == (first, False)
            again, is_new = epoch(ram_mb=5630, os_build="16")
            assert is_new
            assert again.reason == "operating system changed from '15' to '16'"
            half, is_new = epoch(ram_mb=2816)
            assert is_new
            assert "memory changed from '5630' to '2816'" in half.reason
            assert epoch()[0].number == first.number

    def test_a_night_that_never_finished_is_kept_and_never_compared_with(self, address):
        with open_history(address) as history:
            world = World(history, {"a": 20.0})
            world.nights(2)
            world.history.finish = lambda *rest: None  # killed before its end
            world.night()
            del world.history.finish
            assert history.nights(SUITE)[-1].status is NightStatus.OPEN
            assert [p.night for p in self.latencies(history)] == [1, 2]
            with history.lock():
                assert history.abandon_open(SUITE) == [3]
            assert history.nights(SUITE)[-1].status is NightStatus.ABANDONED
            world.night()
            assert [p.night for p in self.latencies(history)] == [1, 2, 4]
            with pytest.raises(BaselineError, match="night 3 is abandoned"):
                history.accept(SUITE, 3, [], datetime.now(UTC))

    def latencies(self, history):
        return history.trails(SUITE, DEVICE, CONDITION)["a"].points["latency"]

    def test_nights_are_ordered_by_number_though_the_clock_was_set_back(self, address):
        with open_history(address) as history:
            world = World(history, {"a": 20.0})
            for days in (10, 11, 2, 3):
                world.night(days=days)
            assert [p.night for p in self.latencies(history)] == [1, 2, 3, 4]
            assert history.nights(SUITE)[-1].number == 4
            assert history.night_at(SUITE, FIRST_EVENING + timedelta(days=9)) == 1

    def test_a_moment_with_an_offset_is_that_moment(self, address):
        with open_history(address) as history:
            World(history, {"a": 20.0}).nights(1)
            (night,) = history.nights(SUITE)
            for hours in (-11, 0, 14):
                there = timezone(timedelta(hours=hours))
                moment = night.started_at.astimezone(there)
                assert history.night_at(SUITE, moment) == 1
                assert history.night_at(SUITE, moment + timedelta(minutes=1)) is None

    def test_a_second_nightly_is_told_for_whom_it_would_wait(self, address):
        other = holder(address)
        try:
            with open_history(address) as history:
                told: list[str] = []
                with (
                    pytest.raises(HistoryBusyError, match=f"process {other.pid} on .*--wait-s"),
                    history.lock(0.5, told.append),
                ):
                    pass
                assert f"process {other.pid} on" in told[0]
        finally:
            other.kill()
            other.wait()

    def test_a_second_nightly_waits_and_a_killed_holder_frees_it(self, address):
        other = holder(address)
        timer = threading.Timer(0.5, other.kill)
        timer.start()
        try:
            with open_history(address) as history, history.lock(60):
                # Only its death let us in.
                assert other.wait(10) != 0
        finally:
            timer.join()
            other.wait()

    def test_pins_name_the_model_they_do_not_know(self, address):
        with open_history(address) as history:
            with pytest.raises(BaselineError, match="holds no finished night"):
                history.accept(SUITE, None, [], datetime.now(UTC))
            World(history, {"a": 20.0}).nights(2)
            with pytest.raises(BaselineError, match="has no night 7"):
                history.accept(SUITE, 7, [], datetime.now(UTC))
            with pytest.raises(BaselineError, match="did not measure the model 'z': it measured a"):
                history.accept(SUITE, 1, ["z"], datetime.now(UTC))
            assert history.accept(SUITE, 1, ["a"], datetime.now(UTC))[0] == 1
            assert history.trails(SUITE, DEVICE, CONDITION)["a"].pinned == 1

    def test_suites_share_a_history_without_meeting(self, address):
        with open_history(address) as history:
            World(history, {"a": 20.0}).nights(2)
            assert history.nights("another") == []
            assert history.trails("another", DEVICE, CONDITION) == {}
            with pytest.raises(BaselineError, match="has no night 1 of the suite 'another'"):
                history.accept("another", 1, [], datetime.now(UTC))

    def test_what_was_said_is_kept_but_for_what_is_fine(self, address):
        with open_history(address) as history:
            world = World(history, dict.fromkeys("abcde", 20.0))
            world.nights(6)
            world.latency_ms["a"] = 26
            world.night()
            said = history.verdicts(SUITE, last_nights=2)
        assert list(said) == [7]
        assert {(one["series"]["model"], one["metric"]) for one in said[7]} >= {("a", "latency")}
        assert all(one["status"] != "ok" for one in said[7])

    def test_a_newer_history_is_refused_and_left_alone(self, address):
        with open_history(address) as history, history._engine.begin() as connection:
            connection.execute(sa.text("UPDATE nightly_about SET value = 'nights/9'"))
        with pytest.raises(HistoryError, match=r"'nights/9'.*use the version that wrote it"):
            open_history(address)

    def test_a_lost_table_is_named(self, address):
        with open_history(address) as history, history._engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE nightly_pin"))
        with pytest.raises(HistoryError, match="lacks its table nightly_pin"):
            open_history(address)


class TestSqlite(HistoryContract):
    @pytest.fixture
    def address(self, sqlite):
        return sqlite


class TestPostgresql(HistoryContract):
    @pytest.fixture
    def address(self, postgresql):
        return postgresql

    def test_a_server_that_is_gone_is_a_sentence_without_the_password(self):
        address = "postgresql://tuner:hunter2@127.0.0.1:9/nights"
        with pytest.raises(HistoryError, match="cannot be used") as raised:
            open_history(address)
        assert "hunter2" not in str(raised.value)

    def test_a_password_with_an_at_sign_is_not_taken_for_a_host(self):
        with pytest.raises(RequestError, match="write '@' as %40") as raised:
            open_history("postgresql://tuner:hun@ter2@127.0.0.1:9/nights")
        assert "ter2" not in str(raised.value)

    def test_a_night_outlives_the_connections_that_it_began_with(self, postgresql, cut_connections):
        with open_history(postgresql) as history:
            with history.lock():
                first = history.begin("s", FIRST_EVENING)
                assert cut_connections(postgresql) > 0
                assert history.begin("s", FIRST_EVENING) == first + 1
            with history.lock():
                assert history.abandon_open("s") == [first, first + 1]


def foreign_text(path: Path) -> None:
    path.write_text("my diary\n")


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def torn(path: Path) -> None:
    with open_history(f"sqlite:///{path}") as history:
        World(history, dict.fromkeys("abcdef", 20.0)).nights(8)
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4096)
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    torn(path)
    path.write_bytes(path.read_bytes()[:5000])


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (foreign_text, "is no SQLite database: it was left as it is"),
        (foreign_database, "is a database of another program .*'recipes'"),
        (torn, "is damaged .*nothing was changed; restore a backup"),
        (cut_short, "is damaged .*nothing was changed; restore a backup"),
        (folder, "is a folder: give the path of a file"),
    ],
)
def test_what_is_no_history_is_refused_and_left_as_it_was(tmp_path, make, sentence):
    path = tmp_path / "nights.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(HistoryError, match=sentence) as raised:
        open_history(f"sqlite:///{path}")
    assert str(path) in str(raised.value)
    assert raised.value.exit_code == 2
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("mysql://u:hunter2@h/d", "cannot be kept in mysql"),
        ("nonsense://u:hunter2@h/d", "cannot be kept in nonsense"),
        ("://u:hunter2@h/d", "none that SQLAlchemy knows"),
        ("sqlite://", "would be gone by morning"),
    ],
)
def test_addresses_that_cannot_be_a_history(address, sentence):
    with pytest.raises(HistoryError, match=sentence) as raised:
        open_history(address)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE nightly_reading SET sessions = x'0000' WHERE metric = 1 AND measurement = 1",
        "UPDATE nightly_reading SET value = 'torn' WHERE metric = 1 AND measurement = 1",
        "UPDATE nightly_reading SET error = -1 WHERE metric = 1 AND measurement = 1",
        "UPDATE nightly_reading SET value = 9e999 WHERE metric = 1 AND measurement = 1",
        "UPDATE nightly_reading SET metric = 77 WHERE metric = 1 AND measurement = 1",
    ],
)
def test_a_half_written_row_is_left_out_and_told(tmp_path, harm):
    path = tmp_path / "nights.db"
    with open_history(f"sqlite:///{path}") as history:
        world = World(history, {"a": 20.0})
        world.nights(3)
        with sqlite3.connect(path) as connection:
            connection.execute(harm)
        connection.close()
        found = world.night()
        assert [p.night for p in history.trails(SUITE, DEVICE, CONDITION)["a"].points["latency"]] \
            == [2, 3, 4]  # fmt: skip
    assert "1 readings of earlier nights" in found.notes[0]
    assert of(found, "a", "latency").status is Status.FINE


def test_a_kill_in_the_middle_of_a_night_loses_that_night_only(tmp_path):
    address = f"sqlite:///{tmp_path / 'nights.db'}"
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from nightly.history import open_history\n"
        "from made_up_nights import World\n"
        "history = open_history(sys.argv[1])\n"
        "world = World(history, {'a': 20.0})\n"
        "world.night(); print('one', flush=True)\n"
        "while True: world.night()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, address, str(Path(__file__).parent), str(REPOSITORY)],
        stdout=subprocess.PIPE, cwd=REPOSITORY,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"one\n"
    time.sleep(0.7)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_history(address) as history:
        history.abandon_open(SUITE)
        nights = history.nights(SUITE)
        finished = [n.number for n in nights if n.status is NightStatus.FINISHED]
        assert [p.night for p in history.trails(SUITE, DEVICE, CONDITION)["a"].points["latency"]] \
            == finished  # fmt: skip
        assert len(nights) - len(finished) <= 1


def test_every_query_of_a_night_uses_an_index(sqlite):
    from nightly.history.reading import (
        blames_query,
        pins_query,
        readings_query,
        series_query,
    )

    with open_history(sqlite) as history:
        World(history, {"a": 20.0}).nights(2)
        for query in (
            series_query(SUITE, DEVICE, CONDITION, None),
            readings_query([1, 2], 5),
            blames_query([1, 2], 5),
            pins_query([1, 2]),
        ):
            text = query.compile(history._engine, compile_kwargs={"literal_binds": True})
            with history._engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
            assert [row for row in plan if row[3].startswith("SCAN")] == [], plan
