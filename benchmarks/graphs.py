"""Latency and peak memory of the `deploy` graph against the `reference` graph, side by side.

    python benchmarks/graphs.py
    python benchmarks/graphs.py --preset article --lr-size 90x160 --rounds 5

Both graphs hold the same weights (seeded: neither time nor memory depends on their values). Each
round launches one session of each, in turn and in alternating order, so that drift of the machine
meets both alike; the ratios are taken round by round and their median is quoted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import torch

from device_runner import HostDevice, Outcome, RunRequest, SessionRecord, TimingPlan, verify
from foundation import Artifact
from foundation.console import err, quiet_libraries
from models.config import preset
from models.deployment import Candidate, Deployment, parse_lr_size
from models.export import export
from models.network import MobileSR
from models.weights import Weights

GRAPHS = ("deploy", "reference")
TIMING = TimingPlan(min_warmup=2, max_warmup=10, min_iterations=5, min_time_s=2.0)


def export_both(preset_name: str, lr_size: str, store: Path) -> dict[str, Artifact]:
    """The same network, exported as both graphs."""
    torch.manual_seed(0)
    config = preset(preset_name)
    weights = Weights(MobileSR(config).state_dict(), config, "seeded")
    height, width = parse_lr_size(lr_size)
    artifacts = {}
    for graph in GRAPHS:
        err.print(f"exporting {graph} ...")
        deployment = Deployment.build(lr_height=height, lr_width=width, graph=graph)
        artifacts[graph] = export(Candidate(config, deployment), weights, store)
    return artifacts


def session(device: HostDevice, artifact: Artifact, threads: int) -> SessionRecord:
    """One launch of the runner."""
    report = device.run(
        RunRequest(
            artifact, (artifact.check_input_path,), threads=threads, timing=TIMING, timeout_s=600
        )
    )
    if report.outcome is not Outcome.OK or report.session is None:
        raise SystemExit(report.message)
    return report.session


def compare(artifacts: dict[str, Artifact], threads: int, rounds: int) -> dict[str, object]:
    """Interleaved rounds; latency as reference / deploy, memory as deploy / reference."""
    sessions: dict[str, list[SessionRecord]] = {graph: [] for graph in GRAPHS}
    with HostDevice() as device, device.lease(wait_s=600):
        errors = {
            graph: verify(device, artifact, threads=threads, timeout_s=600).max_abs_error
            for graph, artifact in artifacts.items()
        }
        for number in range(rounds):
            for graph in GRAPHS if number % 2 == 0 else reversed(GRAPHS):
                sessions[graph].append(session(device, artifacts[graph], threads))
            pair = [sessions[graph][-1].median_ms for graph in GRAPHS]
            err.print(f"round {number + 1}/{rounds}: {pair[0]:.0f} ms against {pair[1]:.0f} ms")
    pairs = list(zip(sessions["deploy"], sessions["reference"], strict=True))
    return {
        "rounds": rounds,
        "threads": threads,
        **{
            graph: {
                "latency_ms": statistics.median(s.median_ms for s in of_graph),
                "first_run_ms": statistics.median(s.first_run_ms for s in of_graph),
                "peak_memory_mb": statistics.median(s.peak_memory_mb for s in of_graph),
                "max_abs_error": errors[graph],
                "delegates": artifacts[graph].manifest.delegates,
                "undelegated_ops": artifacts[graph].manifest.undelegated_op_count,
            }
            for graph, of_graph in sessions.items()
        },
        "times_faster": [round(b.median_ms / a.median_ms, 3) for a, b in pairs],
        "times_faster_median": statistics.median(b.median_ms / a.median_ms for a, b in pairs),
        "memory_share_median": statistics.median(
            a.peak_memory_mb / b.peak_memory_mb for a, b in pairs
        ),
    }


def main() -> None:
    """Parse the command line, compare, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="ntire2022")
    parser.add_argument("--lr-size", default="180x320")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    quiet_libraries()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = export_both(arguments.preset, arguments.lr_size, Path(folder))
        print(json.dumps(compare(artifacts, arguments.threads, arguments.rounds), indent=2))


if __name__ == "__main__":
    main()
