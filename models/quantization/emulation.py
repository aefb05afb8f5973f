"""The deployed network in eager PyTorch, with chosen linear layers in dynamic int8.

It is what a device must answer in precision int8, but for rounding: where float32 sums in another
order, a value close to half a step falls to the other side, and the layers behind it see a step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import cast

from torch import Tensor, nn

from models.deploy_graph import DeployMobileSR, DeployTransformer
from models.network import MobileSR, ResBlock
from models.quantization.int8 import DynamicInt8Linear
from models.quantization.layers import LayerKind

MakeLinear = Callable[[Tensor, "Tensor | None"], nn.Module]

_TRANSFORMER = {
    LayerKind.QUERY: "q",
    LayerKind.KEY: "k",
    LayerKind.VALUE: "v",
    LayerKind.PROJECTION: "proj_out",
    LayerKind.MLP_IN: "mlp_in",
    LayerKind.MLP_OUT: "mlp_out",
}
_RESBLOCK = {LayerKind.EXPAND: "0", LayerKind.REDUCE: "4"}
_TAIL = {LayerKind.UPSAMPLING: "upsample", LayerKind.PATCHES: "patches"}


class _Pointwise(nn.Module):
    """A linear layer in the place of a 1x1 convolution: (1, in, H, W) -> (1, out, H, W)."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.linear(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


def in_int8(
    model: MobileSR,
    height: int,
    width: int,
    layers: Collection[LayerKind],
    make: MakeLinear = DynamicInt8Linear,
) -> nn.Module:
    """`model` for one LR size, its linear layers of these kinds in int8; `model` is left as it is.

    `make` may be another way of computing a linear layer from weight and bias.
    """
    network = DeployMobileSR(model, height, width).eval()
    for owner, name, kind in _linears(network):
        if kind not in layers:
            continue
        layer = cast("nn.Linear | nn.Conv2d", owner.get_submodule(name))
        linear = make(layer.weight.flatten(1), layer.bias)
        setattr(owner, name, linear if isinstance(layer, nn.Linear) else _Pointwise(linear))
    return network.eval()


def _linears(network: DeployMobileSR) -> Iterator[tuple[nn.Module, str, LayerKind]]:
    """Where each linear layer lies: its parent, its name there, its kind."""
    for at, block in enumerate(network.body):
        if isinstance(block, DeployTransformer):
            yield from ((block, name, kind) for kind, name in _TRANSFORMER.items())
        else:
            # A block is shared with the model: what is exchanged in it, is in a copy.
            copy = _copied(cast(ResBlock, block))
            network.body[at] = copy
            yield from ((copy.net, name, kind) for kind, name in _RESBLOCK.items())
    yield from ((network.tail, name, kind) for kind, name in _TAIL.items())


def _copied(block: ResBlock) -> ResBlock:
    """The same layers in a list of its own."""
    copy = ResBlock.__new__(ResBlock)
    nn.Module.__init__(copy)
    copy.net = nn.Sequential(*block.net)
    return copy.eval()
