"""`models.samples`: present in the wheel, disjoint, small, and never downloaded."""

import numpy as np
import pytest
import skimage.data

from models.bicubic import downscale
from models.errors import ImageError
from models.samples import JUDGED, TRAINED_ON, sample_pairs, sample_training_images


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_judged_pairs_are_small_and_bicubic(scale):
    pairs = sample_pairs(scale)
    assert [pair.name for pair in pairs] == ["astronaut", "coffee", "chelsea"]
    for pair in pairs:
        assert min(pair.lr.shape[:2]) >= 64
        assert pair.hr.shape == (scale * pair.lr.shape[0], scale * pair.lr.shape[1], 3)
        assert (downscale(pair.hr, scale) == pair.lr).all()
    assert sum(pair.lr.shape[0] * pair.lr.shape[1] for pair in sample_pairs(4)) <= 3 * 64 * 64


def test_training_images_are_rgb_and_large_enough_for_crops():
    images = sample_training_images()
    assert len(images) == len(TRAINED_ON)
    for image in images:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 192


def test_what_is_judged_is_not_trained_on():
    assert not set(JUDGED) & set(TRAINED_ON)


def test_absent_photograph_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(skimage.data, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ImageError, match=r"astronaut\.png.*your own images"):
        sample_pairs(4)
    with pytest.raises(ImageError, match=r"rocket\.jpg"):
        sample_training_images()
