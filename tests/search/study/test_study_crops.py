"""Crops kept of a device's pictures: the same telling square of each, losslessly."""

from __future__ import annotations

import numpy as np
import pytest

from models.bicubic import upscale
from models.images import ImagePair, load_rgb, make_pair
from models.quality import luma
from search.study.crops import (
    BICUBIC,
    IMAGES,
    TRUTH,
    CropKeeper,
    CropPlaces,
    candidate_name,
    crop_file,
    places_file,
    telling_place,
)


def test_the_square_is_where_bicubic_errs_most(picture):
    pair = make_pair("p", picture(120, 144), 2)
    place = telling_place(pair, 24)
    error = np.square(luma(pair.hr) - luma(upscale(pair.lr, 2)))
    sums = {
        (top, left): error[top : top + 24, left : left + 24].sum()
        for top in range(0, 97, 8)
        for left in range(0, 121, 8)
    }
    chosen = error[place.top : place.top + 24, place.left : place.left + 24]
    assert chosen.shape == (24, 24)
    assert chosen.sum() >= max(sums.values()) * (1 - 1e-9)


@pytest.mark.parametrize(("height", "width"), [(20, 40), (40, 20), (96, 96), (12, 12)])
def test_a_small_image_gives_what_it_has(picture, height, width):
    place = telling_place(make_pair("p", picture(height, width), 4))
    assert place.side == min(height, width, 96)
    assert place.top + place.side <= height
    assert place.left + place.side <= width


def test_crops_come_back_as_they_were(picture, tmp_path):
    pairs = [make_pair(f"image {i}", picture(100 + 4 * i, 120, i), 4) for i in range(IMAGES + 2)]
    outputs = [picture(100 + 4 * i, 120, 50 + i) for i in range(IMAGES + 2)]
    CropKeeper(tmp_path, pairs).keep(7, outputs)
    places = CropPlaces.load(places_file(tmp_path)).places
    assert [place.image for place in places] == ["image 0", "image 1", "image 2"]
    for at, place in enumerate(places):
        for what, whole in (
            (candidate_name(7), outputs[at]),
            (TRUTH, pairs[at].hr),
            (BICUBIC, upscale(pairs[at].lr, 4)),
        ):
            assert np.array_equal(load_rgb(crop_file(tmp_path, what, at)), place.cut(whole))
    assert not crop_file(tmp_path, TRUTH, IMAGES).exists()


def test_a_resumed_run_keeps_the_same_squares(picture, tmp_path):
    pairs = [make_pair("a", picture(100, 120), 4)]
    CropKeeper(tmp_path, pairs).keep(0, [pairs[0].hr])
    before = places_file(tmp_path).read_bytes()
    CropKeeper(tmp_path, [ImagePair("a", pairs[0].hr.copy(), pairs[0].lr)]).keep(1, [pairs[0].hr])
    assert places_file(tmp_path).read_bytes() == before
    assert len(list(tmp_path.glob("trial-*.png"))) == 2
