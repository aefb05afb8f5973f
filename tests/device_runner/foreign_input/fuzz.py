"""Try every parser of foreign input for as long as one likes:

    PYTHONPATH=. python tests/device_runner/foreign_input/fuzz.py --minutes 10

Ends with 0 where nothing but errors of ours was raised; each fault is printed with the shortest
input that hypothesis finds for it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE.parents[2])]

from foreign_parsers import TARGETS, Target, mutated  # noqa: E402  # the path is set by then
from hypothesis import HealthCheck, given, settings  # noqa: E402

_ROUND = 200


def tried(target: Target, until_s: float) -> tuple[int, str]:
    """Inputs tried until then, and the fault that was found, if any."""
    count = 0

    @settings(max_examples=_ROUND, deadline=None, database=None, print_blob=False,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(mutated(target))
    def survives(data: bytes) -> None:
        nonlocal count
        count += 1
        target.survives(data)

    while True:
        try:
            survives()
        except Exception:
            return count, traceback.format_exc()
        if time.monotonic() >= until_s:
            return count, ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    share_s = 60 * parser.parse_args().minutes / len(TARGETS)
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "MOBILESR_TUNE_LOCK_DIR"):
            os.environ[name] = folder
        for target in TARGETS:
            count, fault = tried(target, time.monotonic() + share_s)
            faults += bool(fault)
            print(
                f"{target.name}: {count} inputs, {'a fault' if fault else 'no fault'}", flush=True
            )
            print(fault, end="")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
