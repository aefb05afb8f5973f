"""`models.samples`: present in the wheel, disjoint, small, and never downloaded."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import skimage.data

import models.recipes
from models.bicubic import downscale
from models.errors import ImageError
from models.samples import JUDGED, TRAINED_ON, sample_pairs, sample_training_images


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_judged_pairs_are_small_and_bicubic(scale):
    pairs = sample_pairs(scale)
    assert len({pair.name for pair in pairs}) == len(pairs) == 12
    for pair in pairs:
        assert pair.hr.shape == (256 // scale * scale, 256 // scale * scale, 3)
        assert pair.hr.shape == (scale * pair.lr.shape[0], scale * pair.lr.shape[1], 3)
        assert (downscale(pair.hr, scale) == pair.lr).all()


def test_judged_tiles_differ_and_do_not_overlap():
    tiles = [pair.hr.tobytes() for pair in sample_pairs(4)]
    assert len(set(tiles)) == 12
    # Four tiles of the astronaut are the whole photograph, once.
    astronaut = [pair.hr for pair in sample_pairs(4) if pair.name.startswith("astronaut")]
    whole = np.block([[[astronaut[0]], [astronaut[1]]], [[astronaut[2]], [astronaut[3]]]])
    assert (whole == skimage.data.astronaut()).all()


def test_training_images_are_rgb_and_large_enough_for_crops():
    images = sample_training_images()
    assert len(images) == len(TRAINED_ON)
    for image in images:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert min(image.shape[:2]) >= 192


def test_what_is_judged_is_not_trained_on():
    assert not set(JUDGED) & set(TRAINED_ON)
    recipe = Path(models.recipes.__file__).with_name("photographs.toml")
    sources = tomllib.loads(recipe.read_text())["source"]
    shipped = {Path(name).stem for source in sources for name in source["files"]}
    assert not shipped & {Path(name).stem for name in JUDGED}


def test_absent_photograph_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(skimage.data, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ImageError, match=r"astronaut\.png.*your own images"):
        sample_pairs(4)
    with pytest.raises(ImageError, match=r"motorcycle_left\.png"):
        sample_training_images()
