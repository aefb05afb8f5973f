"""Channels brought to like sizes: the same network, that loses less in int8.

A tensor in static int8 has one grid for all channels, and the small ones get few of its steps.
LeakyReLU of a multiple is the multiple of LeakyReLU, so a channel can be made larger by one layer
and smaller again by the next; and a query's channel larger where the key's is made smaller. Markus
Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
section 4.1.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.deploy_graph import DeployMobileSR, DeployTransformer
from models.network import MobileSR, ResBlock, WindowTransformer

# All of it would leave the weights behind, which have a grid for each output channel alone, with
# columns of very different size. 0.5 to 0.7 cost least of the published network.
_EXPONENT = 0.6
_SMALLEST = 1 / 64
# Of channels that are zero.
_LEAST = 1e-6
_FIRST, _DEPTHWISE, _LAST = 0, 2, 4


def equalised(model: MobileSR, crops: Sequence[Tensor]) -> MobileSR:
    """A copy of `model` that answers as it does, to a float's rounding.

    Channels' sizes are the largest values on `crops`, (1, 3, h, w) each, all of one size.
    """
    copied = copy.deepcopy(model).eval()
    network = DeployMobileSR(copied, *crops[0].shape[2:]).eval()
    largest: dict[nn.Module, Tensor] = {}

    def see(layer: nn.Module, _given: object, made: Tensor) -> None:
        channels = 1 if isinstance(layer, nn.Conv2d) else made.dim() - 1
        found = made.detach().abs().movedim(channels, 0).flatten(1).amax(dim=1)
        largest[layer] = torch.maximum(largest.get(layer, torch.zeros_like(found)), found)

    seen = [layer for block in network.body for layer in _seen(block)]
    hooks = [layer.register_forward_hook(see) for layer in seen]
    with torch.inference_mode():
        for crop in crops:
            network(crop)
    for hook in hooks:
        hook.remove()
    own = [layer for pair in copied.body.layers for layer in cast(nn.ModuleList, pair)]
    with torch.no_grad():
        for block, deployed in zip(own, network.body, strict=True):
            sizes = [largest[layer] for layer in _seen(deployed)]
            if isinstance(block, ResBlock):
                _exchange(block, *map(_sizes, sizes))
            else:
                _share(cast(WindowTransformer, block), *sizes)
    return copied


def _seen(block: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The layers of a deployed block whose channels' sizes count."""
    if isinstance(block, DeployTransformer):
        return block.q, block.k
    net = cast(ResBlock, block).net
    return net[_FIRST], net[_DEPTHWISE]


def _share(block: WindowTransformer, queries: Tensor, keys: Tensor) -> None:
    """Queries and keys, which are multiplied by each other, of one size in each channel."""
    factors = (keys.clamp_min(_LEAST) / queries.clamp_min(_LEAST)).sqrt()
    channels = len(factors)
    weight = block.attn.qkv.weight
    weight[:channels].mul_(factors[:, None])
    weight[channels : 2 * channels].div_(factors[:, None])


def _sizes(largest: Tensor) -> Tensor:
    """What the channels are divided by, (C,)."""
    return (largest / largest.max().clamp_min(1e-12)).clamp_min(_SMALLEST) ** _EXPONENT


def _exchange(block: ResBlock, first: Tensor, second: Tensor) -> None:
    expand, depthwise, reduce = (
        cast(nn.Conv2d, block.net[at]) for at in (_FIRST, _DEPTHWISE, _LAST)
    )
    _scale_outputs(expand, 1 / first)
    _scale_outputs(depthwise, 1 / second)
    depthwise.weight.mul_(first[:, None, None, None])
    reduce.weight.mul_(second[None, :, None, None])


def _scale_outputs(layer: nn.Conv2d, factors: Tensor) -> None:
    layer.weight.mul_(factors[:, None, None, None])
    if layer.bias is not None:
        layer.bias.mul_(factors)
