from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner import DeviceBusy
from device_runner.devices.lease import (
    LOCK_DIR_VARIABLE,
    Lease,
    LockFolderError,
    lock_folder,
    lock_name,
)

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys
from device_runner.devices.lease import Lease
with Lease("phone-1").hold():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding_process() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def take(serial: str) -> None:
    with Lease(serial).hold():
        pass


def test_another_process_is_named_and_a_killed_one_frees(
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    with holding_process() as process:
        with pytest.raises(DeviceBusy) as caught:
            take("phone-1")
        assert f"process {process.pid}" in str(caught.value)
        assert "phone-1" in str(caught.value)
        assert caught.value.exit_code == 3
        take("phone-2")
        process.kill()
        process.wait()
        take("phone-1")


def test_waiting_ends_when_the_holder_lets_go() -> None:
    with holding_process() as process:
        assert process.stdin is not None
        process.stdin.close()
        with Lease("phone-1").hold(wait_s=60):
            pass
        process.stdin = None


def test_lease_is_not_kept_alive_by_a_forked_child() -> None:
    lease = Lease("phone-1")
    read_end, write_end = os.pipe()
    with lease.hold():
        child = os.fork()
        if child == 0:
            os.close(write_end)
            os.read(read_end, 1)
            os._exit(0)
    try:
        assert not lease.held
        take("phone-1")
    finally:
        os.close(write_end)
        os.close(read_end)
        os.waitpid(child, 0)


def test_error_inside_frees() -> None:
    lease = Lease("phone-1")

    def interrupted() -> None:
        with lease.hold():
            assert lease.held
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not lease.held
    take("phone-1")


def test_damaged_holder_file_does_no_harm() -> None:
    with Lease("phone-1").hold():
        (lock_folder() / f"{lock_name('phone-1')}.json").write_bytes(b"\xff{" * 10_000)
        with pytest.raises(DeviceBusy, match="another process"):
            take("phone-1")


@given(st.text(max_size=300), st.text(max_size=300))
def test_lock_names_are_plain_and_distinct(one: str, other: str) -> None:
    name = lock_name(one)
    assert name.replace("-", "").isalnum()
    assert name.isascii()
    assert len(name) < 80
    assert (lock_name(other) == name) == (one == other)


def test_no_variable_of_the_environment_parts_two_users_of_a_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(LOCK_DIR_VARIABLE)
    found = set()
    for name in ("TMPDIR", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
        monkeypatch.setattr("tempfile.tempdir", None)
        found.add(lock_folder())
        monkeypatch.delenv(name)
    assert len(found) == 1


def test_one_device_under_two_names_is_held_once() -> None:
    with (
        Lease("localhost:5555").hold(identity="R58"),
        pytest.raises(DeviceBusy, match="127"),
        Lease("127.0.0.1:5555").hold(identity="R58"),
    ):
        pass
    with Lease("localhost:5555").hold(identity="R58"), Lease("localhost:5555").hold(identity="R59"):
        pass


def test_who_holds_it_is_told_as_long_as_it_lives() -> None:
    assert Lease("phone-1").holder() is None
    with holding_process() as process:
        found = Lease("phone-1").holder()
        assert found is not None
        assert found.pid == process.pid
        process.kill()
        process.wait()
        assert Lease("phone-1").holder() is None


def test_folder_of_someone_else_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(LOCK_DIR_VARIABLE)
    monkeypatch.setattr("device_runner.devices.lease._TMP", tmp_path)
    mine = lock_folder()
    assert mine.stat().st_mode & 0o777 == 0o700
    mine.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    mine.symlink_to(elsewhere)
    with pytest.raises(LockFolderError, match=LOCK_DIR_VARIABLE):
        lock_folder()
