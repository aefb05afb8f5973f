"""Random search spaces."""

from __future__ import annotations

from hypothesis import strategies as st

from search.space import SearchSpace

PRECISIONS = ("fp32", "fp16", "int8")


def _some(values: st.SearchStrategy[int], most: int = 3) -> st.SearchStrategy[list[int]]:
    return st.lists(values, min_size=1, max_size=most, unique=True)


@st.composite
def spaces(draw: st.DrawFn, most_precisions: int = 1) -> SearchSpace:
    """In fp32 alone, or in up to so many precisions."""
    heads = draw(st.integers(1, 4))
    return SearchSpace(
        n_feats=[heads * n for n in draw(_some(st.integers(1, 8)))],
        depths=draw(_some(st.integers(1, 3), most=2)),
        ratios=draw(_some(st.integers(1, 4))),
        window_sizes=draw(_some(st.integers(1, 16))),
        n_heads=heads,
        scale=draw(st.sampled_from([2, 3, 4])),
        body_passes=draw(st.integers(1, 2)),
        precisions=draw(st.permutations(PRECISIONS))[: draw(st.integers(1, most_precisions))]
        if most_precisions > 1
        else ["fp32"],
    )
