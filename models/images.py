"""Image files in and out, HR/LR pairs, and the way between uint8 images and network tensors.

An image is a uint8 array (H, W, 3), RGB. Sizes are told as height x width.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from foundation import atomic_path, require_writable
from models.bicubic import downscale
from models.errors import ImageError

# Only formats whose decoders stay inside this process: Pillow hands EPS to Ghostscript.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM", "GIF")
READ_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".gif"}
)
SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".bmp": {},
    ".tif": {},
    ".tiff": {},
    ".webp": {"lossless": True},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
}
# What Pillow's decoders have been seen to raise on a damaged file.
DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, OverflowError,
    struct.error, zlib.error,
)  # fmt: skip

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class ImagePair:
    """An original and what a network is given of it: `hr` is exactly scale times `lr`."""

    name: str
    hr: Rgb
    lr: Rgb


def load_rgb(path: Path) -> Rgb:
    """Read an image file as uint8 (H, W, 3), upright.

    Grey and palette images become RGB, 16-bit ones are scaled to 8, the EXIF orientation is
    applied, transparency is dropped without compositing, and of an animation the first frame is
    taken.

    Raises:
        ImageError: not an image of a known format, damaged, cut short, or larger than Pillow's
            limit against decompression bombs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=FORMATS) as opened:
                upright = ImageOps.exif_transpose(opened)
                return np.array(_eight_bit(upright, path).convert("RGB"))
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
            raise ImageError(
                f"{path} is not an image that can be read here ({', '.join(FORMATS)})"
            ) from None
        except MemoryError:
            raise ImageError(f"{path} does not fit into memory: cut or shrink it first") from None
        except DECODER_ERRORS as error:
            if isinstance(error, OSError) and error.strerror:
                raise ImageError(f"cannot read {path}: {error.strerror}") from error
            raise ImageError(f"{path} is damaged or cut short: {error}") from error


def save_rgb(path: Path, image: Rgb) -> None:
    """Write an image, atomically; the suffix chooses the format, .png is lossless.

    Raises:
        ImageError: an unknown suffix, or a size that the format cannot hold.
        RequestError: the folder cannot be written.
    """
    options = _save_options(path)
    with atomic_path(path) as temporary:
        try:
            Image.fromarray(image).save(temporary, **options)
        except (ValueError, TypeError, struct.error) as error:
            raise ImageError(f"cannot write {path}: {error}") from error


def require_savable(path: Path) -> None:
    """Find out before long work whether `save_rgb` could write `path`; raises what it raises."""
    _save_options(path)
    require_writable(path)


def _save_options(path: Path) -> dict[str, Any]:
    try:
        return SAVE_OPTIONS[path.suffix.lower()]
    except KeyError:
        raise ImageError(
            f"cannot write {path}: unknown image suffix {path.suffix!r}, use .png "
            f"(or one of {', '.join(sorted(SAVE_OPTIONS))})"
        ) from None


def image_files(folder: Path) -> list[Path]:
    """The image files of a folder, by suffix, sorted by name; hidden files are left out.

    Raises:
        ImageError: the folder is missing, is no folder, cannot be read or holds no image.
    """
    if not folder.exists():
        raise ImageError(f"the image folder {folder} does not exist")
    if not folder.is_dir():
        raise ImageError(f"{folder} is a file, a folder of images is needed")
    try:
        files = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in READ_SUFFIXES
            and not path.name.startswith(".")
            and path.is_file()
        )
    except OSError as error:
        raise ImageError(f"cannot read the folder {folder}: {error.strerror or error}") from None
    if not files:
        raise ImageError(f"{folder} holds no image ({', '.join(sorted(READ_SUFFIXES))})")
    return files


def make_pair(name: str, hr: Rgb, scale: int) -> ImagePair:
    """Crop `hr` to a multiple of `scale` at the right and bottom, and downscale it bicubically.

    Raises:
        ImageError: the image is smaller than one LR pixel.
    """
    height, width = (side - side % scale for side in hr.shape[:2])
    if 0 in (height, width):
        raise ImageError(f"{name} is {_size(hr)} pixels, too small to be downscaled by {scale}")
    cropped = hr[:height, :width]
    return ImagePair(name, cropped, downscale(cropped, scale))


