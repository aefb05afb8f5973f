"""`upscale`: what it says of the tile that it was asked to export."""

from __future__ import annotations

import pytest

from models.config import MobileSRConfig
from models.images import load_rgb, save_rgb
from models.weights import save_weights
from search.upscaling import UpscaleRequest, upscale_photo

SMALL = MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), window_size=4, scale=2)


@pytest.mark.parametrize(
    ("tile", "words"),
    [
        (
            "18x16",
            ["LR size 18x16 is padded for attention: window 4 computes 20x16, 11 % more. Without "
             "padding: --tile 16x16 or 20x16"],
        ),
        ("16x16", []),
    ],
)  # fmt: skip
def test_a_padded_tile_is_told_once_with_what_it_costs(
    tmp_path, picture, random_weights, tile, words
):
    save_rgb(tmp_path / "in.png", picture(21, 35, 3))
    save_weights(random_weights(SMALL), tmp_path / "weights.pt")
    request = UpscaleRequest(
        image=tmp_path / "in.png", output=tmp_path / "out.png", artifact=None,
        weights=tmp_path / "weights.pt", tile=tile, device="host", threads=1, timeout_s=60,
    )  # fmt: skip
    warned: list[str] = []
    upscale_photo(
        request, lambda loaded: loaded.config, lambda text: None, lambda done, total: None,
        warned.append,
    )  # fmt: skip
    assert warned == words
    assert load_rgb(tmp_path / "out.png").shape == (42, 70, 3)
