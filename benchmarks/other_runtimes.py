"""The same network in eager PyTorch and in ONNX Runtime: one process a session, as the runner's."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

OTHERS = {"eager PyTorch": ("torch",), "ONNX Runtime": ("onnxruntime", "onnx", "onnxscript")}
_ITERATIONS = 3


@dataclass(frozen=True)
class Timed:
    """One session: steady latency, first run, and what the model added to the process's peak."""

    latency_ms: float
    first_run_ms: float
    peak_memory_mb: float


def installed(name: str) -> bool:
    """Whether the packages that this way needs are there."""
    return all(importlib.util.find_spec(package) for package in OTHERS[name])


@dataclass(frozen=True)
class Network:
    """What is to be timed, and how; `folder` is for what can be used again in the next session."""

    runtime: str
    config_key: str
    size: tuple[int, int]
    folder: Path

    @property
    def onnx_path(self) -> Path:
        return self.folder / f"{self.config_key}_{self.size[0]}x{self.size[1]}.onnx"


def time_elsewhere(network: Network, threads: int) -> Timed:
    """One session in a process of its own; the network's ONNX file is made in another, once."""
    if network.runtime == "ONNX Runtime" and not network.onnx_path.exists():
        _in_process(network, 0)
    return Timed(**json.loads(_in_process(network, threads).splitlines()[-1]))


def _in_process(network: Network, threads: int) -> str:
    words = [
        network.runtime, network.config_key, *map(str, network.size), str(network.folder),
        str(threads),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, __file__, *words],
        capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "OMP_NUM_THREADS": str(max(1, threads))},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{network.runtime}: {done.stderr[-500:]}")
    return done.stdout


def _eager(network: Network) -> Any:
    """The network as written with seeded weights, and an input for it."""
    import torch

    from models.config import MobileSRConfig
    from models.network import MobileSR

    torch.manual_seed(0)
    model = MobileSR(MobileSRConfig.from_key(network.config_key)).eval()
    return model, torch.rand(1, 3, *network.size)


def _write_onnx(network: Network) -> None:
    import torch

    model, image = _eager(network)
    torch.onnx.export(model, (image,), str(network.onnx_path), dynamo=True, verbose=False)


def _prepare(network: Network, threads: int) -> Callable[[], object]:
    if network.runtime == "eager PyTorch":
        import torch

        torch.set_num_threads(threads)
        model, picture = _eager(network)

        def run() -> object:
            with torch.inference_mode():
                return model(picture)

        return run
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(network.onnx_path), options)
    image = numpy.random.default_rng(0).random((1, 3, *network.size), dtype=numpy.float32)
    return lambda: session.run(None, {session.get_inputs()[0].name: image})


def main() -> None:
    """Run one session and print what it took as the last line; 0 threads: write the ONNX file."""
    runtime, key, height, width, folder, threads = sys.argv[1:]
    network = Network(runtime, key, (int(height), int(width)), Path(folder))
    if threads == "0":
        _write_onnx(network)
        return
    run = _prepare(network, int(threads))
    process = psutil.Process()
    before = process.memory_info().rss
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    times_ms = []
    for _ in range(2 + _ITERATIONS):
        started_s = time.perf_counter()
        run()
        times_ms.append((time.perf_counter() - started_s) * 1e3)
    status = Path("/proc/self/status").read_text()
    peak_kb = int(next(line for line in status.splitlines() if "VmHWM" in line).split()[1])
    timed = Timed(
        statistics.median(times_ms[2:]), times_ms[0], max(0.0, peak_kb / 1024 - before / 2**20)
    )
    print(json.dumps(asdict(timed)))


if __name__ == "__main__":
    main()
