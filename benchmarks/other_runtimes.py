"""The same network in eager PyTorch and in ONNX Runtime: one process a session, as the runner's."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

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


def time_elsewhere(name: str, config_key: str, size: tuple[int, int], threads: int) -> Timed:
    """One session in a process of its own."""
    words = [sys.executable, __file__, name, config_key, *map(str, size), str(threads)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-500:]}")
    return Timed(**json.loads(done.stdout.splitlines()[-1]))


def _prepare(
    name: str, config_key: str, size: tuple[int, int], threads: int
) -> Callable[[], object]:
    import torch

    from models.config import MobileSRConfig
    from models.network import MobileSR

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = MobileSR(MobileSRConfig.from_key(config_key)).eval()
    image = torch.rand(1, 3, *size)
    if name == "eager PyTorch":

        def run() -> object:
            with torch.inference_mode():
                return model(image)

        return run
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        torch.onnx.export(model, (image,), str(path), dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(path), options)
    return lambda: session.run(None, {session.get_inputs()[0].name: image.numpy()})


def main() -> None:
    """Run one session; print what it took as the last line."""
    name, key, height, width, threads = sys.argv[1:]
    run = _prepare(name, key, (int(height), int(width)), int(threads))
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
