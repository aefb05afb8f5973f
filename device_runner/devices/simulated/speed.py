"""How long an artifact takes on a simulated phone that is cool and undisturbed."""

from __future__ import annotations

import hashlib

from device_runner.devices.simulated.spec import PhoneSpec
from foundation import ArtifactManifest

# A manifest may give the time on one thread of the fastest core itself (see `synthetic`).
GIVEN_MS = "simulated_latency_ms"
# And how strongly it reacts to heat and drift: 1 (as all others do) loses what the clocks lose.
REACTION = "simulated_reaction"
# How far MACs and bytes alone are off, up or down: models of equal cost differ by that much.
_CHARACTER = 0.15


def work_ms(spec: PhoneSpec, manifest: ArtifactManifest) -> float:
    """Time on one thread of the fastest core.

    From the manifest: compute and memory traffic (S. Williams et al., "Roofline", CACM 2009, but
    added up), times a character of the candidate's own between -15 and +15 % that follows from
    its key, for no phone ranks models by their MACs.
    """
    given = manifest.deployment.get(GIVEN_MS)
    if isinstance(given, int | float) and given > 0:
        return float(given)
    tensors = (*manifest.inputs, *manifest.outputs)
    moved = manifest.planned_memory_bytes + manifest.size_bytes
    for tensor in tensors:
        elements = 4
        for side in tensor.shape:
            elements *= side
        moved += elements
    compute_ms = manifest.macs / (spec.compute.gmacs_per_s * 1e6)
    traffic_ms = moved / (spec.compute.gbytes_per_s * 1e6)
    digest = hashlib.sha256(manifest.candidate_key.encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    character = 1.0 + _CHARACTER * (2.0 * share - 1.0)
    return spec.compute.overhead_ms + character * (compute_ms + traffic_ms)


def reaction(manifest: ArtifactManifest) -> float:
    """To what power of the device's slowdown the artifact slows down."""
    given = manifest.deployment.get(REACTION, 1.0)
    return float(given) if isinstance(given, int | float) and 0 <= given <= 2 else 1.0


def placed(spec: PhoneSpec, threads: int, cpus: tuple[int, ...]) -> list[tuple[float, float]]:
    """Speed and power of the cores that `threads` threads get: the fastest that are allowed."""
    cores = sorted(
        (
            (cluster.speed, cluster.power)
            for cluster in spec.clusters
            for cpu in cluster.cpus
            if not cpus or cpu in cpus
        ),
        reverse=True,
    )
    return cores[:threads]


def latency_ms(
    spec: PhoneSpec, manifest: ArtifactManifest, threads: int, cpus: tuple[int, ...]
) -> float:
    """Time of one iteration: cool, charged, screen on, no noise."""
    cores = placed(spec, threads, cpus)
    fastest, together = cores[0][0], sum(speed for speed, _ in cores)
    rules = spec.threads
    operators = max(1, manifest.delegated_op_count + manifest.undelegated_op_count)
    alone = work_ms(spec, manifest)
    shared = alone * (rules.serial_share / fastest + (1 - rules.serial_share) / together)
    waiting = operators * rules.sync_us / 1e3 * (threads - 1)
    # Threads beyond the cores that the system leaves alone, or beyond those that are there.
    crowd = max(0, threads - min(len(spec.big_cpus), len(cores)))
    if len(spec.clusters) == 1:
        crowd = max(0, threads - max(1, len(cores) - 1))
    return (shared + waiting) * (1.0 + rules.crowding * crowd**2)


def power_share(spec: PhoneSpec, threads: int, cpus: tuple[int, ...]) -> float:
    """Heat while it runs, as a share of that with a thread on every core but the slowest."""
    full = sum(power for _, power in placed(spec, len(spec.big_cpus), spec.big_cpus))
    return sum(power for _, power in placed(spec, threads, cpus)) / full
