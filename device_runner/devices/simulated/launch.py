"""One launch of a runner on a simulated phone: the times it would have read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from device_runner.devices.simulated.body import Body
from device_runner.devices.simulated.foreign import launch_noise
from device_runner.devices.simulated.spec import NoiseSpec
from device_runner.launching.protocol import MAX_ITERATIONS
from device_runner.launching.warmup import is_settled, may_stop
from device_runner.records import TimingPlan

# Heat and battery move slowly: within a block they stand still.
_BLOCK_S = 1.0
_MAX_BLOCK = 4096
# What stands between two iterations, ns.
_GAP_NS = 1000
# The first run packs weights, the next find caches and branch predictors half warm.
_FIRST_RUN_FACTOR = 1.8
_COLD_SHARE = 0.3
_COLD_ITERATIONS = 1.0
_LN_2 = math.log(2.0)


class OutOfTime(Exception):
    """The launch reached its limit; the clock stands there."""


@dataclass
class Timed:
    """What a launch read."""

    first_run_ms: float = 0.0
    warmup_ms: list[float] = field(default_factory=list)
    settled: bool = False
    iteration_ns: list[int] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)


class Launch:
    """A launch under way: every iteration takes time from the phone's clock."""

    def __init__(
        self,
        body: Body,
        noise: NoiseSpec,
        rng: np.random.Generator,
        *,
        cool_ms: float,
        power: float,
        bound: bool,
        limit_s: float,
        reaction: float = 1.0,
    ) -> None:
        self._body = body
        self._noise = noise
        self._rng = rng
        self._power = power
        self._reaction = reaction
        self._left_s = limit_s
        self._ran_s = 0.0
        # What this launch is off by: its memory layout, its moment, its cores.
        off = float(launch_noise(noise.launches, rng, (1,), noise.launch_sigma)[0])
        misplaced = float(rng.random()) < noise.misplaced_chance and not bound
        slow = 1.0 + noise.misplaced_share * misplaced
        self._cool_ms = cool_ms * math.exp(off) * slow

    @property
    def ran_s(self) -> float:
        """Time that the launch took so far."""
        return self._ran_s

    def spend(self, seconds: float, power: float | None = None) -> None:
        """Let time pass within the launch. Raises `OutOfTime` at its limit."""
        within = min(seconds, self._left_s)
        self._body.work(within, self._power if power is None else power)
        self._ran_s += within
        self._left_s -= within
        if seconds > within:
            raise OutOfTime

    def run(self, timing: TimingPlan | None, inputs: int) -> Timed:
        """First runs, then warm-up and timed iterations where asked. Raises `OutOfTime`."""
        timed = Timed(first_run_ms=_FIRST_RUN_FACTOR * self._typical_ms())
        self.spend(timed.first_run_ms / 1e3)
        if inputs > 1:
            self.spend((inputs - 1) * self._typical_ms() / 1e3)
        if timing is not None:
            self._warm_up(timing, timed)
            self._time(timing, timed)
        return timed

    def _typical_ms(self) -> float:
        slower = self._body.drift() / self._body.speed()
        return self._cool_ms * float(slower**self._reaction)

    def _factors(self, count: int) -> np.ndarray:
        """Factors of median 1, skewed to the right, with a spike now and then."""
        noise = self._noise
        factors: np.ndarray = np.exp(
            noise.iteration_sigma * (self._rng.exponential(1.0, count) - _LN_2)
        )
        spikes = self._rng.random(count) < noise.spike_chance
        lengths = self._rng.exponential(noise.spike_share, count)
        return factors * (1.0 + spikes * lengths)

    def _warm_up(self, timing: TimingPlan, timed: Timed) -> None:
        times = timed.warmup_ms
        while not may_stop(times, timing.min_warmup, timing.max_warmup):
            cold = 1.0 + _COLD_SHARE * math.exp(-len(times) / _COLD_ITERATIONS)
            one_ms = self._typical_ms() * cold * float(self._factors(1)[0])
            self.spend(one_ms / 1e3)
            times.append(one_ms)
        timed.settled = is_settled(times)

    def _time(self, timing: TimingPlan, timed: Timed) -> None:
        """Until count and time are both met, as the runner protocol asks."""
        at_ns = origin_ns = round(self._ran_s * 1e9)
        least_ns = timing.min_time_s * 1e9
        done = False
        while not done:
            typical_ms = self._typical_ms()
            count = min(_MAX_BLOCK, int(_BLOCK_S * 1e3 / typical_ms) + 1)
            each_ns = np.rint(1e6 * typical_ms * self._factors(count)).astype(np.int64)
            ends_ns = at_ns + np.cumsum(each_ns + _GAP_NS)
            have = len(timed.iteration_ns)
            enough = (np.arange(1, count + 1) + have >= timing.min_iterations) & (
                ends_ns - origin_ns >= least_ns
            )
            done = bool(enough.any()) or have + count >= MAX_ITERATIONS
            kept = int(enough.argmax()) + 1 if enough.any() else count
            timed.iteration_ns += each_ns[:kept].tolist()
            timed.start_ns += (ends_ns - each_ns)[:kept].tolist()
            self.spend((int(ends_ns[kept - 1]) - at_ns) / 1e9)
            at_ns = int(ends_ns[kept - 1])
