"""`models.bicubic`: what defines MATLAB's kernel, borders and rounding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.bicubic import cubic_kernel, downscale, imresize, taps, upscale
from models.errors import ImageError

images = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]))
)
scales = st.sampled_from([2, 3, 4])


def test_kernel_has_the_published_values():
    # Keys 1981, a = -1/2: 9/16 at a half, -1/16 at one and a half, zero at the other integers.
    x = np.array([0.0, 0.5, -0.5, 1.0, 1.5, 2.0, 2.5])
    assert cubic_kernel(x) == pytest.approx([1, 9 / 16, 9 / 16, 0, -1 / 16, 0, 0])


@given(st.integers(1, 40), st.sampled_from([1 / 4, 1 / 3, 1 / 2, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0]))
def test_weights_sum_to_one_and_indices_stay_inside(length, scale):
    indices, weights = taps(length, int(np.ceil(length * scale)), scale)
    assert weights.sum(axis=1) == pytest.approx(np.ones(len(weights)))
    assert indices.min() >= 0
    assert indices.max() < length


def test_shrinking_stretches_the_kernel():
    _, weights = taps(64, 16, 0.25)
    # Kernel of width 16 between pixel centres: sixteen taps away from the border.
    assert (np.abs(weights[8]) > 1e-12).sum() == 16


@given(st.integers(0, 255), scales, st.integers(1, 12), st.integers(1, 12))
def test_constant_image_stays_constant(level, scale, height, width):
    image = np.full((height, width, 3), level, np.uint8)
    assert (upscale(image, scale) == level).all()
    assert (downscale(image, scale) == level).all()


@given(scales, st.floats(-4, 4), st.floats(-4, 4))
def test_ramp_is_reproduced_away_from_borders(scale, slope_y, slope_x):
    y, x = np.mgrid[0:16, 0:12].astype(float)
    ramp = (slope_y * y + slope_x * x)[:, :, None]
    yy, xx = (np.mgrid[0 : 16 * scale, 0 : 12 * scale] + 0.5) / scale - 0.5
    inside = slice(2 * scale, -2 * scale)
    expected = (slope_y * yy + slope_x * xx)[inside, inside, None]
    assert upscale(ramp, scale)[inside, inside] == pytest.approx(expected, abs=1e-9)


@given(images, scales)
def test_flips_commute_with_resizing(image, scale):
    for resize in (upscale, downscale):
        if resize is downscale:  # Rounding up the size would break the symmetry.
            image = np.repeat(np.repeat(image, scale, axis=0), scale, axis=1)
        # Summation order differs: a value on a rounding boundary may go either way.
        flipped = resize(image[::-1, ::-1], scale)[::-1, ::-1].astype(int)
        assert np.abs(flipped - resize(image, scale)).max() <= 1


@given(images)
def test_scale_one_is_identity(image):
    assert (imresize(image, 1.0) == image).all()


@given(images, scales)
def test_sizes_and_dtype(image, scale):
    height, width, channels = image.shape
    assert upscale(image, scale).shape == (scale * height, scale * width, channels)
    small = downscale(image, scale)
    assert small.shape == (-(-height // scale), -(-width // scale), channels)
    assert small.dtype == np.uint8
    assert imresize(image.astype(np.float32), 1 / scale).dtype == np.float32


def test_step_edge_values_worked_by_hand():
    # One axis, x2: weights -9/128, 111/128, 29/128, -3/128 at a quarter pixel; the edge pixel is
    # repeated beyond the border, results outside 0 .. 255 are clipped.
    row = np.array([0, 0, 0, 255, 255, 255], np.uint8).reshape(1, 6, 1)
    wide = imresize(np.repeat(row, 4, axis=0), 2.0)[0, :, 0].tolist()
    first = 255 * (29 - 3) / 128  # Just left of the edge: 51.8.
    assert wide == [0, 0, 0, 0, 0, 52, 203, 255, 255, 255, 255, 255]
    assert round(first) == 52


def test_edge_pixel_is_repeated_beyond_the_border():
    image = np.zeros((16, 16, 1))
    image[0] = 1.0
    # At a factor of 1/4 the first output row reaches six pixels beyond the border; it gives
    # them all the edge pixel's value, while mirroring would give them the zeros behind it.
    x = np.arange(-6, 10)
    weights = cubic_kernel((1.5 - x) / 4)
    expected = weights[x <= 0].sum() / weights.sum()
    assert downscale(image, 4)[0, 0, 0] == pytest.approx(expected)


def test_rounds_halves_up_between_the_passes():
    # Rows 0, 1 shrink to 0.5, which becomes 1 before the columns are made.
    image = np.array([[0, 0], [1, 1]], np.uint8)[:, :, None]
    assert downscale(image, 2).tolist() == [[[1]]]


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_meaningless_factors(scale):
    with pytest.raises(ImageError, match="must be positive"):
        imresize(np.zeros((2, 2, 3), np.uint8), scale)


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (4, 4)])
def test_refuses_what_is_no_image(shape):
    with pytest.raises(ImageError, match="shape"):
        upscale(np.zeros(shape, np.uint8), 2)
