"""One artifact on several devices: how far their answers lie apart, and what PSNR each reaches.

    python benchmarks/same_answers.py ARTIFACT --lr set5/LR_x4 --hr set5/HR --devices host SERIAL
    python benchmarks/same_answers.py ARTIFACT --lr set5/LR_x4 --hr set5/HR --only butterfly ...

The pictures go through in tiles of the artifact's size, and a line of JSON tells of each as soon
as it is done: an emulated device is slow. Answers are compared as the floats that the runtime
gave, before they are rounded to pictures. A lab device is one of `tests/lab/lab_up.py`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from device_runner import Device, Outcome, RunRequest
from device_runner.devices.discovery import open_device
from foundation.artifact import Artifact, load_artifact
from foundation.console import quiet_libraries
from models.images import load_pairs, to_input, to_uint8
from models.inference import plan_for
from models.quality import score
from models.tiling import cut, merge

# A launch has a time limit, and an emulated device is slow.
TILES_A_LAUNCH = 2


def answers(device: Device, artifact: Artifact, tiles: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The runtime's own floats, (3, H, W), for each tile (1, 3, h, w)."""
    found: list[np.ndarray] = []
    shape = artifact.manifest.outputs[0].shape[1:]
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, len(tiles), TILES_A_LAUNCH):
            inputs = []
            for number, tile in enumerate(tiles[start : start + TILES_A_LAUNCH]):
                inputs.append(Path(folder, f"{start + number}.bin"))
                inputs[-1].write_bytes(tile.tobytes())
            report = device.run(
                RunRequest(artifact, tuple(inputs), Path(folder, f"out{start}"), timeout_s=900)
            )
            if report.outcome is not Outcome.OK:
                raise SystemExit(f"{device.serial}: {report.message}")
            found += [np.fromfile(path, "<f4").reshape(shape) for path in report.outputs]
    return found


def look(artifact: Artifact, serials: Sequence[str], pair: Any) -> dict[str, Any]:
    """PSNR on Y of a picture from each device, and the largest difference of each two."""
    plan = plan_for(artifact, *pair.lr.shape[:2])
    tiles = [to_input(tile) for tile in cut(pair.lr, plan)]
    scale = int(str(artifact.manifest.config["scale"]))
    found, psnr_y_db = {}, {}
    for serial in serials:
        with open_device(serial).device as device, device.lease(600):
            device.push(artifact)
            found[serial] = answers(device, artifact, tiles)
        picture = merge([to_uint8(one) for one in found[serial]], plan, scale)
        psnr_y_db[serial] = score(picture, pair.hr, scale).psnr_y_db
    apart = {
        f"{a} and {b}": max(
            float(np.abs(one - other).max()) for one, other in zip(found[a], found[b], strict=True)
        )
        for a, b in itertools.combinations(serials, 2)
    }
    return {
        "picture": pair.name,
        "tiles": len(tiles),
        "psnr_y_db": psnr_y_db,
        "largest_difference": apart,
    }


def over_all(artifact: Artifact, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean PSNR over the pictures, and the largest difference in any."""
    psnr_y_db = {
        serial: round(statistics.fmean(row["psnr_y_db"][serial] for row in rows), 5)
        for serial in rows[0]["psnr_y_db"]
    }
    apart = {
        both: max(row["largest_difference"][both] for row in rows)
        for both in rows[0]["largest_difference"]
    }
    return {
        "artifact": artifact.manifest.candidate_key,
        "sha256": artifact.manifest.sha256,
        "pictures": len(rows),
        "psnr_y_db": psnr_y_db,
        "largest_difference": apart,
    }


def main() -> None:
    """Parse the command line, ask every device, print a line for each picture and the whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--lr", type=Path, required=True)
    parser.add_argument("--hr", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=[], help="these pictures, by their names")
    parser.add_argument("--devices", nargs="+", default=["host"])
    arguments = parser.parse_args()
    quiet_libraries()
    artifact = load_artifact(arguments.artifact)
    scale = int(str(artifact.manifest.config["scale"]))
    pairs = load_pairs(arguments.hr, arguments.lr, scale)
    if unknown := set(arguments.only) - {pair.name for pair in pairs}:
        raise SystemExit(f"no picture is called {', '.join(sorted(unknown))}")
    chosen = [pair for pair in pairs if not arguments.only or pair.name in arguments.only]
    rows = []
    for pair in chosen:
        rows.append(look(artifact, arguments.devices, pair))
        print(json.dumps(rows[-1]), flush=True)
    print(json.dumps(over_all(artifact, rows), indent=2))


if __name__ == "__main__":
    main()
