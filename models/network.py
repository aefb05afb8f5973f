"""MobileSR as published (NTIRE 2022 Efficient SR, team NJUST_ESR), for scales 2, 3 and 4.

Parameter names are those of the published checkpoint, including its spelling `upsapling`.
Reference implementation: github.com/sunny2109/MobileSR-NTIRE2022.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from models.config import MobileSRConfig

LEAKY_SLOPE = 0.2


def _softmax(scores: Tensor) -> Tensor:
    """Over the last axis, in the scores' own type."""
    if scores.dtype == torch.float32:
        return scores.softmax(-1)
    # Autocast would widen them to float32, only to narrow the result again for the product.
    with torch.autocast(scores.device.type, enabled=False):
        return scores.softmax(-1)


class SelfAttention(nn.Module):
    """Multi-head attention inside each window: (windows, tokens, C) -> the same shape."""

    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.scale = (dim // n_heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x)
        q, k, v = rearrange(qkv, "b n (t h d) -> t b h n d", t=3, h=self.n_heads)
        if self.training:
            # The same product, scaled where it is small: scores are most of a step's memory.
            scores = (q * self.scale) @ k.transpose(-2, -1)
            return self.proj_out(rearrange(_softmax(scores) @ v, "b h n d -> b n (h d)"))
        scores = torch.einsum("b h i d, b h j d -> b h i j", q, k) * self.scale
        mixed = torch.einsum("b h i j, b h j d -> b h i d", scores.softmax(dim=-1), v)
        return self.proj_out(rearrange(mixed, "b h n d -> b n (h d)"))


class Mlp(nn.Module):
    """Two linear layers with GELU, hidden width `ratio * dim`."""

    def __init__(self, dim: int, ratio: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(dim, dim * ratio), nn.GELU(), nn.Linear(dim * ratio, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class WindowTransformer(nn.Module):
    """Depthwise position conv, window attention and MLP, each residual: (B, C, H, W) kept.

    There is no shifted window. Tokens are zero-padded after the first LayerNorm, at the right
    and bottom, up to a multiple of the window; the padding takes part in attention.
    """

    def __init__(self, dim: int, n_heads: int, window_size: int, ratio: int) -> None:
        super().__init__()
        self.window_size = window_size
        self.pos_embed = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.norm1 = nn.LayerNorm(dim)
        self.attn = SelfAttention(dim, n_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, ratio)

    def forward(self, x: Tensor) -> Tensor:
        tokens = rearrange(x + self.pos_embed(x), "b c h w -> b h w c")
        tokens = tokens + self._attend(self.norm1(tokens))
        tokens = tokens + self.mlp(self.norm2(tokens))
        return rearrange(tokens, "b h w c -> b c h w")

    def _attend(self, tokens: Tensor) -> Tensor:
        side = self.window_size
        height, width = tokens.shape[1:3]
        padded = F.pad(tokens, (0, 0, 0, -width % side, 0, -height % side))
        rows = padded.shape[1] // side
        windows = rearrange(padded, "b (r s1) (c s2) d -> (b r c) (s1 s2) d", s1=side, s2=side)
        merged = rearrange(
            self.attn(windows),
            "(b r c) (s1 s2) d -> b (r s1) (c s2) d",
            b=tokens.shape[0], r=rows, s1=side, s2=side,
        )  # fmt: skip
        return merged[:, :height, :width]


class ResBlock(nn.Module):
    """1x1 expand, 3x3 depthwise, 1x1 reduce, residual: (B, C, H, W) kept."""

    def __init__(self, dim: int, ratio: int) -> None:
        super().__init__()
        hidden = dim * ratio
        self.net = nn.Sequential(
            nn.Conv2d(dim, hidden, 1),
            nn.LeakyReLU(LEAKY_SLOPE),
            nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden),
            nn.LeakyReLU(LEAKY_SLOPE),
            nn.Conv2d(hidden, dim, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x) + x


class Body(nn.Module):
    """A WindowTransformer and a ResBlock for each ratio."""

    def __init__(self, config: MobileSRConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList(
                [
                    WindowTransformer(config.n_feats, config.n_heads, config.window_size, ratio),
                    ResBlock(config.n_feats, ratio),
                ]
            )
            for ratio in config.ratios
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            for block in cast(nn.ModuleList, layer):
                x = block(x)
        return x


class Upsampler(nn.Sequential):
    """1x1 convolutions, a pixel shuffle after each: (B, C, H, W) -> (B, C, scale*H, scale*W)."""

    def __init__(self, dim: int, scale: int) -> None:
        steps = (2, 2) if scale == 4 else (scale,)
        super().__init__(
            *(part for r in steps for part in (nn.Conv2d(dim, dim * r * r, 1), nn.PixelShuffle(r)))
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self)
        for conv, shuffle in zip(parts[::2], parts[1::2], strict=True):
            if self.training:
                factor = cast(nn.PixelShuffle, shuffle).upscale_factor
                x = _upscaled(cast(nn.Conv2d, conv), x, factor)
            else:
                x = shuffle(conv(x))
        return x


def _upscaled(conv: nn.Conv2d, x: Tensor, factor: int) -> Tensor:
    """The same as the convolution and a pixel shuffle, at half the time in the layout of training.

    With the weight's rows in the order (row, column, channel) whole runs of channels are moved,
    forwards and backwards, where PyTorch's shuffle moves numbers.
    """
    rows = "(c i j) d h w -> (i j c) d h w"
    weight = rearrange(conv.weight, rows, i=factor, j=factor)
    bias = rearrange(cast(Tensor, conv.bias), "(c i j) -> (i j c)", i=factor, j=factor)
    mixed = F.conv2d(x, weight, bias).permute(0, 2, 3, 1)
    larger = rearrange(mixed, "b h w (i j c) -> b (h i) (w j) c", i=factor, j=factor)
    return larger.permute(0, 3, 1, 2)


class MobileSR(nn.Module):
    """RGB in [0, 1]: (B, 3, H, W) -> (B, 3, scale*H, scale*W); the output is not clamped."""

    def __init__(self, config: MobileSRConfig) -> None:
        super().__init__()
        self.config = config
        self.head = nn.Conv2d(3, config.n_feats, 3, padding=1)
        self.body = Body(config)
        self.fuse = nn.Conv2d(2 * config.n_feats, config.n_feats, 3, padding=1)
        self.upsapling = Upsampler(config.n_feats, config.scale)
        self.tail = nn.Conv2d(config.n_feats, 3, 3, padding=1)
        self.act = nn.LeakyReLU(LEAKY_SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        features = self.head(x)
        # The article reassigns x0 = body(x0) before the fuse, which applies the body once more
        # and fuses with the previous pass's output, not with the head's features.
        for _ in range(self.config.body_passes - 1):
            features = self.body(features)
        features = self.fuse(torch.cat([features, self.body(features)], dim=1))
        residual = self.tail(self.act(self.upsapling(features)))
        base = F.interpolate(
            x, scale_factor=self.config.scale, mode="bilinear", align_corners=False
        )
        return residual + base


def parameter_count(config: MobileSRConfig) -> int:
    """Number of weights, without allocating them."""
    with torch.device("meta"):
        return sum(p.numel() for p in MobileSR(config).parameters())
