"""Starting adb's server: with whatever home there is, and saying why where it does not start."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import adbutils
import pytest

from device_runner.devices.adb.listing import list_adb
from device_runner.devices.adb.server import AdbServer


@pytest.fixture
def server() -> AdbServer:
    """One that does not run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return AdbServer("127.0.0.1", port)


def program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_without_a_home_the_real_one_starts(
    server: AdbServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container for a user that has no entry: adb itself ends there."""
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        assert list_adb(server).problem == ""
        assert (tmp_path / f"mobilesr-tune-{os.getuid()}/.android/adbkey").is_file()
    finally:
        subprocess.run(
            [adbutils.adb_path(), "-P", str(server.port), "kill-server"], check=True, timeout=30
        )


def test_a_computer_that_has_no_adb_is_told(
    server: AdbServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """adbutils brings none along for arm64."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ADBUTILS_ADB_PATH", raising=False)
    monkeypatch.setattr("adbutils._utils._get_bin_dir", lambda: str(tmp_path))
    problem = list_adb(server).problem
    assert "could not be started (No adb exe could be found" in problem
    assert "on Debian, the package adb" in problem


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("echo '11-27 16:15 8 8 F adb     : adb_utils.cpp:305 no home' >&2; exit 1", "no home"),
        ("echo 'error: cannot bind to 127.0.0.1:5037' >&2; exit 1", "error: cannot bind to"),
        ("printf 'adb: \\033[2J' >&2; exit 1", r"adb: \?\[2J"),
        ("exit 1", "it does not say why"),
    ],
)
def test_why_it_does_not_start(
    server: AdbServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, why: str
) -> None:
    monkeypatch.setenv("ADBUTILS_ADB_PATH", program(tmp_path / "adb", body))
    assert f"could not be started ({why.replace(chr(92), '')}" in list_adb(server).problem


def test_a_program_for_another_processor_is_no_adb(
    server: AdbServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = program(tmp_path / "adb", "")
    Path(path).write_bytes(b"\x7fELF\x02\x01\x01" + bytes(57))
    monkeypatch.setenv("ADBUTILS_ADB_PATH", path)
    assert "Exec format error" in list_adb(server).problem
