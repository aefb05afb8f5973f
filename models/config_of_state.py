"""Which architecture tensors are of, as far as their shapes tell: to advise, never to decide."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from models.checkpoint_forms import LANDMARK
from models.config import MobileSRConfig
from models.errors import ConfigError


def config_of_state(state: Mapping[str, Tensor], like: MobileSRConfig) -> MobileSRConfig | None:
    """The config whose weights have these shapes, if any.

    Heads, window and body passes leave no trace in them: they are those of `like`, and one head
    where its number of heads does not divide the channels.
    """
    try:
        n_feats = state[LANDMARK].shape[0]
        depth = len({name.split(".")[2] for name in state if name.startswith("body.layers.")})
        ratios = tuple(
            state[f"body.layers.{block}.0.mlp.fc.0.weight"].shape[0] // n_feats
            for block in range(depth)
        )
        # Scale 4 shuffles twice by 2, scales 2 and 3 once.
        shuffled = state["upsapling.0.weight"].shape[0] // n_feats
        scale = 4 if "upsapling.2.weight" in state else {4: 2, 9: 3}[shuffled]
        heads = like.n_heads if n_feats % like.n_heads == 0 else 1
        fields = like.model_dump() | {
            "n_feats": n_feats, "n_heads": heads, "ratios": ratios, "scale": scale,
        }  # fmt: skip
        return MobileSRConfig.build(**fields)
    except (KeyError, IndexError, ZeroDivisionError, ConfigError):
        return None
