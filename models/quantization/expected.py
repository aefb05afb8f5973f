"""What a device must answer in a precision, and how far from it it may lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.deploy_graph import DeployMobileSR
from models.deployment import Precision
from models.eager import eager_answer
from models.network import MobileSR
from models.quantization.calibration import Int8Network
from models.quantization.emulation import in_int8

# fp32 kernels reorder sums; 2e-6 was seen, a wrong kernel is wrong by far more than this.
FP32_TOLERANCE = 1e-4
# In multiples of what rounding costs, which is the distance of the reduced precision's own eager
# output from fp32's. int8: two computations that round alike but for ties part by chance, layer by
# layer; at worst their errors have nothing in common, and they are sqrt(2) times as far apart as
# one of them is from fp32. fp16: beyond that, XNNPACK has exponentials and roots of its own in
# float16, and adds up in it on Arm, where PyTorch does in float32: 4.7 was seen there.
_ALLOWED: Mapping[Precision, float] = {"int8": 1.5, "fp16": 8.0}


@dataclass(frozen=True)
class Expected:
    """Attributes:
    output: (1, 3, scale*H, scale*W), by eager PyTorch in the model's precision.
    tolerance: the largest difference of a right answer.
    """

    output: Tensor
    tolerance: float


class _InHalf(nn.Module):
    """The network in float16 with the base in float32, as the device computes it."""

    def __init__(self, model: MobileSR, height: int, width: int) -> None:
        super().__init__()
        self.network = DeployMobileSR(model, height, width).half().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.network.residual(x.half()).float() + self.network.base(x)


def expected_output(
    model: MobileSR, precision: Precision, example: Tensor, ready: Int8Network | None = None
) -> Expected:
    """Eager PyTorch's answer to `example`, (1, 3, H, W), in a precision; int8 needs `ready`.

    fp32 is the network as it is written. int8 and fp16 are `models.deploy_graph` with the same
    layers in the same types as the exported graph.
    """
    exact = eager_answer(model, example)
    if precision == "fp32":
        return Expected(exact, FP32_TOLERANCE)
    height, width = example.shape[2:]
    with torch.inference_mode():
        if precision == "int8":
            assert ready is not None
            network = in_int8(ready, height, width)
        else:
            network = _InHalf(model, height, width)
        output = network(example)
    rounding = float((output - exact).abs().max())
    return Expected(output, FP32_TOLERANCE + _ALLOWED[precision] * rounding)
