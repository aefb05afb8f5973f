"""Dynamic int8 as XNNPACK computes it: weights by channel, activations by row, sums in int32.

The rows' scale and zero point follow XNNPACK's `xnn_f32_qd8_asymmetric_quantization_params`
(src/xnnpack/quantization.h): 255 steps from the least to the largest value of the row, zero among
them, the zero point rounded to where it does less harm.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MOST = 127
_LOW, _HIGH = -128.0, 127.0
# Computed at a time: bounds the memory of float64.
_ROWS = 8192


def quantised_weight(weight: Tensor, least_scales: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """(out, in) as int8 of -127 .. 127, and the scale of each of the `out` channels."""
    weight = weight.detach().float()
    # Channels of zeros stay zero with any scale.
    scales = (weight.abs().amax(dim=1) / _MOST).clamp_min(1e-12)
    if least_scales is not None:
        scales = torch.maximum(scales, least_scales.float())
    return torch.round(weight / scales[:, None]).to(torch.int8), scales


class DynamicInt8Linear(nn.Module):
    """A linear layer as XNNPACK computes it in dynamic int8: (..., in) -> (..., out), float32."""

    weight: Tensor
    scales: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        quantised, scales = quantised_weight(weight)
        # Integers are added exactly as long as they fit into a float's mantissa.
        short = weight.shape[1] * _MOST * (_HIGH - _LOW) < 2**24
        self.register_buffer("weight", quantised.float() if short else quantised.double())
        self.register_buffer("scales", scales)
        self.bias = None if bias is None else nn.Parameter(bias.detach().float().clone())

    def forward(self, x: Tensor) -> Tensor:
        rows = [self._rows(part) for part in torch.split(x.flatten(0, -2), _ROWS)]
        return torch.cat(rows).reshape(*x.shape[:-1], -1)

    def _rows(self, x: Tensor) -> Tensor:
        inverse, zero_point = _row_parameters(x)
        steps = torch.round(x * inverse) + zero_point
        steps = steps.clamp(_LOW, _HIGH) - zero_point
        sums = (steps.to(self.weight.dtype) @ self.weight.T).float()
        answer = sums * (1.0 / inverse) * self.scales
        return answer if self.bias is None else answer + self.bias


def _row_parameters(x: Tensor) -> tuple[Tensor, Tensor]:
    """Steps per unit and zero point of each row: (..., 1)."""
    low = x.amin(dim=-1, keepdim=True).clamp_max(0.0)
    high = x.amax(dim=-1, keepdim=True).clamp_min(0.0)
    inverse = torch.where(low == high, 1.0, (_HIGH - _LOW) / (high - low))
    from_low, from_high = _LOW - low * inverse, _HIGH - high * inverse
    # The error of either end, were the other one exact.
    low_counts = (_LOW + low * inverse) + (_HIGH + high * inverse) > 0
    return inverse, torch.round(torch.where(low_counts, from_low, from_high).clamp(_LOW, _HIGH))
