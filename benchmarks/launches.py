"""Whether a launch on a phone ever loses its answer, or is told as something else than it was.

    python benchmarks/launches.py --old
    python benchmarks/launches.py --good 200 --failing 0

Starts a device of the tests' lab (a real adbd, on this machine; needs what those tests need), with
the shell and tools of Android 8 (`--old`) or today's, and launches a stand-in runner, a script:
runs that end well, and runs that crash, are killed, or say that memory ran out. Each must be told
as what it was, and leave no process behind. Ends with 1 if any was not.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "lab"))

from lab_artifacts import script_artifact
from lab_bundles import script_bundle
from lab_device import LabDevice
from lab_server import LabServer

from device_runner import Outcome, RunRequest, TimingPlan
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.lease import LOCK_DIR_VARIABLE
from foundation import Artifact, MobileSRTuneError
from foundation.console import err

# What the stand-in does, and what has to be told of it.
FAILURES = {
    "crash at load": Outcome.CRASHED,
    "crash at timing": Outcome.CRASHED,
    "die at run": Outcome.OUT_OF_MEMORY,
    "starve at load": Outcome.OUT_OF_MEMORY,
}
_TIMING = TimingPlan(min_warmup=1, max_warmup=1, min_iterations=1, min_time_s=0.0)


@dataclass(frozen=True)
class Run:
    """What was launched, and what has to come of it."""

    deed: str
    expected: Outcome
    artifact: Artifact


def tell(device: AdbDevice, run: Run) -> str:
    """Launch once; what was told of it."""
    request = RunRequest(
        artifact=run.artifact,
        inputs=(run.artifact.check_input_path,),
        timing=_TIMING,
        timeout_s=60.0,
    )
    try:
        report = device.run(request)
    except MobileSRTuneError as error:
        return f"{type(error).__name__}: {str(error)[:120]}"
    if report.outcome is Outcome.OK and report.session is None:
        return "ok without a session"
    return report.outcome.value


def main() -> None:
    """Launch all of them and print what was told, against what happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--good", type=int, default=500)
    parser.add_argument("--failing", type=int, default=200)
    parser.add_argument("--old", action="store_true", help="with Android 8's shell and tools")
    options = parser.parse_args()
    told: Counter[tuple[str, str, bool]] = Counter()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ[LOCK_DIR_VARIABLE] = str(folder / "locks")
        server = LabServer(folder)
        phone = LabDevice(folder / "phone", old=options.old)
        server.start()
        stack.callback(server.stop)
        os.environ.update(server.environment)
        phone.start()
        stack.callback(phone.kill)
        bundle = script_bundle(folder / "bundle")
        good = Run("nothing", Outcome.OK, script_artifact(folder / "good", size=4096))
        failing = [
            Run(deed, expected, script_artifact(folder / str(at), size=4096 + at, deed=deed))
            for at, (deed, expected) in enumerate(FAILURES.items())
        ]
        runs = [good] * options.good
        runs += itertools.islice(itertools.cycle(failing), options.failing)
        device = stack.enter_context(AdbDevice(phone.serial, bundles=lambda abi: bundle))
        stack.enter_context(device.lease())
        begin = time.monotonic()
        for at, run in enumerate(runs):
            words = tell(device, run)
            told[run.deed, words, words == run.expected.value] += 1
            if at % 50 == 49:
                err.print(f"{at + 1} of {len(runs)} launches")
        seconds = (time.monotonic() - begin) / max(1, len(runs))
        phone.await_idle()
    for (deed, words, right), count in sorted(told.items()):
        print(f"{'right' if right else 'WRONG'}  {count:4d} x {deed}: told as {words}")
    wrong = sum(count for (_, _, right), count in told.items() if not right)
    shell = "old" if options.old else "new"
    print(f"{wrong} of {len(runs)} launches lost or misnamed, {shell} shell, {seconds:.2f} s each")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
