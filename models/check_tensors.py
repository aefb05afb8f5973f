"""What every artifact is verified with: one input, the right answer, and how far one may lie off.

All in the form that the file takes and gives: float32 planes, or uint8 pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.deployment import Candidate
from models.images import to_input, to_uint8
from models.network import MobileSR
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
    """Seeded noise for this LR size, in the form that the artifact takes."""
    deployment = candidate.deployment
    height, width = deployment.lr_height, deployment.lr_width
    seeded = torch.Generator().manual_seed(0)
    if deployment.io == "float":
        return torch.rand((1, 3, height, width), generator=seeded)
    size = (1, height, width, 3)
    return torch.randint(0, _MOST + 1, size, generator=seeded, dtype=torch.uint8)


def check_tensors(model: MobileSR, candidate: Candidate) -> CheckTensors:
    """Input and answer for one candidate, whose network `model` is.

    Levels are rounded numbers: two that lie within a tolerance may be rounded apart, by one level
    more than they differ.
    """
    given, precision = check_input(candidate), candidate.deployment.precision
    if candidate.deployment.io == "float":
        expected = expected_output(model, precision, given)
        return CheckTensors(given, given, expected.output, expected.tolerance)
    planes = torch.from_numpy(to_input(given[0].numpy()))
    expected = expected_output(model, precision, planes)
    levels = torch.from_numpy(to_uint8(expected.output.numpy())[None])
    return CheckTensors(given, planes, levels, 1.0 + math.floor(_MOST * expected.tolerance))
