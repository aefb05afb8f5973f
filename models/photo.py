"""One image file in, one out: its colours, and what must not be lost beside them.

A network sees uint8 RGB, (H, W, 3), upright. A photograph may carry more: a transparency, and a
colour profile that says what its numbers mean. Measuring and training look at the numbers alone,
as the published figures of this field do; `upscale` carries both over to its result.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, UnidentifiedImageError

from foundation import atomic_path, require_writable
from foundation.file_kinds import told_by_content
from foundation.wording import shown
from models.colour import is_srgb, profile_space, to_srgb
from models.deep_colour import deep_levels
from models.errors import ImageError

# Only formats whose decoders stay inside this process: Pillow hands EPS to Ghostscript.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM", "GIF")
SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".bmp": {},
    ".tif": {},
    ".tiff": {},
    ".webp": {"lossless": True, "exact": True},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
}
WITHOUT_ALPHA = (".jpg", ".jpeg", ".bmp")
WITHOUT_PROFILE = (".bmp",)
# What Pillow's decoders have been seen to raise on a damaged file.
DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Photo:
    """An image and what its file says of it.

    Attributes:
        rgb: uint8 (H, W, 3), upright.
        alpha: uint8 (H, W), 255 is opaque; None where all is.
        profile: the ICC profile of `rgb`, where it means other colours than sRGB.
        notes: what could not be kept or read, a sentence each.
    """

    rgb: Rgb
    alpha: NDArray[np.uint8] | None = None
    profile: bytes | None = None
    notes: tuple[str, ...] = ()


def load_rgb(path: Path) -> Rgb:
    """The numbers of an image file: `load_photo` without its transparency and its profile."""
    return load_photo(path).rgb


def load_photo(path: Path) -> Photo:
    """Read an image file.

    Grey, palette, CMYK and Lab images become RGB, 16-bit levels are rounded to 8, the EXIF
    orientation is applied, and of an animation the first frame is taken.

    Raises:
        ImageError: not an image of a known format, damaged, cut short, or larger than Pillow's
            limit against decompression bombs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=FORMATS) as opened:
                return _photo(opened, path)
        except FileNotFoundError:
            raise ImageError(f"{path} does not exist") from None
        except IsADirectoryError:
            raise ImageError(f"{path} is a folder, an image file is needed") from None
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise ImageError(
                f"{path} has more than {Image.MAX_IMAGE_PIXELS} pixels, the limit against "
                "decompression bombs: cut or shrink it first"
            ) from None
        except UnidentifiedImageError:
            raise ImageError(_unidentified(path)) from None
        except MemoryError:
            raise ImageError(f"{path} does not fit into memory: cut or shrink it first") from None
        except DECODER_ERRORS as error:
            if isinstance(error, OSError) and error.strerror:
                raise ImageError(f"cannot read {path}: {error.strerror}") from error
            raise ImageError(f"{path} is damaged or cut short: {shown(str(error))}") from error


def _unidentified(path: Path) -> str:
    what = f"{path} is not an image that can be read here ({', '.join(FORMATS)})"
    try:
        known = told_by_content(path)
    except OSError:
        known = ""
    return f"{what}: {shown(known, 300)}" if known else what


def save_rgb(path: Path, image: Rgb) -> None:
    """Write an image, atomically; the suffix chooses the format, .png is lossless.

    Raises:
        ImageError: an unknown suffix, or a size that the format cannot hold.
        RequestError: the folder cannot be written.
    """
    save_photo(path, Photo(image))


def save_photo(path: Path, photo: Photo) -> None:
    """Write a photo with its transparency and profile. Raises as `save_rgb` and `require_alpha`."""
    options, suffix = dict(_save_options(path)), path.suffix.lower()
    rgb, alpha = photo.rgb, photo.alpha
    if photo.profile is not None and suffix in WITHOUT_PROFILE:
        rgb = np.array(to_srgb(Image.fromarray(rgb), photo.profile))
    elif photo.profile is not None:
        options["icc_profile"] = photo.profile
    if alpha is not None:
        require_alpha(path)
    pixels = rgb if alpha is None else np.dstack([rgb, alpha])
    with atomic_path(path) as temporary:
        try:
            Image.fromarray(pixels).save(temporary, **options)
        except (ValueError, TypeError, struct.error) as error:
            raise ImageError(f"cannot write {path}: {error}") from error


