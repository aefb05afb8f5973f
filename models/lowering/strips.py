"""How a directly written graph is cut so that what it works on stays in the caches."""

from __future__ import annotations

from dataclasses import dataclass

from models.config import MobileSRConfig

# fp32.
_VALUE_BYTES = 4


@dataclass(frozen=True)
class StripPlan:
    """Sizes of the pieces that are computed one after the other.

    Attributes:
        window_rows: rows of attention windows in a strip of the features.
        windows: windows whose scores are held at once.
        tail_rows: LR rows upsampled at once.
    """

    window_rows: int
    windows: int
    tail_rows: int


def whole(config: MobileSRConfig, height: int, width: int) -> StripPlan:
    """No strips: everything at once."""
    rows, columns = -(-height // config.window_size), -(-width // config.window_size)
    return StripPlan(rows, rows * columns, height)


def plan_for(config: MobileSRConfig, height: int, width: int, cache_bytes: int) -> StripPlan:
    """Pieces of about `cache_bytes`; `whole` for 0.

    What is counted is the largest tensor of each stage: the hidden layer of the widest MLP or
    ResBlock, the attention scores, and the tail's values at output size. The last are written
    and read but once, so twice as much of them does no harm. Up to twice its room, a stage is
    quicker whole than in pieces.
    """
    everything = whole(config, height, width)
    if cache_bytes == 0:
        return everything
    side, pixel = config.window_size, config.n_feats * _VALUE_BYTES
    hidden_row = width * side * pixel * max(config.ratios)
    scores = config.n_heads * side**4 * _VALUE_BYTES
    tail_row = width * pixel * config.scale**2
    window_rows = _fitting(cache_bytes, hidden_row, everything.window_rows)
    return StripPlan(
        window_rows=window_rows,
        windows=_fitting(cache_bytes, scores, window_rows * -(-width // side)),
        tail_rows=_fitting(2 * cache_bytes, tail_row, height),
    )


def _fitting(room: int, each: int, count: int) -> int:
    """How many of `count` make a piece of about `room` bytes, all pieces nearly alike."""
    if count * each <= 2 * room:
        return count
    pieces = -(-count // max(1, round(room / each)))
    return -(-count // pieces)
