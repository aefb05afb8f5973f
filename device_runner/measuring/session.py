"""One session that counts: waited for, and done again while something spoils it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device_runner.device import Device
from device_runner.flags import Flag
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.measuring.estimates import clock_jumped
from device_runner.measuring.gate import WAITS_FOR, Gate
from device_runner.measuring.verifying import demand_ok


@dataclass(frozen=True)
class KeptSession:
    """The launch that was kept, when it began on the device's clock, and what was said of it."""

    report: RunReport
    at_s: float
    redone: int
    flags: tuple[str, ...]


def kept_session(
    device: Device,
    request: RunRequest,
    gate: Gate,
    redo: int,
    tell: Callable[[str, int], None] = lambda text, attempt: None,
) -> KeptSession:
    """Run the request, again and again while the device is disturbed in it, `redo` times at most.

    `tell` hears what is waited for, and an empty text as each launch begins; with the attempt.

    Raises:
        MeasurementFailed: a launch did not end well; `report.outcome` says how.
        foundation.DeviceFailure: the device is in trouble.
    """
    attempt = 0
    while True:

        def said(text: str, number: int = attempt) -> None:
            tell(text, number)

        before = gate.before(said)
        tell("", attempt)
        at_s = device.clock.monotonic_s()
        report = demand_ok(device.run(request))
        flags = list(dict.fromkeys([*before, *gate.read()]))
        if clock_jumped(report):
            flags.append(Flag.CLOCK_JUMPED)
        # One that started hot has had its wait: another would be as hot.
        hotter = WAITS_FOR.intersection(flags) > WAITS_FOR.intersection(before)
        if attempt == redo or not (hotter or Flag.CLOCK_JUMPED in flags):
            return KeptSession(report, at_s, attempt, tuple(flags))
        attempt += 1
