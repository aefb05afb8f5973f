"""What it costs a session that its outputs are hashed between executions.

    python benchmarks/hashing_cost.py
    python benchmarks/hashing_cost.py --lr-size 48x48 --rounds 20

Runs the Python runner's own loop on the published architecture (random weights), in rounds that
alternate with and without hashing. Prints the share of a session's time that went into hashing, and
the ratio of the medians of the two: hashing also displaces what the caches held.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from device_runner.devices.host import runner
from device_runner.launching import repeats
from models.config import preset
from models.deployment import Candidate, Deployment, parse_lr_size
from models.export import export
from models.network import MobileSR
from models.weights import Weights


class _Events(runner._Events):
    """Events of a runner, kept."""

    def __init__(self) -> None:
        self.iteration_ns: list[int] = []

    def emit(self, event: str, **fields: object) -> None:
        if event == "iterations":
            self.iteration_ns += json.loads(json.dumps(fields["ns"]))


def session(method: object, given: torch.Tensor, seconds: float) -> tuple[float, float]:
    """The median of the iterations, ms, and the share of the time that was spent hashing."""
    arguments = argparse.Namespace(min_warmup=2, max_warmup=2, min_iterations=5, min_time_s=seconds)
    events = _Events()
    begin = time.perf_counter_ns()
    fed = runner._Fed(method, given)
    fed.execute()
    runner._warm_up(arguments, fed, events)
    runner._time_iterations(arguments, fed, events, begin)
    share = fed.watch.spent_ns / (time.perf_counter_ns() - begin)
    return statistics.median(events.iteration_ns) / 1e6, share


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lr-size", default="180x320")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    height, width = parse_lr_size(options.lr_size)
    torch.manual_seed(0)
    config = preset("ntire2022")
    candidate = Candidate(config, Deployment.choose(lr_height=height, lr_width=width))
    with tempfile.TemporaryDirectory() as folder:
        weights = Weights(MobileSR(config).state_dict(), config, "seeded")
        artifact = export(candidate, weights, Path(folder))
        binding = importlib.import_module("executorch.extension.pybindings._portable_lib")
        binding._unsafe_reset_threadpool(options.threads)
        torch.set_num_threads(1)
        program = binding._load_program(str(artifact.model_path))
        method = program.load_method("forward")
        shape = artifact.manifest.inputs[0].shape
        given = torch.from_numpy(np.fromfile(artifact.check_input_path, "<f4").reshape(shape))
        ratios, shares = [], []
        for number in range(options.rounds):
            medians = {}
            for hashed in (True, False) if number % 2 else (False, True):
                share_allowed = repeats.HASHING_SHARE if hashed else 0.0
                with mock.patch.object(repeats, "HASHING_SHARE", share_allowed):
                    medians[hashed], share = session(method, given, options.seconds)
                if hashed:
                    shares.append(share)
            ratios.append(medians[True] / medians[False])
    print(
        f"LR {options.lr_size}: hashing takes {100 * statistics.median(shares):.2f} % of a session "
        f"(at most {100 * max(shares):.2f} %); median latency with it over without: "
        f"{statistics.median(ratios):.4f} ({min(ratios):.4f} to {max(ratios):.4f} in "
        f"{options.rounds} rounds)"
    )


if __name__ == "__main__":
    main()
