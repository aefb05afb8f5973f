"""One set of weights contains many configs: the slice of a supernet's tensors for one of them.

Width is sliced by taking the first channels everywhere; inside attention the first channels of
*every head*, so that a head stays the same head at every width. Depth takes the first blocks,
an expansion ratio the first hidden channels. Window size, head count and body passes change no
tensor. The idea of slicing trained weights by importance-free prefixes is that of slimmable
networks (Yu et al., ICLR 2019, arXiv:1812.08928) and once-for-all (Cai et al., ICLR 2020,
arXiv:1908.09791).
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from models.config import MobileSRConfig

_LAYER = re.compile(r"body\.layers\.(\d+)\.(.+)")


def contains(full: MobileSRConfig, part: MobileSRConfig) -> bool:
    """Whether `slice_state` can cut `part` out of `full`."""
    return (
        part.n_feats <= full.n_feats
        and part.n_heads == full.n_heads
        and part.scale == full.scale
        and part.depth <= full.depth
        and all(a <= b for a, b in zip(part.ratios, full.ratios, strict=False))
    )


def is_smallest(config: MobileSRConfig) -> bool:
    """Whether no other tensors can be cut out of those of `config`."""
    return config.head_dim == 1 and config.ratios == (1,)


def slice_state(
    state: dict[str, Tensor], full: MobileSRConfig, part: MobileSRConfig
) -> dict[str, Tensor]:
    """The tensors of `part`, cut from those of `full`; differentiable.

    Raises:
        ValueError: `part` is not contained in `full`.
    """
    if not contains(full, part):
        raise ValueError(f"{part.key} is not contained in {full.key}")
    cut: dict[str, Tensor] = {}
    for name, tensor in state.items():
        layer = _LAYER.fullmatch(name)
        if layer is None:
            cut[name] = _outer(name, tensor, full, part)
        elif int(layer[1]) < part.depth:
            ratio = part.ratios[int(layer[1])]
            cut[name] = _block(layer[2], tensor, full, part, ratio)
    return cut


def _outer(name: str, tensor: Tensor, full: MobileSRConfig, part: MobileSRConfig) -> Tensor:
    n = part.n_feats
    if name.startswith("tail."):
        return tensor[:, :n] if name.endswith("weight") else tensor
    if name == "fuse.weight":
        return torch.cat([tensor[:n, :n], tensor[:n, full.n_feats : full.n_feats + n]], dim=1)
    if name.startswith("upsapling."):
        # PixelShuffle takes the rows of an output channel together, so a prefix of rows is a
        # prefix of channels.
        rows = n * (4 if full.scale == 4 else full.scale**2)
        return tensor[:rows, :n] if name.endswith("weight") else tensor[:rows]
    return tensor[:n]  # head.weight, head.bias, fuse.bias


def _block(
    name: str, tensor: Tensor, full: MobileSRConfig, part: MobileSRConfig, ratio: int
) -> Tensor:
    n = part.n_feats
    if name == "0.attn.qkv.weight":
        channels = _head_channels(full, part, tensor.device)
        rows = torch.cat([i * full.n_feats + channels for i in range(3)])
        return tensor.index_select(0, rows)[:, :n]
    if name == "0.attn.proj_out.weight":
        return tensor.index_select(1, _head_channels(full, part, tensor.device))[:n]
    if name in ("0.mlp.fc.0.weight", "1.net.0.weight"):
        return tensor[: n * ratio, :n]
    if name in ("0.mlp.fc.2.weight", "1.net.4.weight"):
        return tensor[:n, : n * ratio]
    if name in ("0.mlp.fc.0.bias", "1.net.0.bias", "1.net.2.weight", "1.net.2.bias"):
        return tensor[: n * ratio]
    return tensor[:n]


def _head_channels(full: MobileSRConfig, part: MobileSRConfig, device: torch.device) -> Tensor:
    """Indices of the first `part.head_dim` channels of each head of `full`."""
    heads = torch.arange(full.n_heads, device=device).unsqueeze(1) * full.head_dim
    return (heads + torch.arange(part.head_dim, device=device)).flatten()
