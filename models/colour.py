"""What an ICC profile says of an image's numbers, by LittleCMS as Pillow carries it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

# Profiles of the same space differ in rounding; Display P3 differs from sRGB by up to 60 levels.
_SAME_LEVELS = 2
# LittleCMS's space names -> Pillow's modes.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}


def profile_space(profile: bytes) -> str:
    """`RGB`, `GRAY`, `CMYK`, ...; empty where the profile cannot be read."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return str(opened.profile.xcolor_space).strip()
    except (OSError, ImageCms.PyCMSError, ValueError, TypeError):
        return ""


def is_srgb(profile: bytes) -> bool:
    """Whether an RGB profile means the colours that sRGB means, whatever it calls itself."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    moved = np.array(to_srgb(Image.fromarray(grid), profile))
    return bool(np.abs(moved.astype(int) - grid).max() <= _SAME_LEVELS)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The image in sRGB; without a profile, of a Lab image. Alpha is lost.

    A profile that cannot be applied leaves Pillow's own conversion.
    """
    try:
        source: Any = (
            ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if profile is not None
            else ImageCms.createProfile("LAB")
        )
        mode = _MODES.get(str(source.profile.xcolor_space).strip(), "") if profile else "LAB"
        if mode and image.mode != mode:
            image = image.convert(mode)
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (OSError, ImageCms.PyCMSError, ValueError, TypeError):
        converted = None
    return image.convert("RGB") if converted is None else converted
