"""What this host adds to a candidate on a phone, beyond the time in which the runner runs.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --candidates 20 --sessions 5

Starts a device of the tests' lab (a real adbd, on this machine; needs what those tests need) and
takes one artifact through a candidate's life, again and again: push (nothing, for it is there),
verify, time it in sessions, run images for quality and fetch them. The first candidate, which does
push, is not counted. All are done under one lease, as in `search`; with `--lease-each` every
candidate claims the device anew, which has it tidied and all files on it hashed again.

A runner's time is the life of its process, as the device's own shell clocks it. Everything else
counts as overhead, waiting included; it is given by step, each without the steps inside it.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "lab"))

from lab_bundles import StandInBundle
from lab_device import LabDevice
from lab_server import LabServer

import device_runner.device
import device_runner.devices.adb.device
import device_runner.devices.adb.launch
from device_runner import MeasurePlan, infer, measure
from device_runner.bundles import build
from device_runner.conditions import Conditions
from device_runner.devices.adb.bundle import BundleFile
from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.storage import Storage
from device_runner.devices.lease import LOCK_DIR_VARIABLE
from foundation import Artifact
from foundation.console import err, quiet_libraries
from models.config import preset
from models.deployment import Candidate, Deployment, parse_lr_size
from models.export import export
from models.network import MobileSR
from models.weights import Weights

TIMES = "data/local/tmp/runner-times"
# The shell's own clock: not even a process is started to read it.
CLOCKED = f"""#!/system/bin/sh
begin=$EPOCHREALTIME
"$@"
code=$?
echo "$begin $EPOCHREALTIME" >> /{TIMES}
exit $code
"""


class Stopwatch:
    """Seconds by step, each without what the steps inside it took."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside = [0.0]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block."""
        begin = time.perf_counter()
        self._inside.append(0.0)
        try:
            yield
        finally:
            whole = time.perf_counter() - begin
            self.seconds[name] += whole - self._inside.pop()
            self._inside[-1] += whole

    def watch(self, owner: Any, attribute: str, name: str) -> None:
        """Time every call of a function from here on."""
        function = getattr(owner, attribute)

        @functools.wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.step(name):
                return function(*arguments, **options)

        setattr(owner, attribute, timed)


def watch_all(watch: Stopwatch) -> None:
    """The steps of a candidate on an adb device."""
    for method in ("read", "set", "restore"):
        watch.watch(Conditions, method, "conditions")
    for module in (device_runner.device, device_runner.devices.adb.device):
        watch.watch(module, "sha256_of", "hashing")
    for method in ("ensure_blobs", "ensure_bundle"):
        watch.watch(Storage, method, "push check")
    watch.watch(device_runner.devices.adb.launch._Watch, "__init__", "launch")
    watch.watch(device_runner.devices.adb.launch._Watch, "wait", "poll")
    watch.watch(Connection, "pull", "pull")
    watch.watch(AdbDevice, "_tidy", "tidy")
    watch.watch(AdbDevice, "_ready", "lease")
    watch.watch(AdbDevice, "_answers", "lease")
    watch.watch(AdbDevice, "run", "arguments, parsing")


@dataclass(frozen=True)
class ClockedBundle:
    """A `RunnerBundle` whose files were hashed once, as those of the store are."""

    folder: Path
    abi: str
    key: str
    runtime: str
    files: tuple[BundleFile, ...]
    start: tuple[str, ...]


def clocked_bundle(folder: Path) -> ClockedBundle:
    """The native runner, started by a shell that notes when it began and ended."""
    bundle = build("x86_64")
    shutil.copytree(bundle.folder, folder)
    program = folder / "clocked"
    program.write_text(CLOCKED)
    program.chmod(0o755)
    start = ("./clocked", *bundle.manifest.command)
    slow = StandInBundle(folder, "x86_64", "executorch", start)
    return ClockedBundle(folder, slow.abi, slow.key, slow.runtime, slow.files, start)


def runner_seconds(phone: LabDevice) -> list[float]:
    """How long each launch lived so far."""
    lines = (phone.home / TIMES).read_text().splitlines()
    return [float(end) - float(begin) for begin, end in (line.split() for line in lines)]


