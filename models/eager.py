"""What eager PyTorch answers: the judge of every exported program.

It is the network as written. So that judging costs no more than what is judged, features lie
channels last, and what is computed token by token or window by window is computed a piece at a
time: tensors that stay in the caches and come from memory that was used before. Attention
multiplies the transposes of its second product: a head has few channels, and PyTorch takes three
times as long for a product of few columns as for one of few rows.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn

from models.network import MobileSR, SelfAttention, WindowTransformer

# Of the scores of one piece's windows, or of the hidden values of one piece's rows.
_PIECE_BYTES = 2 * 2**20
# Of what the tail makes of one piece's rows, which it computes with one more on either side.
_TAIL_BYTES = 16 * 2**20
_FP32_BYTES = 4
# What fp32 loses in a network that does not make much of it: 2e-6 was seen.
_ROUNDING = 1e-5


class _InPieces(nn.Module):
    """A module that treats what lies along `axis` alike and apart, `count` of it at a time."""

    def __init__(self, whole: nn.Module, axis: int, count: int) -> None:
        super().__init__()
        self.whole, self.axis, self.count = whole, axis, count

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.count, self.axis)
        return torch.cat([self.whole(part) for part in parts], self.axis)


class _QuickAttention(nn.Module):
    """The same as the `SelfAttention` it holds, (windows, tokens, C), in half the time."""

    def __init__(self, whole: SelfAttention) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        layer = self.whole
        q, k, v = rearrange(layer.qkv(x), "b n (t h d) -> t b h n d", t=3, h=layer.n_heads)
        attention = (q @ k.transpose(-2, -1)).mul_(layer.scale).softmax(-1)
        mixed = v.transpose(-2, -1) @ attention.transpose(-2, -1)
        return layer.proj_out(rearrange(mixed, "b h d n -> b n (h d)"))


class _TailInPieces(nn.Module):
    """Features, (1, C, H, W), to what the network adds to the base; `rows` of them at a time.

    A row on either side is computed with them and dropped: the last convolution looks one row of
    the large picture around itself, and pads with zeros where it sees none.
    """

    def __init__(self, tail: nn.Sequential, scale: int, rows: int) -> None:
        super().__init__()
        self.tail, self.scale, self.rows = tail, scale, rows

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for start in range(0, x.shape[2], self.rows):
            first, last = max(0, start - 1), min(x.shape[2], start + self.rows)
            large = self.tail(x[:, :, first : last + 1])
            parts.append(large[:, :, (start - first) * self.scale : (last - first) * self.scale])
        return torch.cat(parts, 2)


def eager_answer(model: MobileSR, example: Tensor) -> Tensor:
    """What eager PyTorch answers to `example`, (1, 3, H, W); contiguous."""
    judge, config = copy.deepcopy(model).eval(), model.config
    judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
    scores_bytes = config.n_heads * config.window_size**4 * _FP32_BYTES
    for layer, ratio in zip(judge.body.layers, config.ratios, strict=True):
        block = cast(nn.ModuleList, layer)[0]
        assert isinstance(block, WindowTransformer)
        row_bytes = example.shape[3] * config.n_feats * ratio * _FP32_BYTES
        attention = _QuickAttention(block.attn)
        # (windows, tokens, C) and (1, H, W, C).
        block.attn = _InPieces(attention, 0, max(1, _PIECE_BYTES // scores_bytes))  # type: ignore[assignment]  # as good as the module it holds
        block.mlp = _InPieces(block.mlp, 1, max(1, _PIECE_BYTES // row_bytes))  # type: ignore[assignment]
    large_row_bytes = example.shape[3] * config.scale**2 * config.n_feats * _FP32_BYTES
    judge.tail = _TailInPieces(  # type: ignore[assignment]
        nn.Sequential(judge.upsapling, judge.act, judge.tail), config.scale,
        max(1, _TAIL_BYTES // large_row_bytes),
    )  # fmt: skip
    judge.upsapling, judge.act = nn.Identity(), nn.Identity()  # type: ignore[assignment]
    with torch.inference_mode():
        return judge(example.contiguous(memory_format=torch.channels_last)).contiguous()


def rounding_sentence(model: MobileSR, example: Tensor, expected: Tensor) -> str:
    """Whether these weights make much of rounding, and what to do then; empty where they do not.

    A norm of few channels is nearly a step from -1 to 1 (LayerNorm divides by their spread, of two
    by the distance between them): where it steps, one fp32 arithmetic cannot be told from another.
    """
    exact = eager_answer(copy.deepcopy(model).double(), example.double())
    own = float((exact - expected).abs().max())
    if not own > _ROUNDING:
        return ""
    return (
        f"; eager PyTorch itself is off by {own:.3g} in single precision, so that no device can be "
        f"held to it: with {model.config.n_feats} channels these weights make much of rounding. "
        "Choose more channels (n_feats), or other weights"
    )
