"""One network made in several ways, timed side by side on this host.

    python benchmarks/graphs.py
    python benchmarks/graphs.py --preset article --lr-size 90x160 --threads 1 --rounds 15
    python benchmarks/graphs.py --key n8_h8_r1_w4_x4_p1 n32_h8_r2.2.2_w8_x4_p1 --lr-size 64x64
    python benchmarks/graphs.py --exports 20

`as written` is the network as published, `deploy` its rewritten graph (both by ExecuTorch's
partitioner), `direct` our own XNNPACK graph; eager PyTorch and ONNX Runtime stand beside them
where they are installed. All hold the same weights (seeded: neither time nor memory depends on
their values). Each round launches one process of each, in alternating order, so that drift of the
machine meets all alike; ratios are taken round by round. A line of JSON tells of each config and
size what was exported, and another of each number of threads how fast it was, as soon as it is
known. With `--store` what was exported stays there, and is taken from there the next time:
`--rounds 0` exports only. `--exports` tells instead what CPU time an export by `direct` takes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from other_runtimes import OTHERS, Network, Timed, installed, time_elsewhere

from device_runner import HostDevice, Outcome, RunRequest, TimingPlan, verify
from foundation import Artifact
from foundation.console import err, quiet_libraries
from models.config import MobileSRConfig, preset
from models.deployment import Candidate, Deployment, parse_lr_size
from models.export import export
from models.lowering.direct.lowering import lower_directly
from models.network import MobileSR
from models.weights import Weights, build_model
from search.space import SearchSpace

WAYS: dict[str, dict[str, Any]] = {
    "as written": {"graph": "reference"},
    "deploy": {"lowering": "standard"},
    "direct": {"lowering": "direct"},
}
TIMING = TimingPlan(min_warmup=1, max_warmup=3, min_iterations=3, min_time_s=0.7)
EXPORT_SIDE = 64
Session = Callable[[], Timed]


@dataclass(frozen=True)
class Made:
    """An artifact, and the CPU time it took; None where it was there already."""

    artifact: Artifact
    cpu_s: float | None


def seeded(config: MobileSRConfig) -> Weights:
    """Random weights, the same every time."""
    torch.manual_seed(0)
    return Weights(dict(MobileSR(config).state_dict()), config, "seeded")


def make(config: MobileSRConfig, deployment: Deployment, store: Path) -> Made:
    """Export into `store`, or take what is there."""
    known = set(store.iterdir()) if store.is_dir() else set()
    weights, started_s = seeded(config), _cpu_s()
    artifact = export(Candidate(config, deployment), weights, store)
    cpu_s = _cpu_s() - started_s
    return Made(artifact, None if artifact.folder in known else cpu_s)


def _cpu_s() -> float:
    """CPU seconds of this process and of those it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def lowering_cpu_s(config: MobileSRConfig, deployment: Deployment) -> float:
    """CPU seconds of the direct lowering alone, without loading, running and comparing."""
    model = build_model(config, seeded(config))
    started_s = _cpu_s()
    lower_directly(model, deployment).serialise()
    return _cpu_s() - started_s


def run_artifact(device: HostDevice, artifact: Artifact, threads: int) -> Timed:
    """One launch of the runner."""
    report = device.run(
        RunRequest(
            artifact, (artifact.check_input_path,), threads=threads, timing=TIMING, timeout_s=600
        )
    )
    session = report.session
    if report.outcome is not Outcome.OK or session is None:
        raise SystemExit(report.message)
    return Timed(session.median_ms, session.first_run_ms, session.peak_memory_mb)


def interleave(sessions: dict[str, Session], rounds: int) -> dict[str, list[Timed]]:
    """Every session once a round, in alternating order."""
    found: dict[str, list[Timed]] = {name: [] for name in sessions}
    for number in range(rounds):
        for name in sessions if number % 2 == 0 else reversed(sessions):
            found[name].append(sessions[name]())
        line = ", ".join(f"{name} {of[-1].latency_ms:.1f}" for name, of in found.items())
        err.print(
            f"round {number + 1}/{rounds}: {line} ms", markup=False, highlight=False, soft_wrap=True
        )
    return found


