"""What every artifact is verified with: one input, the right answer, and how far one may lie off.

All in the form that the file takes and gives: float32 planes, or uint8 pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.deployment import Candidate
from models.images import Rgb, to_input, to_uint8
from models.network import MobileSR
from models.quantization.calibration import Int8Network, calibration_pixels
from models.quantization.expected import expected_output

_MOST = 255


@dataclass(frozen=True)
class CheckTensors:
    """Attributes:
    given: the input, (1, 3, H, W) float32, or (1, H, W, 3) uint8.
    planes: the same as the network of PyTorch takes it, (1, 3, H, W).
    expected: eager PyTorch's answer in the candidate's precision, in the form of `given`.
    tolerance: the largest difference of a right answer, in units of `expected`.
    """

    given: Tensor
    planes: Tensor
    expected: Tensor
    tolerance: float


def check_input(candidate: Candidate) -> Tensor:
    """What a file is checked with, for its LR size and in the form that it takes.

    Seeded noise. In int8 the calibration crops side by side: noise is no picture, and most of what
    layers make of it lies beyond the grids that pictures need.
    """
    deployment = candidate.deployment
    height, width = deployment.lr_height, deployment.lr_width
    if deployment.precision == "int8":
        pixels = _mosaic(candidate.config.scale, height, width)
        if deployment.io == "uint8":
            return torch.from_numpy(pixels[None])
        return torch.from_numpy(to_input(pixels))
    seeded = torch.Generator().manual_seed(0)
    if deployment.io == "float":
        return torch.rand((1, 3, height, width), generator=seeded)
    size = (1, height, width, 3)
    return torch.randint(0, _MOST + 1, size, generator=seeded, dtype=torch.uint8)


def _mosaic(scale: int, height: int, width: int) -> Rgb:
    """The calibration crops in rows, (height, width, 3); from the first again where they end."""
    crops = calibration_pixels(scale)
    side = crops.shape[1]
    rows, columns = -(-height // side), -(-width // side)
    chosen = crops[np.arange(rows * columns) % len(crops)].reshape(rows, columns, side, side, 3)
    whole = chosen.swapaxes(1, 2).reshape(rows * side, columns * side, 3)
    return np.ascontiguousarray(whole[:height, :width])


def check_tensors(
    model: MobileSR, candidate: Candidate, ready: Int8Network | None = None
) -> CheckTensors:
    """Input and answer for one candidate, whose network `model` is; int8 needs `ready`.

    Levels are rounded numbers: two that lie within a tolerance may be rounded apart, by one level
    more than they differ.
    """
    given, precision = check_input(candidate), candidate.deployment.precision
    if candidate.deployment.io == "float":
        expected = expected_output(model, precision, given, ready)
        return CheckTensors(given, given, expected.output, expected.tolerance)
    planes = torch.from_numpy(to_input(given[0].numpy()))
    expected = expected_output(model, precision, planes, ready)
    levels = torch.from_numpy(to_uint8(expected.output.numpy())[None])
    return CheckTensors(given, planes, levels, 1.0 + math.floor(_MOST * expected.tolerance))
