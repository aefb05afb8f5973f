"""16-bit colours of PNG and TIFF files, of which Pillow's decoders keep the upper byte only.

Pillow has an unpacker for each order of a level's two bytes, and each takes the upper one. Asked
for the other order than the file's it therefore takes the lower: two readings make the level.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ENDS = {
    "B": "L",
    "L": "B",
    "N": "B" if sys.byteorder == "little" else "L",
}


def deep_levels(
    image: Image.Image, path: Path, formats: tuple[str, ...]
) -> NDArray[np.float64] | None:
    """Levels 0 .. 65535 of a 16-bit RGB or RGBA image, (H, W, 3 or 4); None for any other.

    `image` is opened and not loaded. Raises what Pillow's decoders do.
    """
    rawmodes = {_rawmode(tile) for tile in getattr(image, "tile", ())}
    rawmode = rawmodes.pop() if len(rawmodes) == 1 else None
    if rawmode is None or rawmode[:-1] not in {"RGB;16", "RGBA;16", "RGBX;16", "LA;16"}:
        return None
    if rawmode == "LA;16B":
        # Each pixel's four bytes as they lie there: grey and alpha, the upper byte first.
        with Image.open(path, formats=formats) as again:
            _set_rawmode(again, "RGBA")
            raw = np.asarray(again.copy(), np.float64)
        grey, alpha = (256.0 * raw[..., at] + raw[..., at + 1] for at in (0, 2))
        return np.stack([grey, grey, grey, alpha], axis=-1)
    with Image.open(path, formats=formats) as again:
        _set_rawmode(again, rawmode[:-1] + _ENDS[rawmode[-1]])
        low = np.asarray(again.copy(), np.float64)
    return 256.0 * np.asarray(image.copy(), np.float64) + low


def _rawmode(tile: Any) -> str | None:
    arguments = tile[3]
    found = arguments if isinstance(arguments, str) else arguments[0] if arguments else None
    return found if isinstance(found, str) else None


def _set_rawmode(image: Image.Image, rawmode: str) -> None:
    tiles: list[Any] = image.tile  # type: ignore[attr-defined]
    for at, tile in enumerate(tiles):
        arguments = tile[3]
        changed = rawmode if isinstance(arguments, str) else (rawmode, *arguments[1:])
        tiles[at] = tile._replace(args=changed)
