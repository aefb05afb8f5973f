"""What a simulated phone is made of. Every number is an assumption; `presets` says whence."""

from __future__ import annotations

from dataclasses import dataclass

from device_runner.devices.simulated.foreign import Launches, SlowSpells


@dataclass(frozen=True)
class ClusterSpec:
    """Cores of one kind; `speed` and `power` are shares of the fastest core's."""

    cpus: tuple[int, ...]
    speed: float
    power: float
    max_mhz: float


@dataclass(frozen=True)
class ComputeSpec:
    """The fastest core, alone and cool: what it computes, moves, and needs in any case."""

    gmacs_per_s: float
    gbytes_per_s: float
    overhead_ms: float


@dataclass(frozen=True)
class ThreadSpec:
    """What more threads cost.

    `serial_share` of the work is done by one core whatever there is; every operator waits
    `sync_us` for each thread beside the first; a thread on a core that the system needs for
    itself holds up all others, which costs `crowding` times the square of the number of such.
    """

    serial_share: float
    sync_us: float
    crowding: float


@dataclass(frozen=True)
class HeatSpec:
    """One thermal mass: its temperature nears `ambient_c + rise_c * power` with `tau_s`.

    From `soft_c` on the clocks go down by `loss_per_c` a degree, unannounced. Each of `trips` is
    a temperature at which the announced status rises by one, and the speed that is left then.
    """

    ambient_c: float
    start_c: float
    rise_c: float
    tau_s: float
    soft_c: float
    loss_per_c: float
    trips: tuple[tuple[float, float], ...]
    hysteresis_c: float = 1.5


@dataclass(frozen=True)
class NoiseSpec:
    """Everything random, as standard deviations of the logarithm, but for the chances.

    Iterations: right-skewed by `iteration_sigma` around their median, and one in `1 /
    spike_chance` is longer by `spike_share` on average. A launch as a whole is off by
    `launch_sigma`, and, where it is not bound to cores, with `misplaced_chance` slow by
    `misplaced_share`. The device itself drifts by `drift_sigma` with a memory of `drift_tau_s`.
    `launches` is the shape of what a launch is off by (`foreign.Launches`). `spells` are stretches
    in which the whole device is slower.
    """

    iteration_sigma: float
    spike_chance: float
    spike_share: float
    launch_sigma: float
    misplaced_chance: float
    misplaced_share: float
    drift_sigma: float
    drift_tau_s: float
    launches: Launches = Launches.NORMAL
    spells: SlowSpells | None = None


@dataclass(frozen=True)
class BatterySpec:
    """Percent at the start and percent an hour; below `saver_percent` the phone saves."""

    percent: float
    charging: bool
    drain_per_h: float = 25.0
    idle_drain_per_h: float = 2.0
    charge_per_h: float = 40.0
    saver_percent: float = 15.0
    saver_speed: float = 0.75


@dataclass(frozen=True)
class PhoneSpec:
    """One kind of phone. `screen_off_after_s` is None for a screen that stays on."""

    name: str
    model: str
    soc: str
    ram_mb: int
    clusters: tuple[ClusterSpec, ...]
    compute: ComputeSpec
    threads: ThreadSpec
    heat: HeatSpec
    noise: NoiseSpec
    battery: BatterySpec
    screen_off_after_s: float | None = None
    screen_off_speed: float = 0.6
    # The chance that the device is lost at a launch.
    loss_rate: float = 0.0

    @property
    def cores(self) -> int:
        """All cores."""
        return sum(len(cluster.cpus) for cluster in self.clusters)

    @property
    def big_cpus(self) -> tuple[int, ...]:
        """Every core but those of the slowest kind; all, where there is one kind only."""
        chosen = sorted(self.clusters, key=lambda one: one.speed)[1:] or self.clusters
        return tuple(sorted(cpu for cluster in chosen for cpu in cluster.cpus))
