"""What stands before and after each session: whether the device is fit to be measured."""

from __future__ import annotations

from collections.abc import Callable

from device_runner.device import Device
from device_runner.flags import Flag

# What passes if one waits; everything else a device says is a flag on what is measured.
_HOT: frozenset[str] = frozenset({Flag.THROTTLED, Flag.BATTERY_HOT})
WAITS_FOR: frozenset[str] = _HOT | {Flag.JUST_STARTED}
POLL_S = 5.0
# A reading is as good as new for so long.
FRESH_S = 2.0


class Gate:
    """Waits for one device to cool or to finish starting, within bounds; says what disturbs it.

    A device that does not become fit is waited for `limit_s` in all: what is measured until it has
    been fit once more carries its flag at once, without another wait.
    """

    def __init__(self, device: Device, limit_s: float) -> None:
        self._device = device
        self._limit_s = limit_s
        self._left_s = limit_s
        self._flags: tuple[str, ...] = ()
        self._read_at_s: float | None = None

    def before(self, tell: Callable[[str], None]) -> tuple[str, ...]:
        """Flags that hold as a session starts, after waiting for what passes.

        Raises:
            DeviceLost: the device does not answer.
        """
        clock = self._device.clock
        flags = self._flags
        if self._read_at_s is None or not 0 <= clock.monotonic_s() - self._read_at_s <= FRESH_S:
            flags = self.read()
        started_s, budget_s = clock.monotonic_s(), self._left_s
        # Counted as well as timed: a clock that stands still must not hold us for ever.
        for poll in range(int(budget_s // POLL_S) + 1):
            passing = WAITS_FOR.intersection(flags)
            if not passing:
                self._left_s = self._limit_s
                return flags
            waited_s = max(POLL_S * poll, clock.monotonic_s() - started_s)
            self._left_s = max(0.0, budget_s - waited_s)
            if self._left_s <= 0:
                break
            minutes, seconds = divmod(round(self._left_s), 60)
            serial = self._device.serial
            cool, rest = f"waiting for {serial} to cool", f"waiting for {serial} to be at rest"
            tell(
                f"{cool if passing <= _HOT else rest} ({', '.join(sorted(passing))}), "
                f"{minutes}:{seconds:02d} at most"
            )
            clock.sleep(min(POLL_S, self._left_s))
            flags = self.read()
        if not WAITS_FOR.intersection(flags):
            self._left_s = self._limit_s
        return flags

    def read(self) -> tuple[str, ...]:
        """The flags that hold now, each once. Raises `DeviceLost`."""
        readings = self._device.conditions()
        self._flags = tuple(dict.fromkeys(flag for one in readings for flag in one.flags))
        self._read_at_s = self._device.clock.monotonic_s()
        return self._flags
