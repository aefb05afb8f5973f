"""`models.images`: whatever a user's folder holds is read right or refused with a sentence."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from foundation import RequestError
from models.bicubic import downscale
from models.errors import ImageError
from models.images import (
    ImagePair,
    image_files,
    load_pairs,
    load_rgb,
    look_through,
    make_pair,
    require_at_least,
    save_rgb,
    to_input,
    to_uint8,
)

REPOSITORY = Path(__file__).parents[2]


def picture(height: int = 12, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_none_of_the_image_modules_imports_torch():
    # The command line's --help must not wait for it.
    code = (
        "import sys, models.bicubic, models.images, models.quality, models.tiling, "
        "models.samples; sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY).returncode == 0


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".bmp", ".tif", ".webp"])
def test_lossless_formats_come_back_equal(tmp_path, suffix):
    save_rgb(tmp_path / f"deep/a{suffix}", picture())
    assert (load_rgb(tmp_path / f"deep/a{suffix}") == picture()).all()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == [f"a{suffix}"]


def test_jpeg_is_written_close(tmp_path):
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    save_rgb(tmp_path / "a.jpg", smooth)
    assert np.abs(load_rgb(tmp_path / "a.jpg").astype(int) - smooth).max() <= 3


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"'\.xyz', use \.png"):
        save_rgb(tmp_path / "a.xyz", picture())
    assert not list(tmp_path.iterdir())


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(RequestError, match="cannot write"):
        save_rgb(tmp_path / "f/a.png", picture())


def test_grey_palette_alpha_and_deep_images_become_rgb(tmp_path):
    grey = picture()[:, :, 0]
    as_rgb = np.repeat(grey[:, :, None], 3, axis=2)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(grey.astype(np.int32) * 257).save(tmp_path / "deeper.tif")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(np.dstack([as_rgb, grey])).save(tmp_path / "alpha.png")
    for name in ("grey.png", "deep.png", "deeper.tif", "palette.png", "alpha.png"):
        assert (load_rgb(tmp_path / name) == as_rgb).all(), name
    bits = Image.fromarray(np.where(grey > 127, 255, 0).astype(np.uint8)).convert("1")
    bits.save(tmp_path / "bits.png")
    assert set(np.unique(load_rgb(tmp_path / "bits.png"))) == {0, 255}


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (load_rgb(tmp_path / "a.gif") == (255, 0, 0)).all()


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned: to be rotated by 270 degrees.
    Image.fromarray(picture()).save(tmp_path / "a.png", exif=exif)
    assert (load_rgb(tmp_path / "a.png") == np.rot90(picture(), 3)).all()


def test_floating_point_images_are_refused(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(ImageError, match="floating-point"):
        load_rgb(tmp_path / "f.tif")


def test_postscript_never_reaches_an_interpreter(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(ImageError, match="not an image that can be read"):
        load_rgb(tmp_path / "a.png")


def test_missing_folder_text_and_empty_files(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "empty.png").touch()
    for name, message in (
        ("absent.png", "does not exist"),
        ("text.png", "not an image"),
        ("empty.png", "not an image"),
        (".", "is a folder"),
    ):
        with pytest.raises(ImageError, match=message):
            load_rgb(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    save_rgb(tmp_path / "a.png", picture())
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(ImageError, match=r"cannot read .*a\.png: Permission denied"):
        load_rgb(tmp_path / "a.png")


@pytest.mark.parametrize("excess", [1.5, 5])
def test_decompression_bomb_is_refused(tmp_path, monkeypatch, excess):
    save_rgb(tmp_path / "a.png", picture(10, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(300 / excess))
    with pytest.raises(ImageError, match="decompression bombs"):
        load_rgb(tmp_path / "a.png")


@given(
    st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM"]),
    st.floats(0, 1, exclude_max=True),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=3),
)
def test_damaged_files_are_read_or_refused_never_a_crash(tmp_path_factory, kind, cut_at, damage):
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, format=kind)
    content = bytearray(stream.getvalue())
    for where, value in damage:
        content[int(where * len(content))] = value
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    for data in (content, content[: int(cut_at * len(content))]):
        path.write_bytes(data)
        # Any other exception fails the test.
        with contextlib.suppress(ImageError):
            image = load_rgb(path)
            assert image.dtype == np.uint8
            assert image.shape[2] == 3


def test_truncated_png_says_so(tmp_path):
    save_rgb(tmp_path / "a.png", picture(64, 64))
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"a\.png is damaged or cut short"):
        load_rgb(tmp_path / "a.png")


def test_image_files_are_sorted_and_only_images(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "._a.png", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [p.name for p in image_files(tmp_path)] == ["a.JPG", "b.png"]


def test_image_files_refuses_missing_file_and_empty(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("absent", "does not exist"), ("file", "is a file"), ("empty", "holds no image"),
    ):  # fmt: skip
        with pytest.raises(ImageError, match=message):
            image_files(tmp_path / name)


def test_pairs_without_lr_are_cropped_and_downscaled(tmp_path):
    save_rgb(tmp_path / "b.png", picture(18, 23, seed=1))
    save_rgb(tmp_path / "a.png", picture(16, 20))
    first, second = load_pairs(tmp_path, None, 4)
    assert (first.name, second.name) == ("a", "b")
    assert (second.hr == picture(18, 23, seed=1)[:16, :20]).all()
    assert (second.lr == downscale(second.hr, 4)).all()


@pytest.mark.parametrize("lr_name", ["a.png", "ax4.png", "a.bmp"])
def test_pairs_with_lr_folder(tmp_path, lr_name):
    save_rgb(tmp_path / "hr/a.jpg", picture(18, 20))
    save_rgb(tmp_path / "lr" / lr_name, picture(4, 5))
    (pair,) = load_pairs(tmp_path / "hr", tmp_path / "lr", 4)
    assert pair.hr.shape == (16, 20, 3)
    assert (pair.lr == picture(4, 5)).all()


@pytest.mark.parametrize("lr_size", [(4, 4), (5, 5), (3, 5), (20, 20)])
def test_lr_of_the_wrong_size_is_named_with_both_sizes(tmp_path, lr_size):
    save_rgb(tmp_path / "hr/a.png", picture(18, 20))
    save_rgb(tmp_path / "lr/a.png", picture(*lr_size))
    wanted = rf"lr/a\.png is {lr_size[0]} x {lr_size[1]} .*18 x 20.* 4 x 5 is needed"
    with pytest.raises(ImageError, match=wanted):
        load_pairs(tmp_path / "hr", tmp_path / "lr", 4)


def test_missing_and_ambiguous_partners_are_named(tmp_path):
    save_rgb(tmp_path / "hr/a.png", picture(16, 20))
    save_rgb(tmp_path / "lr/b.png", picture(4, 5))
    with pytest.raises(ImageError, match=r"hr/a\.png has no LR image in .*ax4"):
        load_pairs(tmp_path / "hr", tmp_path / "lr", 4)
    save_rgb(tmp_path / "lr/a.png", picture(4, 5))
    save_rgb(tmp_path / "lr/ax4.png", picture(4, 5))
    with pytest.raises(ImageError, match=r"two LR images.*ax4\.png"):
        load_pairs(tmp_path / "hr", tmp_path / "lr", 4)
    save_rgb(tmp_path / "hr/a.bmp", picture(16, 20))
    with pytest.raises(ImageError, match="same name but for the suffix"):
        load_pairs(tmp_path / "hr", None, 4)


def test_pairs_leave_nothing_out(tmp_path):
    """Whatever looks like one of the images and is not used would change the mean."""
    for name in ("a.png", "b.png"):
        save_rgb(tmp_path / "hr" / name, picture(16, 20))
        save_rgb(tmp_path / "lr" / name, picture(4, 5))
    (tmp_path / "hr/b.png").unlink()
    with pytest.raises(ImageError, match=r"lr/b\.png has no original in .*hr"):
        load_pairs(tmp_path / "hr", tmp_path / "lr", 4)
    (tmp_path / "hr/b.png").symlink_to("nowhere.png")
    with pytest.raises(ImageError, match=r"hr/b\.png looks like .*\(a link to nothing\)"):
        load_pairs(tmp_path / "hr", tmp_path / "lr", 4)
    (tmp_path / "hr/b.png").unlink()
    for name, why in (("b.heic", r"\.heic cannot be read here"), ("b.tif", "a folder")):
        path = tmp_path / "hr" / name
        path.touch() if name.endswith("heic") else path.mkdir()
        with pytest.raises(ImageError, match=why):
            load_pairs(tmp_path / "hr", None, 4)
        path.unlink() if path.is_file() else path.rmdir()


def test_lr_images_of_other_scales_may_lie_beside(tmp_path):
    save_rgb(tmp_path / "hr/a.png", picture(16, 20))
    save_rgb(tmp_path / "lr/ax4.png", picture(4, 5))
    save_rgb(tmp_path / "lr/ax2.png", picture(8, 10))
    assert [pair.name for pair in load_pairs(tmp_path / "hr", tmp_path / "lr", 4)] == ["a"]


def test_names_match_in_any_normal_form(tmp_path):
    composed, decomposed = "\u00e4", "a\u0308"
    save_rgb(tmp_path / f"hr/{composed}.png", picture(16, 20))
    save_rgb(tmp_path / f"lr/{decomposed}x4.png", picture(4, 5))
    assert len(load_pairs(tmp_path / "hr", tmp_path / "lr", 4)) == 1
    save_rgb(tmp_path / f"hr/{decomposed}.png", picture(16, 20))
    with pytest.raises(ImageError, match=r"only look the same \('a\\u0308', '\\xe4'\)"):
        load_pairs(tmp_path / "hr", None, 4)


def test_what_a_folder_holds_is_counted(tmp_path):
    for name in ("a.png", "b.jpg", "c.heic", "notes.txt", ".d.png"):
        (tmp_path / name).touch()
    (tmp_path / "e.png").symlink_to("nowhere")
    found = look_through(tmp_path)
    assert [path.name for path in found.files] == ["a.png", "b.jpg"]
    assert found.left_out == (
        ("c.heic", ".heic cannot be read here"),
        ("e.png", "a link to nothing"),
    )
    assert "2 images are used, c.heic (.heic cannot be read here), e.png" in found.sentence
    (tmp_path / "c.heic").unlink()
    (tmp_path / "e.png").unlink()
    assert look_through(tmp_path).sentence == ""


def test_original_smaller_than_one_lr_pixel(tmp_path):
    save_rgb(tmp_path / "a.png", picture(3, 20))
    with pytest.raises(ImageError, match="3 x 20 pixels, too small"):
        load_pairs(tmp_path, None, 4)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_input_and_output_are_inverse(image):
    tensor = to_input(image)
    assert tensor.shape == (1, 3, *image.shape[:2])
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    assert tensor.min() >= 0
    assert tensor.max() <= 1
    assert (to_uint8(tensor) == image).all()
    assert (to_uint8(tensor[0]) == image).all()


def test_output_is_clamped_and_rounded():
    values = np.array([-3.0, 1.7, 0.5, np.nan, np.inf, -np.inf, 100.4 / 255, 100.6 / 255])
    image = to_uint8(np.tile(values.astype(np.float32), (1, 3, 1, 1)))
    assert image[0, :, 0].tolist() == [0, 255, 128, 0, 255, 0, 100, 101]


def test_images_smaller_than_a_tile_are_named():
    pairs = [make_pair("big", picture(64, 64), 4), make_pair("small", picture(40, 64), 4)]
    require_at_least(pairs, 10, 16)
    wanted = "small is 40 x 64 .* 16 x 12 at scale 4 .* 64 x 48; .*--lr-size to 10x12"
    with pytest.raises(ImageError, match=wanted):
        require_at_least(pairs, 16, 12)
    assert isinstance(pairs[0], ImagePair)


def test_subfolders_with_images_are_told(tmp_path):
    whole = tmp_path / "whole"
    (whole / "HR").mkdir(parents=True)
    (whole / ".thumbnails").mkdir()
    (whole / "notes").mkdir()
    for folder in (whole / "HR", whole / ".thumbnails"):
        save_rgb(folder / "a.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ImageError, match=r"holds no image .*; name one of its subfolders: HR$"):
        look_through(whole)
    save_rgb(whole / "sheet.png", np.zeros((8, 8, 3), np.uint8))
    found = look_through(whole)
    assert found.subfolders == ("HR",)
    assert found.sentence.endswith(
        "1 image used; its subfolders with images (HR) are not looked into"
    )
    (whole / "b.heic").touch()
    assert "b.heic (.heic cannot be read here) not; its subfolders" in look_through(whole).sentence
