"""The state of a simulated phone over its clock: heat, battery, screen, and slow drift."""

from __future__ import annotations

import math

import numpy as np

from device_runner.conditions import Reading
from device_runner.conditions.battery import LOW_PERCENT
from device_runner.conditions.thermal import STATUS_NAMES
from device_runner.devices.simulated.clock import SimulatedClock
from device_runner.devices.simulated.spec import PhoneSpec
from device_runner.flags import Flag

_HOUR_S = 3600.0


class Body:
    """One phone. `work` lets time pass under load; what else the clock shows was spent idle."""

    def __init__(self, spec: PhoneSpec, clock: SimulatedClock, rng: np.random.Generator) -> None:
        self._spec = spec
        self._clock = clock
        self._rng = rng
        self._at_s = clock.monotonic_s()
        self._percent = spec.battery.percent
        self._drift = float(rng.normal(0.0, spec.noise.drift_sigma))
        self._drift_at_s = self._at_s
        # Nobody has looked yet: as likely slow as it is slow on the whole.
        self._slow, self._slow_at_s = 0.0, -math.inf
        self.temperature_c = spec.heat.start_c
        self.status = 0
        self._announce()

    @property
    def percent(self) -> float:
        """How full the battery is."""
        return self._percent

    @property
    def screen_on(self) -> bool:
        """Whether the screen is still lit."""
        off_after_s = self._spec.screen_off_after_s
        return off_after_s is None or self._clock.monotonic_s() < off_after_s

    def work(self, seconds: float, power: float) -> None:
        """Let so many seconds pass under a load of `power` (see `speed.power_share`)."""
        self.catch_up()
        # A core that is clocked down by a tenth saves a quarter: voltage follows frequency.
        self._pass(seconds, power * self.clock_share() ** 2.5)
        self._clock.sleep(seconds)
        self._at_s = self._clock.monotonic_s()

    def catch_up(self) -> None:
        """Account for the time that went by since, idle."""
        now = self._clock.monotonic_s()
        if now > self._at_s:
            self._pass(now - self._at_s, 0.0)
            self._at_s = now

    def _pass(self, seconds: float, power: float) -> None:
        heat, battery = self._spec.heat, self._spec.battery
        towards = heat.ambient_c + heat.rise_c * power
        left = math.exp(-seconds / heat.tau_s)
        self.temperature_c = towards + (self.temperature_c - towards) * left
        self._announce()
        drain = battery.idle_drain_per_h + (battery.drain_per_h - battery.idle_drain_per_h) * power
        per_h = (battery.charge_per_h if battery.charging else 0.0) - drain
        self._percent = min(100.0, max(1.0, self._percent + per_h * seconds / _HOUR_S))

    def _announce(self) -> None:
        """The thermal status rises at a trip point, and falls some way below it."""
        heat = self._spec.heat
        while self.status < len(heat.trips) and self.temperature_c >= heat.trips[self.status][0]:
            self.status += 1
        while (
            self.status > 0
            and self.temperature_c < heat.trips[self.status - 1][0] - heat.hysteresis_c
        ):
            self.status -= 1

    def clock_share(self) -> float:
        """The share of its clocks that heat leaves to the phone."""
        heat = self._spec.heat
        share = 1.0 - heat.loss_per_c * max(0.0, self.temperature_c - heat.soft_c)
        if self.status:
            share *= heat.trips[self.status - 1][1]
        return max(0.3, share)

    def speed(self) -> float:
        """The share of its cool, charged, undisturbed speed that it has now, drift apart."""
        share = self.clock_share()
        if self._saving:
            share *= self._spec.battery.saver_speed
        if not self.screen_on:
            share *= self._spec.screen_off_speed
        return share

    @property
    def _saving(self) -> bool:
        battery = self._spec.battery
        return self._percent < battery.saver_percent and not battery.charging

    def drift(self) -> float:
        """How much slower than on average it is for reasons unknown, as a factor.

        An Ornstein-Uhlenbeck process in the logarithm, sampled exactly (D. T. Gillespie, Phys.
        Rev. E 54, 1996).
        """
        noise, now = self._spec.noise, self._clock.monotonic_s()
        passed_s = now - self._drift_at_s
        if passed_s > 0:
            kept = math.exp(-passed_s / noise.drift_tau_s)
            fresh = noise.drift_sigma * math.sqrt(1.0 - kept**2)
            self._drift = self._drift * kept + fresh * float(self._rng.standard_normal())
            self._drift_at_s = now
        return math.exp(self._drift) * self._spell()

    def _spell(self) -> float:
        """By what factor it is slower just now, sampled exactly from its two states."""
        spells, now = self._spec.noise.spells, self._clock.monotonic_s()
        if spells is None:
            return 1.0
        if now > self._slow_at_s:
            passed_s = np.asarray(now - self._slow_at_s)
            chance = float(spells.slow_after(np.asarray(self._slow), passed_s))
            self._slow, self._slow_at_s = float(self._rng.random() < chance), now
        return spells.factor if self._slow else 1.0

    def readings(self) -> list[Reading]:
        """What the phone says of itself, in the words of a real one."""
        self.catch_up()
        return [self._thermal(), self._battery(), self._screen()]

    def _thermal(self) -> Reading:
        said = f"status {self.status} ({STATUS_NAMES[self.status]}), {self.temperature_c:.0f} °C"
        return Reading("thermal", said, (Flag.THROTTLED,) if self.status else ())

    def _battery(self) -> Reading:
        charging = "charging" if self._spec.battery.charging else "not charging"
        said = f"{self._percent:.0f} %, {charging}"
        return Reading("battery", said, (Flag.LOW_BATTERY,) if self._percent < LOW_PERCENT else ())

    def _screen(self) -> Reading:
        if self.screen_on:
            return Reading("screen", "on")
        return Reading("screen", "off", (Flag.SCREEN_OFF,))
