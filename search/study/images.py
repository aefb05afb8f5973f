"""The evaluation images of a study, and how it is known later that they are still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from models.images import ImagePair, load_pairs
from models.samples import sample_pairs
from search.request import SearchRequest


def evaluation_pairs(request: SearchRequest) -> Sequence[ImagePair]:
    """The images that a search judges its candidates by.

    Raises:
        ImageError: a folder or an image that cannot be used.
    """
    scale = request.space.scale
    return sample_pairs(scale) if request.hr is None else load_pairs(request.hr, request.lr, scale)


def images_sha256(pairs: Sequence[ImagePair]) -> str:
    """One hash of all pixels, HR and LR."""
    return arrays_sha256([array for pair in pairs for array in (pair.hr, pair.lr)])


def arrays_sha256(arrays: Iterable[np.ndarray]) -> str:
    """One hash of the arrays in their order, shapes included."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
