"""The supernet that comes with the package: a first search trains nothing.

What it was trained on and what it is not: docs/quality.md. It is made by
`mobilesr-tune train --recipe models/recipes/shipped.toml`, then `shipped_second.toml`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from models.errors import WeightsError
from models.origin import WeightsOrigin
from models.slicing import contains
from models.training.space import ConfigSpace
from models.weights import Weights, load_weights

FOLDER = Path(__file__).with_name("shipped_weights")
FILES = {4: FOLDER / "supernet_x4.pt"}


@cache
def shipped_weights(scale: int) -> Weights:
    """The shipped supernet of a scale.

    Raises:
        WeightsError: there is none for this scale, or the package is incomplete.
    """
    if scale not in FILES:
        raise WeightsError(f"no supernet of scale {scale} comes with the package: train one")
    if not FILES[scale].is_file():
        raise WeightsError(f"the package lacks {FILES[scale].name}: install it anew")
    return replace(load_weights(FILES[scale]), origin=WeightsOrigin.SHIPPED)


def shipped_for(space: ConfigSpace) -> Weights | None:
    """The shipped supernet where it was trained for the whole space, else None.

    The body passes change no tensor, but another number of them was not trained.

    Raises:
        WeightsError: the package is incomplete.
    """
    largest = space.largest()
    if largest.scale not in FILES:
        return None
    weights = shipped_weights(largest.scale)
    whole = weights.config
    if whole is None or whole.body_passes != largest.body_passes:
        return None
    return weights if contains(whole, largest) else None
