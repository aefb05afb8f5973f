"""`models.photo`: what a file carries beside its 8-bit colours is kept, or said to be lost."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from models.errors import ImageError
from models.photo import Photo, composited, load_photo, load_rgb, save_photo


def picture(height: int = 12, width: int = 16, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(levels: np.ndarray, colour_type: int, extra: bytes = b"") -> bytes:
    """A 16-bit PNG; `levels` are uint16 (H, W, C)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


DEEP = np.random.default_rng(1).integers(0, 65536, (9, 7, 4)).astype(np.uint16)
ROUNDED = np.rint(DEEP / 257.0).astype(np.uint8)


@pytest.mark.parametrize(("channels", "colour_type"), [(3, 2), (4, 6)])
def test_16_bit_colours_of_a_png_are_rounded(tmp_path, channels, colour_type):
    (tmp_path / "a.png").write_bytes(png(DEEP[..., :channels], colour_type))
    photo = load_photo(tmp_path / "a.png")
    assert (photo.rgb == ROUNDED[..., :3]).all()
    # Pillow alone keeps the upper byte, which is another number for about half of the levels.
    assert (photo.rgb != (DEEP[..., :3] >> 8)).any()
    if channels == 4:
        assert (photo.alpha == ROUNDED[..., 3]).all()


def test_16_bit_grey_with_alpha_is_rounded(tmp_path):
    (tmp_path / "a.png").write_bytes(png(DEEP[..., :2], 4))
    photo = load_photo(tmp_path / "a.png")
    assert (photo.rgb == ROUNDED[..., :1]).all()
    assert (photo.alpha == ROUNDED[..., 1]).all()


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_colours_of_a_tiff_are_rounded(tmp_path, byteorder, compression):
    tifffile.imwrite(
        tmp_path / "a.tif", DEEP[..., :3].astype(f"{byteorder}u2"), photometric="rgb",
        byteorder=byteorder, compression=compression,
    )  # fmt: skip
    assert (load_rgb(tmp_path / "a.tif") == ROUNDED[..., :3]).all()


def damaged_exif(data: bytes) -> bytes:
    return (
        struct.pack(">I", len(data))
        + b"eXIf"
        + data
        + struct.pack(">I", zlib.crc32(b"eXIf" + data))
    )


@pytest.mark.parametrize("data", [b"", b"nonsense", b"MM\0*\0\0\0\x08", b"II*\0\xff\xff\xff\xff"])
def test_sound_pixels_with_malformed_exif_are_read(tmp_path, data):
    (tmp_path / "a.png").write_bytes(png(DEEP[..., :3], 2, damaged_exif(data)))
    assert (load_rgb(tmp_path / "a.png") == ROUNDED[..., :3]).all()


