"""Random architectures, small enough to run."""

from __future__ import annotations

from hypothesis import strategies as st

from models.config import MobileSRConfig


@st.composite
def configs(
    draw: st.DrawFn, max_head_dim: int = 4, max_depth: int = 3, max_window: int = 16
) -> MobileSRConfig:
    heads = draw(st.integers(1, 4))
    return MobileSRConfig(
        n_feats=heads * draw(st.integers(1, max_head_dim)),
        n_heads=heads,
        ratios=tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=max_depth))),
        window_size=draw(st.integers(1, max_window)),
        scale=draw(st.sampled_from([2, 3, 4])),
        body_passes=draw(st.integers(1, 3)),
    )


@st.composite
def parts_of(draw: st.DrawFn, full: MobileSRConfig) -> MobileSRConfig:
    """A config that is contained in `full`."""
    depth = draw(st.integers(1, full.depth))
    return full.model_copy(
        update={
            "n_feats": full.n_heads * draw(st.integers(1, full.head_dim)),
            "ratios": tuple(draw(st.integers(1, ratio)) for ratio in full.ratios[:depth]),
            "window_size": draw(st.integers(1, 16)),
            "body_passes": draw(st.integers(1, 3)),
        }
    )
