from __future__ import annotations

import threading

from scripted_device import ScriptedDevice

from device_runner.conditions import Reading
from device_runner.devices.discovery import Survey
from device_runner.devices.host import HostDevice
from device_runner.devices.listing import Row, look, show


def test_devices_are_asked_side_by_side() -> None:
    """One that does not answer delays no other: here each answers only once all are asked."""
    together = threading.Barrier(5, timeout=60)

    class Waiting(ScriptedDevice):
        def profile(self):  # type: ignore[no-untyped-def]
            together.wait()
            return super().profile()

    rows = look(Survey(tuple(Waiting(lambda *_: 1.0) for _ in range(5)), ()))
    assert [row.state for row in rows] == ["ready"] * 5


def test_serials_stay_whole_at_any_width(monkeypatch, capsys) -> None:
    """Network phones differ in the end of their serials only."""
    with HostDevice() as host:
        profile, threads = host.profile(), host.suggest_threads()
    serials = ["192.168.178.101:41234", "192.168.178.101:41235", "adb-1234-AbC (2)._adb-tls"]
    rows = [Row(one, "ready", profile=profile, threads=threads) for one in serials]
    rows.append(Row("a:car:[b]\x1b[2J", "offline"))
    for width in (80, 120, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        show(rows, "")
        said = capsys.readouterr().out
        table = [line for line in said.splitlines() if line.startswith(("│", "|"))]
        for serial in (*serials, "a:car:[b]?[2J"):
            assert any(serial in line for line in table), (width, serial)
        assert {len(line) for line in table} == {len(table[0])}
        assert len(table[0]) <= width
        assert table[0].endswith(("│", "|"))
        assert f"{profile.ram_mb / 1024:.1f} GB" in said
        assert "\x1b[2J" not in said


def test_advice_says_which_condition_it_is_for(capsys) -> None:
    """Alone, "let it rest" would be of nobody knows what."""
    conditions = (
        Reading("clocks", "not told", ("clocks_unknown",)),
        Reading("battery", "83 %"),
    )
    show([Row("R58", "ready", conditions=conditions)], "")
    told = capsys.readouterr().out
    assert "R58: because of clocks, let it rest before measuring" in told
    assert "because of battery" not in told
