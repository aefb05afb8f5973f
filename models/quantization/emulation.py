"""The deployed network in eager PyTorch, with chosen layers in int8.

It is what a device must answer in precision int8, but for rounding: where float32 sums in another
order, a value close to half a step falls to the other side, and the layers behind it see a step.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from models.deploy_graph import DeployMobileSR
from models.network import ResBlock
from models.quantization.calibration import Int8Network
from models.quantization.int8 import DynamicInt8Linear
from models.quantization.layers import CONVOLUTIONS, INT8_LAYERS, Int8Layers
from models.quantization.locations import Located, located_layers
from models.quantization.static_int8 import StaticInt8


class _Pointwise(nn.Module):
    """A linear layer in the place of a 1x1 convolution: (1, in, H, W) -> (1, out, H, W)."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.linear(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


def in_int8(
    ready: Int8Network, height: int, width: int, layers: Int8Layers = INT8_LAYERS
) -> nn.Module:
    """The network for one LR size, its layers of these kinds in int8; `ready` is left as it is."""
    network = DeployMobileSR(ready.model, height, width).eval()
    for at, block in enumerate(network.body):
        if isinstance(block, ResBlock):
            # It is shared with the model: what is exchanged in it, is in a copy.
            network.body[at] = _copied(block)
    for one in list(located_layers(network)):
        if one.place.kind in layers.static:
            setattr(one.owner, one.name, StaticInt8(one.layer, ready.grids[one.place]))
        elif one.place.kind in layers.dynamic:
            setattr(one.owner, one.name, _dynamic(one))
    return network.eval()


def _dynamic(one: Located) -> nn.Module:
    assert one.place.kind not in CONVOLUTIONS
    layer = one.layer
    linear = DynamicInt8Linear(layer.weight.flatten(1), layer.bias)
    return linear if isinstance(layer, nn.Linear) else _Pointwise(linear)


def _copied(block: ResBlock) -> ResBlock:
    """The same layers in a list of its own."""
    copy = ResBlock.__new__(ResBlock)
    nn.Module.__init__(copy)
    copy.net = nn.Sequential(*block.net)
    return copy.eval()
