"""`models.window_padding`: what padding costs, and sizes that cost nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.window_padding import padding_sentence, padding_share, suggested_sizes

SIDES = st.integers(1, 4096)
WINDOWS = st.lists(st.integers(1, 16), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("size", "window", "share"),
    [((180, 320), 8, 184 / 180 - 1), ((64, 64), 3, (66 / 64) ** 2 - 1), ((64, 64), 8, 0.0)],
)
def test_the_share_is_of_the_pixels(size: tuple[int, int], window: int, share: float) -> None:
    assert padding_share(size, window) == pytest.approx(share)


def test_the_sentence_names_cost_and_sizes() -> None:
    assert padding_sentence((180, 320), (8,)) == (
        "LR size 180x320 is padded for attention: window 8 computes 184x320, 2 % more. Without "
        "padding: --lr-size 176x320 or 184x320"
    )
    assert padding_sentence((36, 36), (4, 8)) == (
        "LR size 36x36 is padded for attention: window 8 computes 40x40, 23 % more; compared with "
        "other windows it looks slower than it is. Without padding: --lr-size 32x32 or 40x40"
    )
    assert padding_sentence((64, 64), (4, 8)) == ""


def test_windows_without_a_common_multiple_are_told_so() -> None:
    assert suggested_sizes((64, 64), (61, 63, 64)) == []
    assert padding_sentence((64, 64), (61, 63, 64)).endswith("No LR size fits all of them")


@given(st.tuples(SIDES, SIDES), WINDOWS)
def test_suggested_sizes_are_never_padded(size: tuple[int, int], windows: list[int]) -> None:
    found = suggested_sizes(size, windows)
    assert found
    for height, width in found:
        assert 1 <= height <= 4096
        assert 1 <= width <= 4096
        assert padding_sentence((height, width), windows) == ""
    assert (size in found) == (padding_sentence(size, windows) == "")
