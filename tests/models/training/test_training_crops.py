"""`models.training.crops` and `batches`: aligned, textured, in bounded memory, in order."""

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.errors import ImageError
from models.training.batches import batches
from models.training.crops import STEPS_AN_EXCHANGE, CropSampler
from models.training.photographs import Photograph, photographs_of
from models.training.resident import ResidentPhotographs


def test_crops_of_low_and_high_belong_together():
    """Seen through a nearest-neighbour image, LR and HR are the same picture, however turned."""
    rng = np.random.default_rng(0)
    flat = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    low, high = CropSampler(photographs_of([flat]), 2, 8).draw(24, 0, 0)
    assert low.shape == (24, 8, 8, 3)
    assert high.shape == (24, 16, 16, 3)
    pooled = F.avg_pool2d(torch.from_numpy(high).permute(0, 3, 1, 2).float(), 2)
    difference = (pooled - torch.from_numpy(low).permute(0, 3, 1, 2)).abs()
    # Far from edges bicubic downscaling keeps flat areas; anywhere it stays within a step.
    assert difference.median() <= 1
    assert difference.mean() < 0.05 * 255


def test_all_turns_and_mirrors_are_drawn():
    y, x = np.mgrid[0:16, 0:16]
    image = np.stack([x * 10, y * 10, x * 0], axis=-1).astype(np.uint8)
    _, high = CropSampler(photographs_of([image]), 2, 8).draw(60, 0, 0)
    corners = {tuple(crop[0, 0, :2].tolist()) for crop in high}
    slopes = {bool(crop[0, -1, 0] != crop[0, 0, 0]) for crop in high}
    assert len(corners) == 4
    assert slopes == {True, False}


def test_a_step_draws_the_same_crops_whatever_was_drawn_before(picture):
    photographs = photographs_of([picture(40, 40, 1), picture(48, 40, 2)])
    used, fresh = (CropSampler(photographs, 2, 8, texture_draws=3) for _ in range(2))
    for step in range(5):
        used.draw(4, 7, step)
    for one, other in zip(used.draw(4, 7, 5), fresh.draw(4, 7, 5), strict=True):
        assert (one == other).all()
    assert not (fresh.draw(4, 7, 5)[0] == fresh.draw(4, 7, 6)[0]).all()
    assert not (fresh.draw(4, 7, 5)[0] == fresh.draw(4, 8, 5)[0]).all()


def test_more_draws_find_more_texture():
    """Half of the picture is flat: drawn blindly half of the crops are, of four draws few."""
    rng = np.random.default_rng(1)
    image = np.full((64, 256, 3), 128, np.uint8)
    image[:, 128:] = rng.integers(0, 256, (64, 128, 3))

    def flat(draws):
        _, high = CropSampler(photographs_of([image]), 2, 8, draws).draw(200, 0, 0)
        return np.mean([crop.std() < 1 for crop in high])

    assert flat(1) > 0.35
    assert flat(4) < 0.15


def counting(images):
    """Photographs that note how often each was loaded, and whether it still is in memory."""
    loads = [0] * len(images)

    def loader(number):
        def load():
            loads[number] += 1
            return images[number]

        return load

    return [
        Photograph(str(number), *image.shape[:2], loader(number))
        for number, image in enumerate(images)
    ], loads


def test_memory_is_bounded_and_every_photograph_gets_its_turn(picture):
    photographs, loads = counting([picture(32, 32, seed) for seed in range(10)])
    one = 3 * 32 * 32 + 11 * 16 * 16
    crops = CropSampler(photographs, 2, 8, cache_bytes=3 * one)
    assert crops.capacity == 3
    for step in range(10 * STEPS_AN_EXCHANGE):
        crops.draw(1, 0, step)
        assert len(crops._held) <= 3
    assert min(loads) >= 1
    assert max(loads) - min(loads) <= 1


def test_what_fits_into_memory_is_loaded_once(picture):
    photographs, loads = counting([picture(32, 32, seed) for seed in range(4)])
    crops = CropSampler(photographs, 2, 8)
    for step in range(100):
        crops.draw(1, 0, step)
    assert loads == [1, 1, 1, 1]


def test_without_photographs_there_is_nothing_to_draw_from():
    with pytest.raises(ImageError, match="no image to train on"):
        CropSampler([], 2, 8)


def test_batches_come_in_order_and_end(picture):
    crops = CropSampler(photographs_of([picture(40, 40, 1)]), 2, 8)
    with batches(crops.draw, 2, seed=3, first=4, end=9) as prepared:
        made = list(prepared)
    assert len(made) == 5
    again = CropSampler(photographs_of([picture(40, 40, 1)]), 2, 8)
    for step, (low, high) in enumerate(made, start=4):
        expected = again.draw(2, 3, step)
        assert (low == expected[0]).all()
        assert (high == expected[1]).all()


def test_the_thread_ends_with_its_consumer(picture):
    crops = CropSampler(photographs_of([picture(40, 40, 1)]), 2, 8)
    before = threading.active_count()
    with batches(crops.draw, 2, seed=0, first=0, end=10_000) as prepared:
        next(prepared)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_crops_cut_on_the_device_are_those_cut_on_the_host(picture):
    """Photographs of several sizes, every turn, mirrored or not; here the device is the CPU."""
    images = [picture(40, 52, 1), picture(48, 40, 2), picture(64, 44, 3)]
    crops = CropSampler(photographs_of(images), 4, 8, texture_draws=3)
    placements = crops.place(64, 5, 0)
    assert {(p.turns, p.mirror) for p in placements} == {(t, m) for t in range(4) for m in (0, 1)}
    resident = ResidentPhotographs(crops, "cpu")
    for gathered, drawn in zip(resident.cut(placements), crops.draw(64, 5, 0), strict=True):
        assert torch.equal(gathered, torch.from_numpy(drawn).permute(0, 3, 1, 2))


def test_photographs_that_take_turns_are_not_resident(picture):
    crops = CropSampler(photographs_of([picture(40, 40, n) for n in range(4)]), 2, 8, 1, 10_000)
    with pytest.raises(ValueError, match="not all photographs are held"):
        ResidentPhotographs(crops, "cpu")
