"""`models.tiling`: every pixel is covered once, windows stay where they were, seams do not show."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import ConfigError
from models.tiling import TilePlan, cut, merge, plan_tiles

SCALE = 3


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(
        0, 256, (height, width, 3), dtype=np.uint8
    )


def enlarged(image: np.ndarray, scale: int = SCALE) -> np.ndarray:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


@st.composite
def plans(draw) -> TilePlan:
    window = draw(st.sampled_from([1, 2, 4, 8]))
    sides = [draw(st.integers(1, 70)) for _ in range(2)]
    tiles = [draw(st.integers(window, 40)) for _ in range(2)]
    overlap = draw(st.none() | st.integers(0, 24))
    try:
        return plan_tiles(*sides, *tiles, window, overlap)
    except ConfigError:
        assume(False)
        raise


@given(plans())
def test_identity_network_gives_the_image_back(plan):
    image = picture(plan.height, plan.width)
    outputs = [enlarged(tile) for tile in cut(image, plan)]
    assert (merge(outputs, plan, SCALE) == enlarged(image)).all()


@given(plans())
def test_shares_of_all_tiles_sum_to_one_everywhere(plan):
    # Whatever the tiles hold: a pixel's value lies between those of the tiles that cover it.
    low, high = 40, 200
    shape = (SCALE * plan.tile_height, SCALE * plan.tile_width, 3)
    for level in (low, high):
        tiles = [np.full(shape, level, np.uint8)] * plan.count
        assert (merge(tiles, plan, SCALE) == level).all()
    mixed = [np.full(shape, (low, high)[k % 2], np.uint8) for k in range(plan.count)]
    merged = merge(mixed, plan, SCALE)
    assert merged.min() >= low
    assert merged.max() <= high


@given(plans())
def test_tiles_have_the_size_the_origins_the_alignment(plan):
    for tile in cut(picture(plan.height, plan.width), plan):
        assert tile.shape == (plan.tile_height, plan.tile_width, 3)
        assert tile.flags.c_contiguous
    for origins, length, tile in (
        (plan.tops, plan.height, plan.tile_height),
        (plan.lefts, plan.width, plan.tile_width),
    ):
        assert origins[0] == 0
        assert all(origin % plan.window_size == 0 for origin in origins)
        assert origins[-1] + tile >= length
        # No tile but the last reaches the image's end, none wastes a window beyond it.
        assert all(origin + tile < length for origin in origins[:-1])
        assert len(origins) == 1 or origins[-1] + tile - length < plan.window_size


@given(plans())
def test_nothing_near_an_artificial_edge_is_used(plan):
    # Poison the sides of each tile that are not the image's, as deep as half the overlap, less
    # the two LR pixels that the cross-fade reaches to either side of its middle.
    image = np.full((plan.height, plan.width, 3), 100, np.uint8)
    outputs = [enlarged(tile) for tile in cut(image, plan)]
    deep_y, deep_x = (SCALE * max(overlap // 2 - 2, 0) for overlap in plan.overlaps)
    for output, (top, left) in zip(outputs, plan.origins, strict=True):
        if top:
            output[:deep_y] = 255
        if left:
            output[:, :deep_x] = 255
        if top != plan.tops[-1]:
            output[output.shape[0] - deep_y :] = 255
        if left != plan.lefts[-1]:
            output[:, output.shape[1] - deep_x :] = 255
    assert (merge(outputs, plan, SCALE) == 100).all()


@pytest.mark.parametrize(
    ("length", "tile", "window", "overlap", "origins"),
    [
        (64, 64, 8, 16, (0,)),
        (1, 64, 8, 16, (0,)),
        (65, 64, 8, 16, (0, 8)),
        (128, 64, 8, 0, (0, 64)),
        (128, 64, 8, 16, (0, 32, 64)),
        (112, 64, 8, 16, (0, 48)),
        # 180 holds 22 whole windows of 8; the half one at its end is not relied upon.
        (356, 180, 8, 0, (0, 176)),
        # No multiple of the window, but one tile is enough.
        (5, 5, 8, 0, (0,)),
        # By default a quarter of a small tile: 8 of 32.
        (64, 32, 8, None, (0, 16, 32)),
        (16, 8, 8, None, (0, 8)),
    ],
)
def test_origins(length, tile, window, overlap, origins):
    assert plan_tiles(length, length, tile, tile, window, overlap).tops == origins


@given(plans(), st.integers(0, 24))
def test_overlap_is_at_least_what_was_asked_for(plan, overlap):
    try:
        asked = plan_tiles(
            plan.height, plan.width, plan.tile_height, plan.tile_width, plan.window_size, overlap
        )
    except ConfigError:
        return
    for got, origins in zip(asked.overlaps, (asked.tops, asked.lefts), strict=True):
        assert len(origins) == 1 or got >= overlap


def test_beyond_the_image_it_is_mirrored():
    image = picture(3, 2)
    (tile,) = cut(image, plan_tiles(3, 2, 5, 4, 1))
    assert (tile[:3, :2] == image).all()
    assert (tile[3:, :2] == image[[2, 1]]).all()
    assert (tile[:3, 2:] == image[:, [1, 0]]).all()


def test_seam_is_cross_faded():
    plan = plan_tiles(8, 112, 8, 64, 8, 16)
    left, right = (np.full((8, 64, 3), level, np.uint8) for level in (100, 140))
    row = merge([left, right], plan, 1)[0, :, 0].astype(int)
    assert row[:48].tolist() == [100] * 48
    assert row[64:].tolist() == [140] * 48
    assert np.diff(row).max() <= 10  # A quarter of the step a pixel.
    assert row[54:58].tolist() == [105, 115, 125, 135]


def test_describes_itself_in_json():
    plan = plan_tiles(65, 64, 64, 64, 8, 16)
    assert json.loads(json.dumps(plan.describe())) == {
        "image": [65, 64],
        "tile": [64, 64],
        "window_size": 8,
        "tops": [0, 8],
        "lefts": [0],
        "overlaps": [56, 0],
        "fade": 4,
        "padding": "symmetric",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 10, 8, 8, 8, 0), "the image has a side of 0"),
        ((10, 10, 8, 0, 8, 0), "the tile has a side of 0"),
        ((10, 10, 8, 8, 0, 0), "the window has a side of 0"),
        ((10, 10, 8, 8, 8, -1), "overlap by -1"),
        ((100, 100, 32, 32, 8, 25), "by 24 at most, not by 25.*--lr-size"),
        ((100, 100, 7, 7, 8, 0), "no window of 8.*--lr-size"),
    ],
)
def test_refuses_plans_that_cannot_work(arguments, message):
    with pytest.raises(ConfigError, match=message):
        plan_tiles(*arguments)


def test_refuses_images_and_tiles_of_other_sizes():
    plan = plan_tiles(10, 10, 8, 8, 8, 0)
    with pytest.raises(ConfigError, match="the image to cut"):
        cut(picture(10, 11), plan)
    with pytest.raises(ConfigError, match="3 output tiles for a plan of 4"):
        merge([picture(8, 8)] * 3, plan, 1)
    with pytest.raises(ConfigError, match="an output tile"):
        merge([picture(8, 9)] * 4, plan, 1)
