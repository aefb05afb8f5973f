"""Photographs that scikit-image's wheel carries: what a run without the user's images works on.

Nothing is downloaded and nothing is copied from the wheel. Origins, as scikit-image's own
documentation (`skimage.data`) states them:

| file | what, by whom | licence |
|---|---|---|
| astronaut.png | Eileen Collins, NASA | public domain |
| coffee.png | coffee cup, Rachel Michetti, courtesy of Pikolo Espresso Bar | CC0 |
| chelsea.png | Chelsea the cat, Stefan van der Walt | CC0 |
| motorcycle_left.png | Middlebury stereo 2014: D. Scharstein, H. Hirschmüller, Y. Kitajima, \
G. Krathwohl, N. Nesic, X. Wang, P. Westling, GCPR 2014 | none stated |
| camera.png | cameraman (grey), Lav Varshney | CC0 |
| brick.png, gravel.png | textures (grey), CC0Textures | CC0 |
| grass.png | texture (grey), linolafett on DeviantArt | CC0 |
| coins.png | Greek coins (grey), Brooklyn Museum | no known restrictions |
| ihc.png | stained tissue, Center for Microscopy and Molecular Imaging | no known restrictions |
| hubble_deep_field.jpg | galaxies, NASA, Hubble Deep Field team | public domain |

The wheel's largest photograph, retina.jpg, is left out: it is nearly all darkness and blur. Nor is
the deep field trained on: crops from such pictures drown the rest. 400 steps of a small network
(n_feats 16, ratios 2, 2) reached 29.17 dB on Set5 without the two, 29.01 with them, against 28.43
of bicubic upscaling.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import ImageError
from models.images import ImagePair, load_rgb, make_pair

# Judged on: squares of 256 px, 64 x 64 LR at scale 4, this many of each photograph, chosen to
# differ: people, galaxies, food, fur, grains of tissue and metal. Tiles of one photograph are
# alike, so a dozen of them say less than a dozen photographs would. rocket.jpg is not judged: in
# its night sky there is next to nothing to restore, and wide networks lose to narrow ones.
JUDGED = {
    "astronaut.png": 4, "hubble_deep_field.jpg": 3, "coffee.png": 2, "chelsea.png": 1,
    "ihc.png": 1, "coins.png": 1,
}  # fmt: skip
JUDGED_SIDE = 256
# Trained on: none of the above, neither here nor by the shipped supernet.
TRAINED_ON = ("motorcycle_left.png", "camera.png", "brick.png", "grass.png", "gravel.png")

Rgb = NDArray[np.uint8]


def sample_pairs(scale: int) -> list[ImagePair]:
    """A dozen small HR/LR pairs to judge a model by; LR is made bicubically.

    Raises:
        ImageError: the installed scikit-image lacks a photograph.
    """
    return [
        make_pair(name, tile, scale)
        for file, count in JUDGED.items()
        for name, tile in _tiles(Path(file).stem, _photograph(file), count)
    ]


def sample_training_images() -> list[Rgb]:
    """HR images to train on, none of which is judged. Raises `ImageError` as `sample_pairs`."""
    return [_photograph(name) for name in TRAINED_ON]


def _tiles(stem: str, image: Rgb, count: int) -> Iterator[tuple[str, Rgb]]:
    """`count` squares around the centre: up to three along the longer side, or two by two."""
    height, width = image.shape[:2]
    rows = 2 if count == 4 else count if height > width else 1
    columns = count // rows
    top, left = ((height - rows * JUDGED_SIDE) // 2, (width - columns * JUDGED_SIDE) // 2)
    for number in range(count):
        y = top + number // columns * JUDGED_SIDE
        x = left + number % columns * JUDGED_SIDE
        name = stem if count == 1 else f"{stem}-{number + 1}"
        yield name, image[y : y + JUDGED_SIDE, x : x + JUDGED_SIDE]


def _folder() -> Path:
    try:
        import skimage.data
    except ImportError as error:
        raise ImageError(
            "scikit-image, which carries the sample photographs, is not installed: install it, "
            "or give folders of your own images"
        ) from error
    return Path(str(skimage.data.__file__)).parent


def _photograph(name: str) -> Rgb:
    # By path: the functions of skimage.data would try to download what is missing.
    path = _folder() / name
    if not path.is_file():
        raise ImageError(
            f"the installed scikit-image does not carry the sample photograph {name} ({path}): "
            "install scikit-image anew, or give folders of your own images"
        )
    return load_rgb(path)