@given(st.binary(max_size=60))
def test_no_exif_data_make_pixels_unreadable(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "exif.png"
    path.write_bytes(png(DEEP[:3, :4, :3], 2, damaged_exif(b"MM\0*" + data)))
    assert load_rgb(path).size == 36


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_undone(tmp_path, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture()).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        wanted = np.array(ImageOps.exif_transpose(opened))
    assert (load_rgb(tmp_path / "a.png") == wanted).all()


def display_p3() -> bytes:
    """Display P3's primaries (D65, adapted to D50) with a gamma of 2.2, as an ICC v2 profile."""

    def fixed(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"text\0\0\0\0none\0\0\0\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + b"\0" * 79
    tags = {
        b"desc": description, b"cprt": text, b"wtpt": fixed(0.9642, 1.0, 0.8249),
        b"rXYZ": fixed(0.5151, 0.2412, -0.0011), b"gXYZ": fixed(0.2920, 0.6922, 0.0419),
        b"bXYZ": fixed(0.1571, 0.0666, 0.7841), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    table, data, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += name + struct.pack(">II", at + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    head = struct.pack(
        ">I4sI4s4s4s", 128 + len(table + data), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ "
    )
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + fixed(0.9642, 1.0, 0.8249)[8:] + b"\0" * 48
    return head + table + data


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_wide_profile_stays_with_the_numbers(tmp_path, suffix):
    Image.fromarray(picture()).save(tmp_path / "a.png", icc_profile=display_p3())
    photo = load_photo(tmp_path / "a.png")
    # Measuring looks at the numbers, as every published figure does.
    assert (photo.rgb == picture()).all()
    save_photo(tmp_path / f"b{suffix}", photo)
    with Image.open(tmp_path / f"b{suffix}") as written:
        assert written.info["icc_profile"] == display_p3()


def test_a_format_without_profiles_gets_the_colours_in_srgb(tmp_path):
    red = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    Image.fromarray(red).save(tmp_path / "a.png", icc_profile=display_p3())
    save_photo(tmp_path / "b.bmp", load_photo(tmp_path / "a.png"))
    got = load_rgb(tmp_path / "b.bmp")[0, 0].astype(int)
    # P3's red is a stronger red in sRGB, and its green a weaker one.
    assert got[0] > 205
    assert got[1] < 98


def test_srgb_by_any_name_and_damaged_profiles_are_dropped(tmp_path):
    for name, profile in (("a.png", SRGB), ("b.png", b"no profile"), ("c.png", display_p3()[:200])):
        Image.fromarray(picture()).save(tmp_path / name, icc_profile=profile)
        photo = load_photo(tmp_path / name)
        assert (photo.rgb == picture()).all()
        assert photo.profile is None
        assert bool(photo.notes) == (name != "a.png"), name


def test_lab_and_cmyk_become_rgb(tmp_path):
    for mode in ("CMYK", "LAB"):
        grey = Image.new(mode, (4, 4), (0, 0, 0, 128) if mode == "CMYK" else (128, 128, 128))
        grey.save(tmp_path / "a.tif")
        rgb = load_rgb(tmp_path / "a.tif").astype(int)
        assert rgb.shape == (4, 4, 3)
        assert np.ptp(rgb) <= 4, mode
        assert 90 < rgb.mean() < 150, mode


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_transparency_is_kept(tmp_path, suffix):
    Image.fromarray(picture(channels=4)).save(tmp_path / "a.png")
    photo = load_photo(tmp_path / "a.png")
    save_photo(tmp_path / f"b{suffix}", photo)
    again = load_photo(tmp_path / f"b{suffix}")
    assert (again.rgb == picture(channels=4)[..., :3]).all()
    assert (again.alpha == picture(channels=4)[..., 3]).all()


def test_transparency_of_a_palette_is_one(tmp_path):
    palette = Image.fromarray(picture()[..., 0]).convert("P")
    clear = int(np.array(palette)[0, 0])
    palette.save(tmp_path / "a.png", transparency=clear)
    alpha = load_photo(tmp_path / "a.png").alpha
    assert alpha is not None
    assert ((alpha == 0) == (np.array(palette) == clear)).all()


def test_opaque_alpha_is_none(tmp_path):
    rgba = np.dstack([picture(), np.full((12, 16), 255, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert load_photo(tmp_path / "a.png").alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_a_format_without_transparency_says_so(tmp_path, suffix):
    with pytest.raises(ImageError, match=r"cannot hold the transparency .*--background"):
        save_photo(tmp_path / f"a{suffix}", Photo(picture(), picture()[..., 0]))
    assert not list(tmp_path.iterdir())


def test_laid_on_a_colour():
    rgb = np.full((1, 3, 3), (100, 0, 0), np.uint8)
    photo = composited(Photo(rgb, np.array([[0, 255, 51]], np.uint8)), "#ffffff")
    assert photo.rgb[0].tolist() == [[255, 255, 255], [100, 0, 0], [224, 204, 204]]
    assert photo.alpha is None
    with pytest.raises(ImageError, match="'nocolour' is no colour"):
        composited(photo, "nocolour")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is a picture in HEIC, whatever its name says"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "it is a picture in AVIF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "run 'git lfs pull'"),
        (b"<html><head>", "it is a web page"),
        (b"", "it is empty"),
        (b"no picture", r"GIF\)$"),
    ],
)
def test_what_only_has_the_name_of_a_picture_is_told_by_what_it_is(tmp_path, content, sentence):
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=sentence):
        load_photo(path)
