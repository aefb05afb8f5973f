"""What it costs when an LR size is no multiple of an attention window.

Attention runs in windows: sides that are no multiple are padded up to one, and the padding is
computed like everything else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from models.deployment import MAX_LR_SIDE


def padded_size(size: tuple[int, int], window: int) -> tuple[int, int]:
    """(height, width) in LR pixels that attention runs on."""
    height, width = (-(-side // window) * window for side in size)
    return height, width


def padding_share(size: tuple[int, int], window: int) -> float:
    """Pixels that attention computes for nothing, as a share of the image's: 0 costs nothing."""
    height, width = padded_size(size, window)
    return height * width / (size[0] * size[1]) - 1


def suggested_sizes(size: tuple[int, int], windows: Sequence[int]) -> list[tuple[int, int]]:
    """The next smaller and the next larger size that are multiples of every window.

    Empty where no side can be: windows of 61, 63 and 64 pixels have no multiple in common.
    """
    step = math.lcm(*windows)
    most = MAX_LR_SIDE // step
    if not most:
        return []
    smaller = [min(max(side // step, 1), most) * step for side in size]
    larger = [min(-(-side // step), most) * step for side in size]
    return [(height, width) for height, width in dict.fromkeys([(*smaller,), (*larger,)])]


def padding_sentence(
    size: tuple[int, int], windows: Sequence[int], option: str = "--lr-size"
) -> str:
    """What padding costs and which sizes avoid it; empty where nothing is padded.

    `option` is what the size was given by.
    """
    padding = [window for window in sorted(set(windows)) if padding_share(size, window) > 0]
    if not padding:
        return ""
    costs = ", ".join(
        "window {} computes {}x{}, {:.0f} % more".format(
            window, *padded_size(size, window), 100 * padding_share(size, window)
        )
        for window in padding
    )
    sizes = " or ".join(f"{h}x{w}" for h, w in suggested_sizes(size, windows))
    compared = (
        "; compared with other windows it looks slower than it is" if len(set(windows)) > 1 else ""
    )
    advice = f"Without padding: {option} {sizes}" if sizes else "No LR size fits all of them"
    return f"LR size {size[0]}x{size[1]} is padded for attention: {costs}{compared}. {advice}"
