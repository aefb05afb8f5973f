"""`models.training.photographs`: what a folder holds, what of it is used, and what is said."""

import numpy as np
import pytest
from PIL import Image

from models.errors import ImageError
from models.images import save_rgb
from models.training.crops import CropSampler
from models.training.photographs import (
    hold_back,
    photographs_in,
    photographs_of,
    select,
)


def _image(values, mode):
    # Pillow guesses the 16-bit mode, and warns when it is named.
    return Image.fromarray(values) if mode == "I;16" else Image.fromarray(values, mode)


@pytest.mark.parametrize(
    ("name", "shape", "mode", "dtype"),
    [
        ("grey.png", (40, 48), "L", np.uint8),
        ("alpha.png", (40, 48, 4), "RGBA", np.uint8),
        ("deep.png", (40, 48), "I;16", np.uint16),
        ("print.tif", (40, 48, 4), "CMYK", np.uint8),
        ("grey.gif", (40, 48), "L", np.uint8),
    ],
)
def test_every_kind_of_picture_gives_crops(tmp_path, name, shape, mode, dtype):
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    _image(values, mode).save(tmp_path / name)
    (photograph,) = photographs_in(tmp_path)
    assert (photograph.height, photograph.width) == (40, 48)
    low, high = CropSampler([photograph], 2, 8).draw(3, 0, 0)
    assert low.shape == (3, 8, 8, 3)
    assert high.shape == (3, 16, 16, 3)
    assert high.std() > 10


def test_a_picture_that_lies_on_its_side_is_set_upright(tmp_path, picture):
    image = Image.fromarray(picture(20, 60))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "lying.jpg", exif=exif)
    (photograph,) = photographs_in(tmp_path)
    assert photograph.load().shape == (60, 20, 3)
    CropSampler([photograph], 2, 10).draw(3, 0, 0)


def test_a_file_that_is_no_picture_is_refused_before_training(tmp_path, picture):
    save_rgb(tmp_path / "a.png", picture(40, 40))
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"b\.png is not an image"):
        photographs_in(tmp_path)


def test_a_picture_cut_short_is_found_when_it_is_decoded(tmp_path, picture):
    save_rgb(tmp_path / "a.png", picture(40, 40, 1))
    save_rgb(tmp_path / "b.bmp", picture(40, 60, 2))
    path = tmp_path / "b.bmp"
    path.write_bytes(path.read_bytes()[:-800])
    crops = CropSampler(photographs_in(tmp_path), 2, 8)
    crops.draw(4, 0, 0)
    assert list(crops.left_out) == ["b.bmp"]
    assert "damaged or cut short" in crops.left_out["b.bmp"]


def test_an_empty_and_a_missing_folder_are_refused(tmp_path):
    with pytest.raises(ImageError, match="holds no image"):
        photographs_in(tmp_path)
    with pytest.raises(ImageError, match="does not exist"):
        photographs_in(tmp_path / "none")


def test_small_pictures_are_counted_and_said(picture):
    sizes = [(40, 40), (15, 40), (40, 15), (16, 16), (3, 3), (8, 8)]
    selection = select(photographs_of([picture(*size) for size in sizes]), 16)
    assert [p.name for p in selection.used] == ["image 1", "image 4"]
    assert selection.sentences() == [
        "4 images are smaller than one crop of 16 x 16 px, not trained on: image 2, image 3, "
        "image 5 and 1 more"
    ]


def test_only_small_pictures_are_refused(picture):
    small = photographs_of([picture(15, 40), picture(40, 15)])
    with pytest.raises(ImageError, match=r"none of the 2 training images.*16x16 px HR.*--crop"):
        select(small, 16)


def test_equal_pictures_are_trained_on_once_and_said(tmp_path, picture):
    save_rgb(tmp_path / "a.png", picture(40, 40, 1))
    save_rgb(tmp_path / "b.bmp", picture(40, 40, 1))
    save_rgb(tmp_path / "c.png", picture(40, 40, 2))
    selection = select(photographs_in(tmp_path), 16)
    assert [p.name for p in selection.used] == ["a.png", "c.png"]
    assert selection.sentences() == [
        "1 image is the same as an earlier one, trained on once: b.bmp"
    ]


def test_all_used_says_nothing(picture):
    assert select(photographs_of([picture(40, 40, 1), picture(40, 40, 2)]), 16).sentences() == []


def test_a_sixteenth_is_held_back_but_never_of_few(picture):
    few = photographs_of([picture(16, 16)] * 15)
    assert hold_back(few, 0) == (few, [])
    many = photographs_of([picture(16, 16)] * 40)
    kept, held = hold_back(many, 0)
    assert len(held) == 2
    assert {p.name for p in kept} | {p.name for p in held} == {p.name for p in many}
    assert len(kept) == 38
    assert [p.name for p in hold_back(many, 0)[1]] == [p.name for p in held]
