"""`models.quality`: against formulas worked by hand and scikit-image's SSIM."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from models.errors import ImageError
from models.quality import (
    PSNR_OF_EQUAL_DB,
    QualityScore,
    luma,
    mean_score,
    psnr_rgb_db,
    psnr_y_db,
    score,
    ssim_y,
)


def noisy_pair(seed: int, size: tuple[int, int] = (40, 33), spread: int = 30):
    rng = np.random.default_rng(seed)
    smooth = np.linspace(20, 220, size[0])[:, None, None] * np.ones((1, size[1], 3))
    target = np.clip(smooth + rng.normal(0, 25, smooth.shape), 0, 255).astype(np.uint8)
    output = np.clip(target + rng.normal(0, spread, smooth.shape), 0, 255).astype(np.uint8)
    return output, target


@pytest.mark.parametrize(
    ("rgb", "y"),
    [((0, 0, 0), 16.0), ((255, 255, 255), 235.0), ((255, 0, 0), 81.481), ((0, 0, 255), 40.966)],
)
def test_luma_is_bt601_in_studio_range(rgb, y):
    image = np.array(rgb, np.uint8).reshape(1, 1, 3)
    assert luma(image)[0, 0] == pytest.approx(y, abs=1e-9)


def test_psnr_of_a_constant_offset():
    target = np.full((20, 20, 3), 100, np.uint8)
    output = target + np.uint8(4)
    assert psnr_rgb_db(output, target, 4) == pytest.approx(20 * math.log10(255 / 4))
    # Studio range: the same offset on all channels moves Y by 219/255 of it.
    offset = 4 * 219 / 255
    assert psnr_y_db(output, target, 4) == pytest.approx(20 * math.log10(255 / offset))


def test_border_is_shaved_on_every_side():
    target = np.full((20, 24, 3), 100, np.uint8)
    output = np.zeros_like(target)
    output[4:-4, 4:-4] = 101
    assert psnr_rgb_db(output, target, 4) == pytest.approx(20 * math.log10(255))
    assert psnr_rgb_db(output, target, 3) < 20


def test_equal_images_have_finite_scores():
    output, _ = noisy_pair(0)
    result = score(output, output, 4)
    assert result == QualityScore(PSNR_OF_EQUAL_DB, PSNR_OF_EQUAL_DB, pytest.approx(1.0))
    json.dumps(dataclasses.asdict(result), allow_nan=False)


def test_one_level_in_a_large_image_is_not_better_than_equality():
    target = np.zeros((1500, 1500, 3), np.uint8)
    output = target.copy()
    output[700, 700, 2] = 1
    assert psnr_rgb_db(output, target, 4) <= PSNR_OF_EQUAL_DB


@given(st.integers(0, 1000), st.sampled_from([0, 2, 4]), st.integers(1, 60))
def test_ssim_equals_that_of_scikit_image(seed, border, spread):
    output, target = noisy_pair(seed, spread=spread)
    inside = slice(border, -border or None)
    expected = structural_similarity(
        luma(output)[inside, inside],
        luma(target)[inside, inside],
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )
    assert ssim_y(output, target, border) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 1000))
def test_scores_are_symmetric_and_flip_invariant(seed):
    output, target = noisy_pair(seed)
    first = dataclasses.astuple(score(output, target, 2))
    assert dataclasses.astuple(score(target, output, 2)) == pytest.approx(first)
    assert dataclasses.astuple(score(output[:, ::-1], target[:, ::-1], 2)) == pytest.approx(first)


def test_mean_is_of_images_not_of_errors():
    scores = [QualityScore(20.0, 21.0, 0.5), QualityScore(40.0, 43.0, 0.9)]
    assert mean_score(scores) == QualityScore(30.0, 32.0, pytest.approx(0.7))
    with pytest.raises(ImageError, match="no image"):
        mean_score([])


def test_refuses_other_sizes_naming_both():
    output, target = noisy_pair(0)
    with pytest.raises(ImageError, match=r"39 x 33.*40 x 33"):
        score(output[:-1], target, 4)


@pytest.mark.parametrize(
    ("side", "border", "message"),
    [(8, 4, "nothing left"), (18, 4, "11 x 11 window"), (20, -1, "cannot shave")],
)
def test_refuses_images_that_are_too_small(side, border, message):
    image = np.zeros((side, side, 3), np.uint8)
    with pytest.raises(ImageError, match=message):
        score(image, image, border)


@pytest.mark.parametrize("image", [np.zeros((20, 20, 3), np.float32), np.zeros((20, 20), np.uint8)])
def test_refuses_what_is_no_uint8_rgb(image):
    with pytest.raises(ImageError, match="uint8 RGB"):
        psnr_y_db(image, image, 4)
