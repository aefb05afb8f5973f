"""The delegate-friendly form of MobileSR: equal arithmetic, one XNNPACK delegate.

`DeployMobileSR` rebuilds a trained `MobileSR` for one LR size. What differs from the network as
written, and why (XNNPACK delegates only what its partitioner knows, with static shapes):

* LayerNorm becomes a centring matmul, a mean of squares as a C->1 matmul whose bias is eps, and
  a reciprocal square root; its affine and the attention scale move into the projections behind
  it. The zero tokens of the window padding are therefore added *after* q, k and v: without a
  projection bias the padded rows of the original are zero there as well.
* Attention is two 3-D batched matmuls over (windows * heads); one 6-D permute each brings q, k
  and v into place. `einsum` would leave `expand_copy` on portable kernels.
* The upsampling convolutions are pointwise and linear up to LeakyReLU, so the two of scale 4 are
  one; LeakyReLU is pointwise too and may come before the pixel shuffle. The 3x3 tail after the
  shuffle is then a linear map from the `scale**2 * C` values of an LR pixel to its contributions
  to a (scale+2)x(scale+2) patch of the output; overlapping patches are added. The tensor of
  C channels at output size, the largest of the network, never exists, and a matmul with
  `3 * (scale+2)**2` columns replaces a convolution with three.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.network import LEAKY_SLOPE, MobileSR, WindowTransformer

# LR rows computed at a time in the tail: bounds its memory and keeps it near the caches.
# 40 rows of 320 px with 640 channels are 33 MB; more strips lower more slowly.
TAIL_STRIP_BYTES = 32 * 2**20


class CentredNorm(nn.Module):
    """LayerNorm without its affine: (..., C) -> (..., C)."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        channels = norm.normalized_shape[0]
        mean = torch.full((channels, channels), 1.0 / channels, dtype=torch.float64)
        self.centre = nn.Linear(channels, channels, bias=False)
        self.variance = nn.Linear(channels, 1)
        self.centre.weight.data = (torch.eye(channels, dtype=torch.float64) - mean).float()
        self.variance.weight.data = mean[:1].float()
        self.variance.bias.data = torch.full((1,), norm.eps)

    def forward(self, x: Tensor) -> Tensor:
        centred = self.centre(x)
        return centred * torch.rsqrt(self.variance(centred * centred))


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight.data = weight.float().contiguous()
    if bias is not None:
        layer.bias.data = bias.float().contiguous()
    return layer


def _behind_norm(weight: Tensor, bias: Tensor | None, norm: nn.LayerNorm) -> nn.Linear:
    """`weight @ (gain * n + shift) + bias` as one linear layer of the bare normalised `n`."""
    weight = weight.double()
    moved = weight @ norm.bias.double()
    return _linear(weight * norm.weight.double(), moved if bias is None else moved + bias.double())