def summary(found: dict[str, list[Timed]], name: str) -> dict[str, Any]:
    """Of one way: its own figures, and how it stands to the others, medians over the rounds."""
    mine = found[name]
    ratios = {
        other: [theirs.latency_ms / own.latency_ms for own, theirs in zip(mine, of, strict=True)]
        for other, of in found.items()
        if other != name
    }
    return {
        "latency_ms": _spread([one.latency_ms for one in mine]),
        "first_run_ms": _spread([one.first_run_ms for one in mine]),
        "peak_memory_mb": _spread([one.peak_memory_mb for one in mine]),
        "times_as_fast_as": {other: _spread(of) for other, of in ratios.items()},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


@dataclass(frozen=True)
class Prepared:
    """A config at one LR size, made in each way, and what is known of that before it is timed."""

    config: MobileSRConfig
    size: tuple[int, int]
    made: dict[str, Made]
    facts: dict[str, dict[str, Any]]

    @property
    def what(self) -> dict[str, Any]:
        return {"config": self.config.key, "lr_size": list(self.size)}


def prepare(
    config: MobileSRConfig, size: tuple[int, int], device: HostDevice, store: Path
) -> Prepared:
    """Made in each way, and compared with eager PyTorch."""
    deployments = {
        name: Deployment.choose(lr_height=size[0], lr_width=size[1], **fields)
        for name, fields in WAYS.items()
    }
    made = {name: make(config, deployment, store) for name, deployment in deployments.items()}
    with tempfile.TemporaryDirectory() as folder:
        # The shell around the graph is there now: what every later export takes.
        again_s = make(config, deployments["direct"], Path(folder)).cpu_s
    facts: dict[str, dict[str, Any]] = {
        name: {
            "export_cpu_s": one.cpu_s if one.cpu_s is None else round(one.cpu_s, 3),
            "max_abs_error": verify(device, one.artifact, threads=2, timeout_s=600).max_abs_error,
            "delegates": one.artifact.manifest.delegates,
            "undelegated_ops": one.artifact.manifest.undelegated_op_count,
        }
        for name, one in made.items()
    }
    assert again_s is not None
    facts["direct"] |= {
        "export_warm_cpu_s": round(again_s, 3),
        "lowering_cpu_s": round(lowering_cpu_s(config, deployments["direct"]), 3),
    }
    return Prepared(config, size, made, facts)


def compare(
    prepared: Prepared, device: HostDevice, threads: Sequence[int], rounds: int,
    others: Sequence[str],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """One row for each number of threads; `others` stand beside our own ways."""
    for count in threads:
        sessions: dict[str, Session] = {
            name: partial(run_artifact, device, one.artifact, count)
            for name, one in prepared.made.items()
        }
        with tempfile.TemporaryDirectory() as folder:
            for name in others:
                network = Network(name, prepared.config.key, prepared.size, Path(folder))
                sessions[name] = partial(time_elsewhere, network, count)
            found = interleave(sessions, rounds)
        ways = {name: summary(found, name) for name in found}
        yield prepared.what | {"threads": count, "rounds": rounds, "ways": ways}


def export_times(count: int) -> dict[str, Any]:
    """CPU seconds of exports by `direct`, one after the other, of configs of the default space.

    The first makes what surrounds the graph, and is told apart. Loading, running and comparing
    the program are part of each.
    """
    rng, space = random.Random(0), SearchSpace()
    configs: list[MobileSRConfig] = []
    while len(configs) < count + 1:
        config = space.sample(rng)
        if config not in configs:
            configs.append(config)
    deployment = Deployment.choose(lr_height=EXPORT_SIDE, lr_width=EXPORT_SIDE, lowering="direct")
    with tempfile.TemporaryDirectory() as folder:
        made = [make(config, deployment, Path(folder)).cpu_s for config in configs]
    first, *later = [cpu_s for cpu_s in made if cpu_s is not None]
    lowered = [lowering_cpu_s(config, deployment) for config in configs[1:]]
    return {
        "configs": count,
        "first_cpu_s": round(first, 3),
        "later_cpu_s": _spread(later),
        "lowering_alone_cpu_s": _spread(lowered),
    }


def table(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each config and size, then one for each number of threads."""
    configs = [MobileSRConfig.from_key(key) for key in arguments.key]
    configs = configs or [preset(arguments.preset)]
    others = [] if arguments.ours else [name for name in OTHERS if installed(name)]
    with tempfile.TemporaryDirectory() as folder, HostDevice() as device, device.lease(600):
        for config in configs:
            for size in map(parse_lr_size, arguments.lr_size):
                prepared = prepare(config, size, device, arguments.store or Path(folder))
                yield prepared.what | {"exports": prepared.facts}
                if arguments.rounds:
                    yield from compare(
                        prepared, device, arguments.threads, arguments.rounds, others
                    )


def main() -> None:
    """Parse the command line, compare, print lines of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="ntire2022")
    parser.add_argument(
        "--key", nargs="+", default=[], help="configs by their keys, instead of a preset"
    )
    parser.add_argument("--lr-size", nargs="+", default=["180x320"])
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--rounds", type=int, default=10, help="0 exports only")
    parser.add_argument("--store", type=Path, help="folder that keeps what was exported")
    parser.add_argument("--ours", action="store_true", help="leave other runtimes out")
    parser.add_argument("--exports", type=int, help="only time this many exports by direct")
    arguments = parser.parse_args()
    quiet_libraries()
    # As in the process in which a search exports; what is timed runs in processes of its own.
    torch.set_num_threads(1)
    if arguments.exports:
        print(json.dumps(export_times(arguments.exports), indent=2))
        return
    for row in table(arguments):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
