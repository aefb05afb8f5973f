"""Makes the files beside it: one small network, lowered once for each family of kernels.

    python -m device_runner.bundles.kernels.export

`families.py` says what they are for. They are kept as files, because making them takes PyTorch and
half a minute, and checking a bundle should take neither. An older `.pte` runs on every newer
ExecuTorch: they need no remaking when that moves.
"""

from __future__ import annotations

from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from executorch.exir import to_edge_transform_and_lower
from torch import Tensor, nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from device_runner.bundles.kernels.families import EXPECTED, FAMILIES, FOLDER, INPUT

_SHAPE = (1, 4, 12, 12)


class Kernels(nn.Module):
    """Convolutions, a depthwise one, linears of many rows and of one, and an attention."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 16, 3, padding=1)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.wide, self.narrow = nn.Linear(16, 40), nn.Linear(40, 16)
        self.whole = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        """(1, 4, 12, 12) to (1, 144, 16)."""
        tokens = self.depthwise(self.conv(x)).permute(0, 2, 3, 1).reshape(1, 144, 16)
        tokens = self.narrow(nn.functional.hardswish(self.wide(tokens)))
        weights = torch.softmax(torch.bmm(tokens, tokens.transpose(1, 2)), dim=-1)
        mixed = torch.bmm(weights, tokens)
        return mixed + self.whole(mixed.mean(dim=1))


class Halved(nn.Module):
    """The same in half precision, with float32 outside, as a runner feeds it."""

    def __init__(self, network: Kernels) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, x: Tensor) -> Tensor:
        """(1, 4, 12, 12) to (1, 144, 16)."""
        return self.network(x.half()).float()


def _network() -> Kernels:
    torch.manual_seed(0)
    return Kernels().eval()


def _in_int8(x: Tensor, *, is_dynamic: bool) -> nn.Module:
    quantizer = XNNPACKQuantizer().set_global(
        get_symmetric_quantization_config(is_per_channel=True, is_dynamic=is_dynamic)
    )
    prepared = prepare_pt2e(torch.export.export(_network(), (x,)).module(), quantizer)
    prepared(x)
    return convert_pt2e(prepared)


def export(folder: Path) -> None:
    """Write every family's `.pte`, the input, and what eager float32 makes of it."""
    torch.manual_seed(1)
    x = torch.rand(_SHAPE)
    networks = {
        "fp32": _network(),
        "fp16": Halved(_network()),
        "int8": _in_int8(x, is_dynamic=True),
        "static int8": _in_int8(x, is_dynamic=False),
    }
    for family in FAMILIES:
        program = to_edge_transform_and_lower(
            torch.export.export(networks[family.name], (x,)), partitioner=[XnnpackPartitioner()]
        )
        (folder / family.file).write_bytes(program.to_executorch().buffer)
    with torch.no_grad():
        expected = _network()(x)
    (folder / INPUT).write_bytes(x.numpy().astype("<f4").tobytes())
    (folder / EXPECTED).write_bytes(expected.numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    export(FOLDER)
