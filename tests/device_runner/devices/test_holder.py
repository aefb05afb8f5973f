"""Who holds a device or a run: whether that process is still there."""

from __future__ import annotations

import os
import subprocess

import psutil
import pytest

from device_runner.devices.holder import own_holder


def test_holders_of_this_host_are_told_from_others() -> None:
    own = own_holder()
    assert not own.is_dead
    assert own.model_copy(update={"pid": 2**30}).is_dead
    # The number went to another process meanwhile.
    assert own.model_copy(update={"began_ticks": 1}).is_dead
    # As an earlier version wrote it.
    assert own.model_copy(update={"began_s": 1.0, "began_ticks": None}).is_dead
    assert not own.model_copy(update={"began_ticks": None}).is_dead
    # The date was learnt from the network since: so psutil tells another time of every process.
    assert not own.model_copy(update={"began_s": 1.0}).is_dead
    assert not own.model_copy(update={"pid": 2**30, "system": "another"}).is_dead
    assert not own.model_copy(update={"pid": 2**30, "system": ""}).is_dead
    assert "on rack-2" in str(own.model_copy(update={"host": "rack-2"}))


def test_a_process_that_the_system_hides_is_not_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of other users are, where /proc is mounted with `hidepid`."""

    def hidden(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    own = own_holder()
    monkeypatch.setattr(psutil, "Process", hidden)
    assert not own.is_dead
    assert own.model_copy(update={"pid": 2**30}).is_dead
    assert own.model_copy(update={"pid": 2**31}).is_dead

    def not_ours(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", not_ours)
    assert not own.model_copy(update={"pid": 1}).is_dead


def test_a_killed_holder_is_dead_though_its_parent_has_not_looked(eventually) -> None:
    """A process that was killed stays in the list until its parent asks how it ended."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        began_s = psutil.Process(child.pid).create_time()
        told = {"pid": child.pid, "began_s": began_s, "began_ticks": None}
        held = own_holder().model_copy(update=told)
        assert not held.is_dead
        child.kill()
        eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert held.is_dead
    finally:
        child.kill()
        child.wait()
