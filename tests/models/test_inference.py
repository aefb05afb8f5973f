"""`models.inference`: an image of any size through a fixed-size artifact on the host."""

from functools import partial

import numpy as np
import pytest

from device_runner import HostDevice, infer
from models.config import MobileSRConfig
from models.evaluation import run_eager
from models.inference import plan_for, upscale_images
from models.tiling import cut, merge
from models.weights import build_model


@pytest.fixture(scope="module")
def model(small_artifact, random_weights):
    config = MobileSRConfig.build(**small_artifact.manifest.config)
    return build_model(config, random_weights(config))


@pytest.fixture
def host():
    with HostDevice() as device, device.lease():
        yield device


def on(device, artifact):
    return partial(infer, device, artifact, threads=1, timeout_s=120)


def levels(one, other):
    return np.abs(one.astype(int) - other.astype(int)).max()


def test_one_launch_serves_images_of_any_size(host, small_artifact, model, picture):
    images = [picture(16, 16, 1), picture(23, 37, 2), picture(5, 61, 3), picture(1, 1, 4)]
    seen = []
    outputs = upscale_images(
        on(host, small_artifact), small_artifact, images,
        on_tiles=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    plans = [plan_for(small_artifact, *image.shape[:2]) for image in images]
    total = sum(plan.count for plan in plans)
    assert seen == [(total, total)]
    for image, output, plan in zip(images, outputs, plans, strict=True):
        assert output.dtype == np.uint8
        assert output.shape == (2 * image.shape[0], 2 * image.shape[1], 3)
        # What eager PyTorch makes of the same tiles.
        expected = merge([run_eager(model, tile) for tile in cut(image, plan)], plan, 2)
        assert levels(output, expected) <= 1
    # An image of exactly one tile has no seam at all.
    assert levels(outputs[0], run_eager(model, images[0])) <= 1


def test_pixels_give_the_picture_that_planes_give(host, small_artifact, pixel_artifact, picture):
    photo = picture(23, 37, 2)
    (planes,), (pixels,) = (
        upscale_images(on(host, one), one, [photo]) for one in (small_artifact, pixel_artifact)
    )
    np.testing.assert_array_equal(planes, pixels)


def test_many_launches_give_the_same_image(host, small_artifact, picture):
    image, seen = picture(23, 37, 2), []
    whole, in_parts = (
        upscale_images(
            on(host, small_artifact), small_artifact, [image], tiles_per_launch=size,
            on_tiles=lambda done, total: seen.append((done, total)),
        )[0]
        for size in (256, 5)
    )  # fmt: skip
    assert (whole == in_parts).all()
    total = seen[0][1]
    assert total > 5
    assert [done for done, _ in seen] == [total, *range(5, total, 5), total]


def test_away_from_seams_and_borders_it_is_the_untiled_image(host, small_artifact, model, picture):
    """Windows stay windows: far enough from a tile's edge nothing tells that there was one."""
    image = picture(16, 28, 5)
    plan = plan_for(small_artifact, 16, 28, overlap=4)
    assert plan.lefts == (0, 12)
    (output,) = upscale_images(on(host, small_artifact), small_artifact, [image], overlap=4)
    eager = run_eager(model, image)
    # Columns 0..7 see the head, a window, three 3x3 convs: nothing beyond column 15.
    assert levels(output[:, : 2 * 5], eager[:, : 2 * 5]) <= 1
    assert levels(output[:, -2 * 5 :], eager[:, -2 * 5 :]) <= 1


def test_an_overlap_the_tile_has_no_room_for_is_narrowed(small_artifact):
    assert plan_for(small_artifact, 40, 40, overlap=200) == plan_for(small_artifact, 40, 40)
