"""The delivered network on a desktop: is it right here, and what does it make of a picture?

    pip install -r requirements.txt
    python check.py                          the golden check
    python check.py photo.jpg photo_big.png  upscales a picture, in tiles, as the Kotlin class does

Exit codes: 0 fine, 1 the output differs, 2 the request is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of a manifest -> of the files beside it.
TYPES = {"float32": "<f4", "uint8": "|u1"}
ARTIFACT = Path(__file__).resolve().with_name("artifact")
# As in Tiling.kt: what tiles share at least, and the width of their cross-fade, in input pixels.
DEFAULT_OVERLAP = 16
FADE = 4


def main(arguments: list[str]) -> int:
    """Run the check, or upscale a picture."""
    if len(arguments) not in (0, 2) or any(word.startswith("-") for word in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    manifest = json.loads((ARTIFACT / "manifest.json").read_text("utf-8"))
    network = Network(manifest, ARTIFACT / "model.pte")
    if arguments:
        return upscale_file(network, manifest, Path(arguments[0]), Path(arguments[1]))
    return golden(network, manifest)


class Network:
    """`model.pte` in ExecuTorch's runtime: what `executorch.runtime` stands on, whose import takes
    four seconds more.

    In and out go planes R, G, B, float32 of 0 to 1; or pixels, (1, H, W, 3) of uint8.
    """

    def __init__(self, manifest: dict[str, Any], path: Path) -> None:
        try:
            import torch  # noqa: F401  # its libraries, which the runtime's stand on
            from executorch.extension.pybindings import _portable_lib as runtime
        except ImportError as error:
            print(f"{error}: pip install -r requirements.txt", file=sys.stderr)
            raise SystemExit(2) from error

        (given,), (made,) = manifest["inputs"], manifest["outputs"]
        if given["dtype"] != made["dtype"] or given["dtype"] not in TYPES:
            raise SystemExit(f"this script knows no network of {given} and {made}")
        self.dtype = TYPES[given["dtype"]]
        self.takes_pixels = given["dtype"] == "uint8"
        self.input_shape, self.output_shape = tuple(given["shape"]), tuple(made["shape"])
        self.program = runtime._load_program(str(path))
        self.method = self.program.load_method("forward")

    def __call__(self, tile: NDArray[Any]) -> NDArray[Any]:
        import torch

        (output,) = self.method([torch.from_numpy(tile.reshape(self.input_shape))])
        return output.numpy().reshape(self.output_shape)

    @property
    def tile(self) -> tuple[int, int]:
        """Height and width of the input, in pixels."""
        shape = self.input_shape
        return (shape[1], shape[2]) if self.takes_pixels else (shape[2], shape[3])

    def levels(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """One tile: uint8 (H, W, 3) -> uint8 (scale*H, scale*W, 3)."""
        if self.takes_pixels:
            return self(np.ascontiguousarray(pixels))[0]
        return by_planes(self, pixels)


def by_planes(
    network: Callable[[NDArray[Any]], NDArray[Any]], pixels: NDArray[Any]
) -> NDArray[Any]:
    """`Network.levels` of one that takes float32 planes."""
    planes = pixels.transpose(2, 0, 1)[np.newaxis].astype(np.float32) / np.float32(255)
    output = np.nan_to_num(network(np.ascontiguousarray(planes))[0], nan=0.0)
    return np.rint(np.clip(output, 0, 1) * np.float32(255)).astype(np.uint8).transpose(1, 2, 0)


def golden(network: Network, manifest: dict[str, Any]) -> int:
    """The one input whose answer is known; prints how far the answer of this computer lies."""
    tile = np.fromfile(ARTIFACT / "check_input.bin", network.dtype)
    expected = np.fromfile(ARTIFACT / "check_output.bin", network.dtype)
    # Levels of 8 bits have no differences below zero.
    found = network(tile).astype(np.float32) - expected.reshape(network.output_shape)
    error, tolerance = float(np.abs(found).max()), manifest["check_tolerance"]
    # A comparison with what is no number is never true.
    right = error <= tolerance
    print(f"{'right' if right else 'WRONG'}: off by {error:.3g}, at most {tolerance:g} is allowed")
    return 0 if right else 1


def upscale_file(network: Network, manifest: dict[str, Any], source: Path, target: Path) -> int:
    """Upscale a picture; transparency is laid on white."""
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except OSError as error:
        print(f"{source} cannot be read: {error}", file=sys.stderr)
        return 2
    lr = on_background(np.asarray(picture), (255, 255, 255))
    config = manifest["config"]
    result = upscale(lr, network.levels, network.tile, config["window_size"], config["scale"])
    Image.fromarray(result).save(target)
    print(f"{target}: {result.shape[1]} x {result.shape[0]} pixels")
    return 0


def upscale(
    lr: NDArray[Any],
    levels_of: Callable[[NDArray[Any]], NDArray[Any]],
    tile: tuple[int, int],
    window: int,
    scale: int,
) -> NDArray[Any]:
    """uint8 (H, W, 3) -> uint8 (scale*H, scale*W, 3), tile by tile, each by `levels_of`."""
    height, width = lr.shape[:2]
    down, across = axis(height, tile[0], window, scale), axis(width, tile[1], window, scale)
    below, right = max(down[-1][0] + tile[0] - height, 0), max(across[-1][0] + tile[1] - width, 0)
    # Beyond the right and the bottom edge the picture is mirrored.
    padded = np.pad(lr, ((0, below), (0, right), (0, 0)), mode="symmetric")
    sums = np.zeros((scale * height, scale * width, 3), np.float32)
    for top, rows in down:
        for left, columns in across:
            levels = levels_of(padded[top : top + tile[0], left : left + tile[1]])
            share = np.outer(rows, columns).astype(np.float32)[:, :, np.newaxis]
            place = np.s_[
                scale * top : scale * top + len(rows), scale * left : scale * left + len(columns)
            ]
            sums[place] += share * levels[: len(rows), : len(columns)]
    return np.rint(sums).astype(np.uint8)


def axis(length: int, tile: int, window: int, scale: int) -> list[tuple[int, NDArray[Any]]]:
    """Where the tiles of an axis begin, and each one's share of the output pixels it covers."""
    # A tile's last incomplete window is padding inside the network: it counts for nothing.
    whole = tile - tile % window
    origins = [0]
    if length > tile:
        if whole == 0:
            raise SystemExit(f"a tile of {tile} pixels holds no window of {window}: too small")
        overlap = min(DEFAULT_OVERLAP, whole // 4, whole - window)
        # In windows from here on.
        step, last = (whole - overlap) // window, -(-(length - tile) // window)
        gaps = -(-last // step)
        origins = [k * last // gaps * window for k in range(gaps + 1)]
    shared = [before + whole - after for before, after in pairwise(origins)]
    # Without any overlap the cross-fade is a hard edge.
    fade = max(min([FADE, *shared]), 1e-9)
    centres = (np.arange(scale * length) + 0.5) / scale
    rises = [np.ones_like(centres)]
    for origin, common in zip(origins[1:], shared, strict=True):
        rises.append(np.clip((centres - origin - common / 2) / fade + 0.5, 0.0, 1.0))
    rises.append(np.zeros_like(centres))
    found = []
    for k, origin in enumerate(origins):
        first, end = scale * origin, scale * min(origin + tile, length)
        found.append((origin, (rises[k] - rises[k + 1])[first:end]))
    return found


def on_background(rgba: NDArray[Any], colour: tuple[int, int, int]) -> NDArray[Any]:
    """RGBA of 8 bits laid on a colour."""
    share = rgba[..., 3:] / 255.0
    return np.rint(rgba[..., :3] * share + np.array(colour) * (1.0 - share)).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
