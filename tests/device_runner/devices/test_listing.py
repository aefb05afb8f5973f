from __future__ import annotations

import threading

from scripted_device import ScriptedDevice

from device_runner.devices.discovery import Survey
from device_runner.devices.listing import look


def test_devices_are_asked_side_by_side() -> None:
    """One that does not answer delays no other: here each answers only once all are asked."""
    together = threading.Barrier(5, timeout=60)

    class Waiting(ScriptedDevice):
        def profile(self):  # type: ignore[no-untyped-def]
            together.wait()
            return super().profile()

    rows = look(Survey(tuple(Waiting(lambda *_: 1.0) for _ in range(5)), ()))
    assert [row.state for row in rows] == ["ready"] * 5