def load_pairs(hr_folder: Path, lr_folder: Path | None, scale: int) -> list[ImagePair]:
    """Read a folder of originals, with their LR images or with LR images made bicubically.

    LR files carry the name of their original, also with `x4` (the scale) behind it, in any image
    format. A pair's name is the original's file name without suffix.

    Raises:
        ImageError: a folder or file that cannot be used, an LR image that is missing or
            ambiguous, or one whose size is not that of its original divided by `scale`, rounded
            down.
    """
    originals = _by_stem(hr_folder)
    if lr_folder is None:
        return [make_pair(stem, load_rgb(path), scale) for stem, path in originals.items()]
    lr_files = _by_stem(lr_folder)
    return [
        _matched(stem, path, _partner(stem, path, lr_files, lr_folder, scale), scale)
        for stem, path in originals.items()
    ]


def to_input(lr: Rgb) -> NDArray[np.float32]:
    """A network's input: (1, 3, H, W), values 0 .. 1, contiguous."""
    planes = lr.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
    return np.ascontiguousarray(planes / np.float32(255.0))


def to_uint8(output: NDArray[np.floating[Any]]) -> Rgb:
    """A network's output, (1, 3, H, W) or (3, H, W), as an image: clamped to 0 .. 1 and rounded.

    Not-a-number becomes 0: an image is judged by its PSNR, whatever a device made of it.
    """
    planes = output[0] if output.ndim == 4 else output
    levels = np.rint(np.clip(np.nan_to_num(planes, nan=0.0), 0.0, 1.0) * 255.0)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(1, 2, 0))


def require_at_least(pairs: Sequence[ImagePair], lr_height: int, lr_width: int) -> None:
    """Refuse images from which no tile of lr_height x lr_width can be cut.

    Raises:
        ImageError: names the first such image.
    """
    for pair in pairs:
        height, width = pair.lr.shape[:2]
        if height < lr_height or width < lr_width:
            scale = pair.hr.shape[0] // height
            raise ImageError(
                f"{pair.name} is {_size(pair.hr)} pixels (height x width), smaller than a tile: "
                f"with an LR size of {lr_height} x {lr_width} at scale {scale} an image needs at "
                f"least {lr_height * scale} x {lr_width * scale}; use larger images or lower "
                f"--lr-size to {min(height, lr_height)}x{min(width, lr_width)} or less"
            )


def _eight_bit(image: Image.Image, path: Path) -> Image.Image:
    """Pillow clips deep grey images when converting them; bring them down to 8 bits first."""
    if image.mode == "F":
        raise ImageError(f"{path} holds floating-point pixels of unknown range: save it as PNG")
    if not image.mode.startswith("I"):
        return image
    levels = np.clip(np.asarray(image, dtype=np.float64), 0, 65535)
    return Image.fromarray(np.rint(levels / 257.0).astype(np.uint8))


def _size(image: Rgb) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"


def _by_stem(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in image_files(folder):
        other = files.setdefault(path.stem, path)
        if other is not path:
            raise ImageError(
                f"{other} and {path.name} have the same name but for the suffix: which one is "
                "meant? Move one away"
            )
    return files


def _partner(
    stem: str, hr_path: Path, lr_files: dict[str, Path], lr_folder: Path, scale: int
) -> Path:
    names = (stem, f"{stem}x{scale}")
    found = [lr_files[name] for name in names if name in lr_files]
    if not found:
        raise ImageError(
            f"{hr_path} has no LR image in {lr_folder}: {names[0]} or {names[1]}, with an "
            "image suffix, is looked for; leave the LR folder out to have it made bicubically"
        )
    if len(found) > 1:
        raise ImageError(f"{hr_path} has two LR images, {found[0]} and {found[1].name}: move one")
    return found[0]


def _matched(stem: str, hr_path: Path, lr_path: Path, scale: int) -> ImagePair:
    hr, lr = load_rgb(hr_path), load_rgb(lr_path)
    height, width = (side * scale for side in lr.shape[:2])
    if not (0 <= hr.shape[0] - height < scale and 0 <= hr.shape[1] - width < scale):
        raise ImageError(
            f"{lr_path} is {_size(lr)} pixels (height x width) and does not belong to {hr_path} "
            f"of {_size(hr)}: at scale {scale} an LR image of {hr.shape[0] // scale} x "
            f"{hr.shape[1] // scale} is needed"
        )
    return ImagePair(stem, hr[:height, :width], lr)
