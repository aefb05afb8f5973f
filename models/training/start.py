"""What a training starts from: weights that contain, or are contained in, its largest config."""

from __future__ import annotations

import torch
from torch import Tensor

from models.config import MobileSRConfig
from models.errors import WeightsError
from models.slicing import contains, slice_state
from models.weights import State, Weights, check_state


def common_part(one: MobileSRConfig, other: MobileSRConfig) -> MobileSRConfig | None:
    """The largest config contained in both, or None; the window is that of `other`."""
    if one.n_heads != other.n_heads or one.scale != other.scale:
        return None
    return other.model_copy(
        update={
            "n_feats": min(one.n_feats, other.n_feats),
            "ratios": tuple(min(a, b) for a, b in zip(one.ratios, other.ratios, strict=False)),
        }
    )


def start_from(weights: Weights, full: MobileSRConfig, state: State) -> MobileSRConfig:
    """Write what `weights` shares with `full` into `state`, in place.

    Cut out of `state` afterwards, the shared config gives exactly the weights it had. Output
    columns of channels that are new start at zero, so that larger configs start near it too.

    Returns:
        The shared config.

    Raises:
        WeightsError: nothing is shared: other heads or another scale, or a file that does not
            say its architecture and is not that of `full`.
    """
    source = weights.config
    if source is None:
        check_state(weights.state, full, weights.source)
        source = full
    shared = common_part(source, full)
    if shared is None or not contains(full, shared):
        raise WeightsError(
            f"{weights.source} holds {source.key}, of which {full.key} shares nothing: heads and "
            "scale must be the same"
        )
    cut = slice_state(weights.state, source, shared)
    if shared.n_feats < full.n_feats:
        state["tail.weight"][:, shared.n_feats :] = 0.0
    for name, positions in slice_state(_positions(state), full, shared).items():
        state[name].view(-1)[positions.flatten()] = cut[name].flatten().to(state[name])
    return shared


def _positions(state: State) -> dict[str, Tensor]:
    """Each tensor's own flat positions: cut like weights, they tell where a cut came from."""
    return {name: torch.arange(t.numel()).reshape(t.shape) for name, t in state.items()}
