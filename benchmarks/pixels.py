"""Does a model on uint8 pixels answer as its float twin does, rounded? Pixel by pixel, on a device.

    python benchmarks/pixels.py mobilesr_x4.pth --lr set5/LR_x4
    python benchmarks/pixels.py mobilesr_x4.pth --lr set5/LR_x4 --precision int8 --device SERIAL

Both are exported from one checkpoint. The pictures go through in tiles; of the float network the
runner itself clamps and rounds what comes out. Ends with 1 if a level differs in fp32, or by more
than one elsewhere. What it costs in time: `benchmarks/precision.py --pixels`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from device_runner import Device, infer
from device_runner.devices.discovery import open_device
from foundation.artifact import Artifact
from foundation.console import quiet_libraries
from models.config import MobileSRConfig, preset
from models.deployment import Candidate, Deployment, Io, parse_lr_size
from models.export import export
from models.images import image_files, load_rgb
from models.inference import upscale_images
from models.weights import Weights, load_weights

IOS: tuple[Io, Io] = ("float", "uint8")


def made(
    weights: Weights, config: MobileSRConfig, options: argparse.Namespace, io: Io, store: Path
) -> Artifact:
    """The checkpoint's network in the form that `io` says."""
    height, width = parse_lr_size(options.lr_size)
    deployment = Deployment.choose(
        lr_height=height, lr_width=width, precision=options.precision, io=io
    )
    return export(Candidate(config, deployment), weights, store)


def upscaled(device: Device, artifact: Artifact, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Each picture, by the device."""
    device.push(artifact)
    run = partial(infer, device, artifact, threads=2, timeout_s=1800)
    return upscale_images(run, artifact, pictures, tiles_per_launch=16)


def main() -> None:
    """Export both, upscale with both, compare, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("--lr", type=Path, required=True)
    parser.add_argument("--only", help="one picture, by its name")
    parser.add_argument("--lr-size", default="64x64")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--device", default="host")
    options = parser.parse_args()
    quiet_libraries()
    files = [path for path in image_files(options.lr) if options.only in (None, path.stem)]
    if not files:
        raise SystemExit(f"no picture is called {options.only}")
    pictures = [load_rgb(path) for path in files]
    weights = load_weights(options.weights)
    config = weights.config or preset("ntire2022")
    with (
        tempfile.TemporaryDirectory() as folder,
        open_device(options.device).device as device,
        device.lease(600),
    ):
        planes, pixels = (made(weights, config, options, io, Path(folder)) for io in IOS)
        pairs = zip(
            upscaled(device, planes, pictures), upscaled(device, pixels, pictures), strict=True
        )
        apart = [np.abs(one.astype(int) - other) for one, other in pairs]
    largest = max(int(each.max()) for each in apart)
    found = {
        "device": options.device,
        "artifact": pixels.manifest.candidate_key,
        "delegates": pixels.manifest.delegates,
        "undelegated_ops": pixels.manifest.undelegated_op_count,
        "pictures": [path.stem for path in files],
        "levels": sum(each.size for each in apart),
        "levels_that_differ": sum(int(np.count_nonzero(each)) for each in apart),
        "largest_difference": largest,
    }
    print(json.dumps(found, indent=2))
    sys.exit(0 if largest <= (0 if options.precision == "fp32" else 1) else 1)


if __name__ == "__main__":
    main()
