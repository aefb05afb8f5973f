"""Simulated phones that can be asked for by name.

Where the numbers come from (none was fitted to any method of this tool):

* Threads of `pixel`: one model on a Pixel 6 took 9.8 ms with 1 thread, 6.7 with 4 and 79 with 8
  (pytorch/executorch #5811). `ThreadSpec` meets the three for a model of 60 operators.
* Heat: a table of a Snapdragon 8 Gen 3 under constant load (mvpfactory.io, "Thermal throttling
  and sustained on-device LLM inference on Android CPU"): big cores at 3.3 GHz at 38 degrees, 2.8
  at 44 (5 min), 2.2 at 51 (10 min), 1.8 at 55 (15 min), 56 at 30 min; hence 2.7 % a degree from
  38 on and a time constant of about 400 s. Where Android announces a status is our assumption:
  from 43 degrees on, so that up to a seventh of the speed goes unannounced.
* Between launches: 1.7 %, as the sessions of one candidate differed in this project's first search
  on an idle host (12 candidates, 3 sessions each: 1.75 %). On top comes a slow drift of 1.5 %
  with a memory of ten minutes, an assumption. ExecuTorch's own nightly runs on phones vary by
  2.4 % (called good) to 27 % (poor) from run to run (pytorch/executorch #10982).
* Within a launch: the 1,996 iterations of that same search. Their logarithms about their
  session's median: 5 % -0.051, 25 % -0.024, 75 % +0.025, 90 % +0.063, 95 % +0.113, 99 % +0.301;
  2.1 % were longer by a quarter or more, by 39 % on average.
* A launch that gets slow cores (3 %, by 10 %) is an assumption, and so is the battery saver.
"""

from __future__ import annotations

from dataclasses import replace

from device_runner.devices.simulated.spec import (
    BatterySpec,
    ClusterSpec,
    ComputeSpec,
    HeatSpec,
    NoiseSpec,
    PhoneSpec,
    ThreadSpec,
)

_NOISE = NoiseSpec(
    iteration_sigma=0.04,
    spike_chance=0.02,
    spike_share=0.4,
    launch_sigma=0.017,
    misplaced_chance=0.03,
    misplaced_share=0.10,
    drift_sigma=0.015,
    drift_tau_s=600.0,
)
_TRIPS = ((43.0, 0.95), (47.0, 0.90), (51.0, 0.85), (55.0, 0.75), (60.0, 0.60))

_PIXEL = PhoneSpec(
    name="pixel",
    model="simulated Pixel",
    soc="simulated 2+2+4 cores",
    ram_mb=8192,
    clusters=(
        ClusterSpec(cpus=(0, 1, 2, 3), speed=0.2, power=0.08, max_mhz=1803.0),
        ClusterSpec(cpus=(4, 5), speed=0.6, power=0.4, max_mhz=2253.0),
        ClusterSpec(cpus=(6, 7), speed=1.0, power=1.0, max_mhz=2802.0),
    ),
    compute=ComputeSpec(gmacs_per_s=20.0, gbytes_per_s=10.0, overhead_ms=0.3),
    threads=ThreadSpec(serial_share=0.05, sync_us=18.3, crowding=0.41),
    heat=HeatSpec(
        ambient_c=26.0,
        start_c=30.0,
        rise_c=30.0,
        tau_s=400.0,
        soft_c=38.0,
        loss_per_c=0.027,
        trips=_TRIPS,
    ),
    noise=_NOISE,
    battery=BatterySpec(percent=80.0, charging=True),
)

_MIDRANGE = replace(
    _PIXEL,
    name="midrange",
    model="simulated midrange phone",
    soc="simulated 2+6 cores",
    ram_mb=6144,
    clusters=(
        ClusterSpec(cpus=(0, 1, 2, 3, 4, 5), speed=0.35, power=0.12, max_mhz=2000.0),
        ClusterSpec(cpus=(6, 7), speed=1.0, power=1.0, max_mhz=2400.0),
    ),
    compute=ComputeSpec(gmacs_per_s=11.0, gbytes_per_s=6.0, overhead_ms=0.5),
    # A slower chip in as large a case: it warms up, but hardly ever throttles.
    heat=replace(_PIXEL.heat, rise_c=16.0),
)

_WATCH = replace(
    _PIXEL,
    name="watch",
    model="simulated watch on its charger",
    soc="simulated 4 cores",
    ram_mb=2048,
    clusters=(ClusterSpec(cpus=(0, 1, 2, 3), speed=1.0, power=0.7, max_mhz=1700.0),),
    compute=ComputeSpec(gmacs_per_s=4.0, gbytes_per_s=3.0, overhead_ms=0.8),
    # Warmer at rest than its first trip point: it never cools, whatever one waits for.
    heat=replace(_PIXEL.heat, ambient_c=45.0, start_c=45.0, rise_c=8.0, tau_s=900.0),
)

PRESETS: dict[str, PhoneSpec] = {one.name: one for one in (_PIXEL, _MIDRANGE, _WATCH)}
