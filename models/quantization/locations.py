"""Where the layers lie that the deployed network has of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from torch import nn

from models.deploy_graph import DeployMobileSR, DeployTransformer
from models.network import ResBlock
from models.quantization.layers import LayerKind, Place
from models.quantization.static_int8 import Layer

_TRANSFORMER = {
    LayerKind.QUERY: "q",
    LayerKind.KEY: "k",
    LayerKind.VALUE: "v",
    LayerKind.PROJECTION: "proj_out",
    LayerKind.MLP_IN: "mlp_in",
    LayerKind.MLP_OUT: "mlp_out",
}
_RESBLOCK = {LayerKind.EXPAND: "0", LayerKind.DEPTHWISE: "2", LayerKind.REDUCE: "4"}
_TAIL = {LayerKind.UPSAMPLING: "upsample", LayerKind.PATCHES: "patches"}
_OUTSIDE = {LayerKind.FUSE: "fuse"}


class Located(NamedTuple):
    """A layer: its place, the module that holds it, and its name there."""

    place: Place
    owner: nn.Module
    name: str

    @property
    def layer(self) -> Layer:
        return cast(Layer, self.owner.get_submodule(self.name))


def located_layers(network: DeployMobileSR) -> Iterator[Located]:
    """Every layer that may be in int8, block by block."""
    for at, block in enumerate(network.body):
        if isinstance(block, DeployTransformer):
            yield from _of(block, at, _TRANSFORMER)
        else:
            yield from _of(cast(ResBlock, block).net, at, _RESBLOCK)
    yield from _of(network, None, _OUTSIDE)
    yield from _of(network.tail, None, _TAIL)


def _of(owner: nn.Module, block: int | None, names: Mapping[LayerKind, str]) -> Iterator[Located]:
    for kind, name in names.items():
        yield Located(Place(block, kind), owner, name)