def bytes_pushed(device: AdbDevice) -> int:
    """All that was sent so far."""
    totals = device.pushed
    return totals.runner_bytes + totals.models_bytes + totals.inputs_bytes


@dataclass(frozen=True)
class Work:
    """What is done with each candidate."""

    artifact: Artifact
    images: list[np.ndarray]
    plan: MeasurePlan


def one_candidate(device: AdbDevice, work: Work) -> float:
    """A candidate's life, in a lease that may be held already; returns its latency in ms."""
    with device.lease():
        device.push(work.artifact)
        measurement = measure(device, work.artifact, work.plan)
        infer(device, work.artifact, work.images, threads=work.plan.threads, timeout_s=300)
    return measurement.estimate.latency_ms


def many(phone: LabDevice, device: AdbDevice, work: Work, candidates: int) -> dict[str, object]:
    """Candidates one after the other; medians over them."""
    watch = Stopwatch()
    watch_all(watch)
    one_candidate(device, work)
    rows: list[dict[str, float]] = []
    latencies = []
    pushed = bytes_pushed(device)
    for number in range(candidates):
        watch.seconds.clear()
        launches = len(runner_seconds(phone))
        begin = time.perf_counter()
        latencies.append(one_candidate(device, work))
        whole = time.perf_counter() - begin
        lives = runner_seconds(phone)[launches:]
        row = defaultdict(float, watch.seconds)
        row["rest (tensors, statistics)"] = whole - sum(row.values())
        row["poll"] -= sum(lives)
        row["overhead"] = whole - sum(lives)
        row["runner"], row["launches"] = sum(lives), len(lives)
        rows.append(row)
        err.print(f"candidate {number + 1} of {candidates}: {1e3 * row['overhead']:.0f} ms beside")
    medians = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    overheads = [row["overhead"] for row in rows]
    special = ("overhead", "runner", "launches")
    return {
        "candidates": candidates,
        "sessions": work.plan.sessions,
        "images": len(work.images),
        "launches_a_candidate": medians["launches"],
        "latency_ms": round(statistics.median(latencies), 1),
        "runner_s": round(medians["runner"], 3),
        "overhead_s": round(medians["overhead"], 3),
        "overhead_s_lowest_and_highest": [round(min(overheads), 3), round(max(overheads), 3)],
        "overhead_ms_by_step": {
            name: round(1e3 * seconds, 1)
            for name, seconds in sorted(medians.items(), key=lambda item: -item[1])
            if name not in special
        },
        "bytes_pushed": bytes_pushed(device) - pushed,
    }


def make_work(store: Path, arguments: argparse.Namespace) -> Work:
    """The model, with seeded weights: neither its time nor ours depends on their values."""
    torch.manual_seed(0)
    config = preset(arguments.preset)
    height, width = parse_lr_size(arguments.lr_size)
    deployment = Deployment.choose(lr_height=height, lr_width=width)
    err.print("exporting the model ...")
    weights = Weights(MobileSR(config).state_dict(), config, "seeded")
    artifact = export(Candidate(config, deployment), weights, store)
    rng = np.random.default_rng(0)
    shape = artifact.manifest.inputs[0].shape
    images = [rng.random(shape, np.float32) for _ in range(arguments.images)]
    return Work(
        artifact, images, MeasurePlan(sessions=arguments.sessions, threads=arguments.threads)
    )


def main() -> None:
    """Parse the command line, start a device, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="ntire2022")
    parser.add_argument("--lr-size", default="72x72")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--images", type=int, default=5, help="tiles of the LR size")
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--lease-each", action="store_true", help="claim it for each candidate")
    arguments = parser.parse_args()
    quiet_libraries()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        work = make_work(home / "artifacts", arguments)
        bundle = clocked_bundle(home / "bundle")
        server, phone = LabServer(home), LabDevice(home / "phone")
        try:
            server.start()
            phone.start()
            os.environ.update(
                {
                    **server.environment,
                    LOCK_DIR_VARIABLE: str(home / "locks"),
                    "XDG_STATE_HOME": str(home / "state"),
                }
            )
            with AdbDevice(phone.serial, bundles=lambda abi: bundle) as device:
                once = contextlib.nullcontext() if arguments.lease_each else device.lease()
                with once:
                    result = many(phone, device, work, arguments.candidates)
        finally:
            phone.kill()
            server.stop()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