class DeployTransformer(nn.Module):
    """`WindowTransformer` for one LR size: (1, C, H, W) kept."""

    def __init__(self, block: WindowTransformer, height: int, width: int) -> None:
        super().__init__()
        side = block.window_size
        channels = block.norm1.normalized_shape[0]
        self.heads = block.attn.n_heads
        self.head_dim = channels // self.heads
        self.size = (height, width)
        self.pad = (-height % side, -width % side)
        self.grid = ((height + self.pad[0]) // side, (width + self.pad[1]) // side)
        self.side = side
        self.pos_embed = block.pos_embed
        self.norm1 = CentredNorm(block.norm1)
        q, k, v = block.attn.qkv.weight.data.chunk(3, dim=0)
        self.q = _behind_norm(q * block.attn.scale, None, block.norm1)
        self.k = _behind_norm(k, None, block.norm1)
        self.v = _behind_norm(v, None, block.norm1)
        self.proj_out = block.attn.proj_out
        self.norm2 = CentredNorm(block.norm2)
        expand, reduce = cast(nn.Linear, block.mlp.fc[0]), cast(nn.Linear, block.mlp.fc[2])
        self.mlp_in = _behind_norm(expand.weight.data, expand.bias.data, block.norm2)
        self.mlp_out = reduce

    def forward(self, x: Tensor) -> Tensor:
        tokens = (x + self.pos_embed(x)).permute(0, 2, 3, 1)
        normed = self.norm1(tokens)
        tokens = tokens + self._attend(normed)
        tokens = tokens + self.mlp_out(F.gelu(self.mlp_in(self.norm2(tokens))))
        return tokens.permute(0, 3, 1, 2)

    def _attend(self, normed: Tensor) -> Tensor:
        (rows, columns), side = self.grid, self.side
        windows, area = rows * columns * self.heads, side * side
        q = self._split(self.q(normed)).permute(0, 2, 4, 1, 3, 5)
        k = self._split(self.k(normed)).permute(0, 2, 4, 5, 1, 3)
        v = self._split(self.v(normed)).permute(0, 2, 4, 1, 3, 5)
        scores = torch.bmm(
            q.reshape(windows, area, self.head_dim), k.reshape(windows, self.head_dim, area)
        )
        mixed = torch.bmm(scores.softmax(dim=-1), v.reshape(windows, area, self.head_dim))
        merged = mixed.reshape(rows, columns, self.heads, side, side, self.head_dim)
        merged = merged.permute(0, 3, 1, 4, 2, 5).reshape(
            1, rows * side, columns * side, self.heads * self.head_dim
        )
        height, width = self.size
        if self.pad[0]:
            merged = merged[:, :height]
        if self.pad[1]:
            merged = merged[:, :, :width]
        return self.proj_out(merged)

    def _split(self, tokens: Tensor) -> Tensor:
        """(1, H, W, C) -> (rows, side, columns, side, heads, head_dim), zero-padded."""
        if any(self.pad):
            tokens = F.pad(tokens, (0, 0, 0, self.pad[1], 0, self.pad[0]))
        (rows, columns), side = self.grid, self.side
        return tokens.reshape(rows, side, columns, side, self.heads, self.head_dim)


def _pointwise(conv: nn.Module) -> tuple[Tensor, Tensor]:
    """A 1x1 convolution as matrix and bias, in float64."""
    layer = cast(nn.Conv2d, conv)
    return layer.weight.data.double().flatten(1), _bias(layer).double()


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias.data


def fused_upsampling(model: MobileSR) -> tuple[Tensor, Tensor]:
    """Weight (scale**2 * C, C) and bias of the whole upsampling as one pointwise map.

    Output rows are ordered (sub-row, sub-column, channel).
    """
    channels, scale = model.config.n_feats, model.config.scale
    weight, bias = _pointwise(model.upsapling[0])
    if scale == 4:
        outer, outer_bias = _pointwise(model.upsapling[2])
        # PixelShuffle(2) turns row m*4 + (i*2+j) into channel m of sub-pixel (i, j).
        weight = weight.reshape(channels, 4, channels).transpose(0, 1)
        bias = bias.reshape(channels, 4).T
        weight = outer @ weight  # (4 sub-pixels, 4C, C)
        bias = bias @ outer.T + outer_bias
        # Rows of 4C are (channel, inner i, inner j); sub-pixels are (outer i, outer j).
        weight = weight.reshape(2, 2, channels, 2, 2, channels).permute(0, 3, 1, 4, 2, 5)
        bias = bias.reshape(2, 2, channels, 2, 2).permute(0, 3, 1, 4, 2)
    else:
        weight = weight.reshape(channels, scale, scale, channels).permute(1, 2, 0, 3)
        bias = bias.reshape(channels, scale, scale).permute(1, 2, 0)
    return weight.reshape(-1, channels), bias.reshape(-1)


def patch_tail(model: MobileSR) -> Tensor:
    """The 3x3 tail as a map from an LR pixel's sub-pixels to its patch of the output.

    Returns (3 * (scale+2)**2, scale**2 * C): rows (patch row, patch column, colour), columns
    (sub-row, sub-column, channel).
    """
    scale, channels = model.config.scale, model.config.n_feats
    kernel = model.tail.weight.data.double()  # (3, C, 3, 3), cross-correlation
    patch = scale + 2
    weight = torch.zeros(patch, patch, 3, scale, scale, channels, dtype=torch.float64)
    for i in range(scale):
        for j in range(scale):
            for dy in range(3):
                for dx in range(3):
                    # Sub-pixel (i, j) is seen through tap (dy, dx) by output (i-dy+1, j-dx+1);
                    # the patch begins one pixel above and left of the LR pixel's own block.
                    weight[i - dy + 2, j - dx + 2, :, i, j, :] += kernel[:, :, dy, dx]
    return weight.reshape(patch * patch * 3, scale * scale * channels)


class PatchTail(nn.Module):
    """Upsampling, LeakyReLU and tail: (1, C, H, W) -> (1, 3, scale*H, scale*W)."""

    def __init__(self, model: MobileSR, height: int, width: int) -> None:
        super().__init__()
        self.scale = model.config.scale
        self.size = (height, width)
        self.upsample = _linear(*fused_upsampling(model))
        self.patches = _linear(patch_tail(model), None)
        self.colour_bias = nn.Parameter(_bias(model.tail).reshape(1, 3, 1, 1).clone())
        row_bytes = width * self.upsample.out_features * 4
        self.strip_rows = max(1, min(height, TAIL_STRIP_BYTES // row_bytes))

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.permute(0, 2, 3, 1)
        height = self.size[0]
        strips = []
        for top in range(0, height, self.strip_rows):
            # A slice that keeps everything would stay behind as `alias_copy`.
            whole = self.strip_rows >= height
            strip = tokens if whole else tokens[:, top : min(top + self.strip_rows, height)]
            wide = F.leaky_relu(self.upsample(strip), LEAKY_SLOPE)
            strips.append(self.patches(wide))
        patches = torch.cat(strips, dim=1) if len(strips) > 1 else strips[0]
        return self._overlap_add(patches) + self.colour_bias

    def _overlap_add(self, patches: Tensor) -> Tensor:
        """(1, H, W, (scale+2) * (scale+2) * 3) -> (1, 3, scale*H, scale*W)."""
        scale, (height, width) = self.scale, self.size
        patch = scale + 2
        # Rows first: each LR row holds `patch` output rows, of which the first belongs to the
        # row above and the last to the row below.
        rows = patches.reshape(height, width, patch, patch * 3).permute(0, 2, 1, 3)
        rows = self._fold(rows, height, width * patch * 3)
        columns = rows.reshape(height * scale, width, patch, 3).permute(1, 2, 0, 3)
        columns = self._fold(columns, width, height * scale * 3)
        image = columns.reshape(1, width * scale, height * scale, 3)
        return image.permute(0, 3, 2, 1)

    def _fold(self, blocks: Tensor, count: int, inner: int) -> Tensor:
        """(count, scale+2, ...) -> (count, scale, inner), overlaps added, outermost dropped."""
        scale = self.scale
        blocks = blocks.reshape(count, scale + 2, inner)
        own = blocks[:, 1 : scale + 1]
        above, below = blocks[:, :1], blocks[:, scale + 1 :]
        # The first row of block i+1 lands on the last row of block i, and the other way round.
        from_next = F.pad(above[1:], (0, 0, 0, 0, 0, 1)) if count > 1 else above * 0.0
        from_previous = F.pad(below[:-1], (0, 0, 0, 0, 1, 0)) if count > 1 else below * 0.0
        first, last = own[:, :1] + from_previous, own[:, scale - 1 :] + from_next
        if scale == 2:
            return torch.cat([first, last], dim=1)
        return torch.cat([first, own[:, 1 : scale - 1], last], dim=1)


class DeployMobileSR(nn.Module):
    """`MobileSR` for one LR size: (1, 3, H, W) in [0, 1] -> (1, 3, scale*H, scale*W)."""

    def __init__(self, model: MobileSR, height: int, width: int) -> None:
        super().__init__()
        self.config = model.config
        self.head = model.head
        blocks: list[nn.Module] = []
        for layer in model.body.layers:
            transformer, resblock = cast(nn.ModuleList, layer)
            assert isinstance(transformer, WindowTransformer)
            blocks += [DeployTransformer(transformer, height, width), resblock]
        self.body = nn.Sequential(*blocks)
        self.fuse = model.fuse
        self.tail = PatchTail(model, height, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(x) + self.base(x)

    def residual(self, x: Tensor) -> Tensor:
        """What the network adds to the bilinear base."""
        features = self.head(x)
        for _ in range(self.config.body_passes - 1):
            features = self.body(features)
        return cast(Tensor, self.tail(self.fuse(torch.cat([features, self.body(features)], dim=1))))

    def base(self, x: Tensor) -> Tensor:
        """`x`, upscaled bilinearly."""
        return F.interpolate(
            x, scale_factor=self.config.scale, mode="bilinear", align_corners=False
        )
