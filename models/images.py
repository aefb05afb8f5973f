"""Image files in and out, HR/LR pairs, and the way between uint8 images and network tensors.

An image is a uint8 array (H, W, 3), RGB. Sizes are told as height x width.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.wording import count_of, shown
from models.bicubic import downscale
from models.errors import ImageError
from models.photo import FORMATS, Rgb, load_rgb, require_savable, save_rgb

__all__ = ["FORMATS", "Rgb", "load_rgb", "require_savable", "save_rgb"]

READ_SUFFIXES = frozenset(
    {
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm",
        ".pbm", ".pnm", ".gif",
    }
)  # fmt: skip
# Photographs as well, that no decoder here reads.
UNREAD_SUFFIXES = frozenset(
    {
        ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".tga", ".exr", ".hdr", ".psd", ".raw",
        ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".npy", ".mat",
    }
)  # fmt: skip


@dataclass(frozen=True)
class ImagePair:
    """An original and what a network is given of it: `hr` is exactly scale times `lr`."""

    name: str
    hr: Rgb
    lr: Rgb


@dataclass(frozen=True)
class ImageFolder:
    """The image files of a folder, and what looks like one and is none that can be used.

    Attributes:
        files: readable by their suffix, sorted by name.
        left_out: name and reason of each other file that somebody may have meant as a photograph.
        subfolders: names of folders in it that hold images themselves; they are not looked into.
    """

    folder: Path
    files: tuple[Path, ...]
    left_out: tuple[tuple[str, str], ...]
    subfolders: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What is not used and why, in one sentence; empty where all is used."""
        inside = ""
        if self.subfolders:
            names = ", ".join(map(shown, self.subfolders[:3]))
            more = " and others" if len(self.subfolders) > 3 else ""
            inside = f"its subfolders with images ({names}{more}) are not looked into"
        if not self.left_out:
            used = f"{self.folder}: {count_of(len(self.files), 'image')} used; {inside}"
            return used if inside else ""
        told = ", ".join(f"{name} ({why})" for name, why in self.left_out[:3])
        more = f" and {len(self.left_out) - 3} more" if len(self.left_out) > 3 else ""
        used = f"{self.folder}: {len(self.files)} images are used, {told}{more} not"
        return f"{used}; {inside}" if inside else used


def look_through(folder: Path) -> ImageFolder:
    """Sort a folder's files by their suffix; hidden ones are not looked at.

    Raises:
        ImageError: the folder is missing, is no folder, cannot be read or holds no image.
    """
    if not folder.exists():
        raise ImageError(f"the image folder {folder} does not exist")
    if not folder.is_dir():
        raise ImageError(f"{folder} is a file, a folder of images is needed")
    files, left_out, subfolders = [], [], []
    try:
        for path in sorted(folder.iterdir()):
            suffix = path.suffix.lower()
            if _holds_images(path):
                subfolders.append(path.name)
            if path.name.startswith(".") or suffix not in READ_SUFFIXES | UNREAD_SUFFIXES:
                continue
            why = _unusable(path) if suffix in READ_SUFFIXES else f"{suffix} cannot be read here"
            if why:
                left_out.append((path.name, why))
            else:
                files.append(path)
    except OSError as error:
        raise ImageError(f"cannot read the folder {folder}: {error.strerror or error}") from None
    if not files:
        told = f"; {left_out[0][0]}: {left_out[0][1]}" if left_out else ""
        if subfolders:
            told += f"; name one of its subfolders: {', '.join(map(shown, subfolders[:3]))}"
        raise ImageError(f"{folder} holds no image ({', '.join(sorted(READ_SUFFIXES))}){told}")
    return ImageFolder(folder, tuple(files), tuple(left_out), tuple(subfolders))


def image_files(folder: Path) -> list[Path]:
    """The usable files of `look_through`, which raises what it raises."""
    return list(look_through(folder).files)


def _holds_images(path: Path) -> bool:
    if path.name.startswith(".") or not path.is_dir():
        return False
    try:
        return any(one.suffix.lower() in READ_SUFFIXES for one in path.iterdir())
    except OSError:  # of another user: nobody knows what is in it
        return False


def _unusable(path: Path) -> str:
    if path.is_file():
        return ""
    if path.is_symlink() and not path.exists():
        return "a link to nothing"
    return "a folder" if path.is_dir() else "no file"


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
        ImageError: a folder or file that cannot be used, an LR image that is missing, ambiguous
            or without an original, or one whose size is not that of its original divided by
            `scale`, rounded down. Nothing is left out: a mean would be that of other images.
    """
    originals = _by_stem(hr_folder)
    if lr_folder is None:
        return [make_pair(stem, load_rgb(path), scale) for stem, path in originals.items()]
    lr_files = _by_stem(lr_folder)
    partners = {
        stem: _partner(stem, path, lr_files, lr_folder, scale) for stem, path in originals.items()
    }
    _refuse_strays(lr_files, set(partners.values()), originals, hr_folder)
    return [_matched(stem, originals[stem], path, scale) for stem, path in partners.items()]


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


def _size(image: Rgb) -> str:
    return f"{image.shape[0]} x {image.shape[1]}"


def _by_stem(folder: Path) -> dict[str, Path]:
    """Files by their names without suffix, in Unicode's composed form.

    Some systems write an umlaut as one character and others as two, and both look the same.
    """
    found = look_through(folder)
    if found.left_out:
        name, why = found.left_out[0]
        raise ImageError(
            f"{folder / name} looks like one of the images and cannot be used ({why}), and "
            "without it a mean would be that of other images: mend it, or move it away"
        )
    files: dict[str, Path] = {}
    for path in found.files:
        other = files.setdefault(unicodedata.normalize("NFC", path.stem), path)
        if other is not path:
            differ = (
                "have the same name but for the suffix"
                if other.stem == path.stem
                else f"have names that only look the same ({other.stem!a}, {path.stem!a})"
            )
            raise ImageError(f"{other} and {path.name} {differ}: which one is meant? Move one away")
    return files


def _refuse_strays(
    lr_files: dict[str, Path], used: set[Path], originals: dict[str, Path], hr_folder: Path
) -> None:
    """An LR image without its original would be left out silently; one of another scale is fine."""
    other_scales = {f"{stem}x{scale}" for stem in originals for scale in range(1, 17)}
    for stem, path in lr_files.items():
        if path not in used and stem not in other_scales:
            raise ImageError(
                f"{path} has no original in {hr_folder}: add it there, or move the LR image away"
            )


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
