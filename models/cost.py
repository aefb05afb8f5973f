"""Multiply-accumulates of a config at an LR size, counted from the layer shapes.

Published FLOPs of MobileSR leave the attention matmuls out, so they are counted here: 15.3 G
for the published model at 256x256 with window 8, 14.0 G with window 4, 20.3 G with window 16.
"""

from __future__ import annotations

from models.config import MobileSRConfig


def macs(config: MobileSRConfig, lr_height: int, lr_width: int) -> int:
    """MACs of one forward pass of the network as written, at (lr_height, lr_width)."""
    n, scale, side = config.n_feats, config.scale, config.window_size
    pixels = lr_height * lr_width
    padded = (lr_height + -lr_height % side) * (lr_width + -lr_width % side)
    body = 0
    for ratio in config.ratios:
        position, mlp = 9 * n, 2 * n * n * ratio
        resblock = 2 * n * n * ratio + 9 * n * ratio
        # Projections and both attention matmuls run over the window padding as well.
        attention = 4 * n * n + 2 * side * side * n
        body += pixels * (position + mlp + resblock) + padded * attention
    head, fuse = 27 * n, 18 * n * n
    upsampling = 4 * n * n + 4 * 4 * n * n if scale == 4 else scale * scale * n * n
    tail = 27 * n * scale * scale
    return body * config.body_passes + pixels * (head + fuse + upsampling + tail)