def require_savable(path: Path) -> None:
    """Find out before long work whether `save_rgb` could write `path`; raises what it raises."""
    _save_options(path)
    require_writable(path)


def require_alpha(path: Path) -> None:
    """Raise `ImageError` where the format of `path` cannot hold a transparency."""
    if path.suffix.lower() in WITHOUT_ALPHA:
        raise ImageError(
            f"{path.name} cannot hold the transparency of the photograph: write .png, .tif or "
            ".webp, or lay it on a colour with --background"
        )


def composited(photo: Photo, colour: str) -> Photo:
    """The photo laid on `colour` (a name or `#RRGGBB`), opaque.

    Raises:
        ImageError: no such colour.
    """
    try:
        below = np.array(ImageColor.getcolor(colour, "RGB"), np.float64)
    except ValueError:
        raise ImageError(
            f"{colour!r} is no colour: give a name such as white, or #RRGGBB"
        ) from None
    if photo.alpha is None:
        return photo
    share = photo.alpha[..., np.newaxis] / 255.0
    mixed = np.rint(photo.rgb * share + below * (1.0 - share)).astype(np.uint8)
    return Photo(mixed, None, photo.profile, photo.notes)


def _photo(opened: Image.Image, path: Path) -> Photo:
    notes: list[str] = []
    profile = opened.info.get("icc_profile")
    image = _upright(_eight_bit(opened, path), opened, notes)
    profile = bytes(profile) if isinstance(profile, bytes) and profile else None
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = np.array(image.getchannel("A"))
        alpha = None if (alpha == 255).all() else alpha
    space = profile_space(profile) if profile else ""
    if profile and not space:
        notes.append("its colour profile is damaged and was left out")
        profile = None
    elif profile and space != "RGB":
        # What is written is RGB, whose numbers no grey or CMYK profile can explain.
        image, profile = to_srgb(image, profile), None
    elif profile and is_srgb(profile):
        profile = None
    if image.mode == "LAB":
        image = to_srgb(image, None)
    return Photo(np.array(image.convert("RGB")), alpha, profile, tuple(notes))


def _upright(image: Image.Image, opened: Image.Image, notes: list[str]) -> Image.Image:
    try:
        turn = opened.getexif().get(0x0112, 1)
    except DECODER_ERRORS:
        notes.append("its EXIF data are malformed: it is taken to be upright as stored")
        return image
    method = _TURNS.get(turn) if isinstance(turn, int) else None
    return image if method is None else image.transpose(method)


# EXIF's orientation -> what undoes it.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _eight_bit(image: Image.Image, path: Path) -> Image.Image:
    """Pillow clips deep grey and cuts off deep colours; bring both down to 8 bits by rounding."""
    if image.mode == "F":
        raise ImageError(f"{path} holds floating-point pixels of unknown range: save it as PNG")
    if image.mode.startswith("I"):
        grey = np.clip(np.asarray(image, dtype=np.float64), 0, 65535)
        return Image.fromarray(np.rint(grey / 257.0).astype(np.uint8))
    levels = deep_levels(image, path, FORMATS)
    if levels is None:
        image.load()
        return image
    return Image.fromarray(np.rint(levels / 257.0).astype(np.uint8))


def _save_options(path: Path) -> dict[str, Any]:
    try:
        return SAVE_OPTIONS[path.suffix.lower()]
    except KeyError:
        raise ImageError(
            f"cannot write {path}: unknown image suffix {path.suffix!r}, use .png "
            f"(or one of {', '.join(sorted(SAVE_OPTIONS))})"
        ) from None
