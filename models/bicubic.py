"""Bicubic resizing as MATLAB's `imresize` does it, by which super-resolution LR images are made.

The kernel is that of R. Keys, "Cubic convolution interpolation for digital image processing",
IEEE Trans. ASSP 29(6), 1981, with a = -1/2. Shrinking stretches the kernel by the factor
(antialiasing), rows go before columns, and integer images are rounded after each pass; see
mathworks.com/help/images/ref/imresize.html. Beyond the border the edge pixel is repeated, as
MATLAB did when the benchmarks' LR images were made: those of Set5 are reproduced bit for bit.
(Later versions mirror instead, which changes the outermost two LR pixels by a few levels;
Pillow cuts the kernel off at the border.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ImageError

KERNEL_WIDTH = 4.0


def cubic_kernel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel with a = -1/2; zero beyond 2."""
    d = np.abs(x)
    near = (1.5 * d - 2.5) * d * d + 1.0
    far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
    return np.where(d <= 1.0, near, np.where(d <= 2.0, far, 0.0))


def taps(
    length: int, new_length: int, scale: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Which input pixels make each output pixel of one axis, and with what weight.

    Returns:
        Indices and weights, both (new_length, taps). Weights of a row sum to 1; indices beyond
        the border are already those of the edge pixel.
    """
    shrink = min(scale, 1.0)
    width = KERNEL_WIDTH / shrink
    # Output pixel centres in input coordinates, both counted from 0 at the first pixel's centre.
    centres = (np.arange(new_length) + 0.5) / scale - 0.5
    first = np.floor(centres - width / 2)
    positions = first[:, None] + np.arange(math.ceil(width) + 2)
    weights = cubic_kernel((centres[:, None] - positions) * shrink)
    weights /= weights.sum(axis=1, keepdims=True)
    indices = np.clip(positions, 0, length - 1).astype(np.intp)
    used = np.any(weights != 0.0, axis=0)
    return indices[:, used], weights[:, used]


def imresize(image: NDArray[Any], scale: float) -> NDArray[Any]:
    """Resize an (H, W, C) image to ceil(scale * H) x ceil(scale * W), keeping its dtype.

    Integer images are rounded half up and clipped to their range; float images are not clipped.

    Raises:
        ImageError: an empty image, or a scale that is not positive.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise ImageError(f"cannot resize an image by {scale}: the factor must be positive")
    height, width = image.shape[:2]
    return _resize(image, scale, math.ceil(scale * height), math.ceil(scale * width))


def downscale(hr: NDArray[Any], scale: int) -> NDArray[Any]:
    """Shrink by the integer factor `scale`. Raises `ImageError` as `imresize` does."""
    height, width = hr.shape[:2]
    return _resize(hr, 1 / scale, -(-height // scale), -(-width // scale))


def upscale(lr: NDArray[Any], scale: int) -> NDArray[Any]:
    """Enlarge by the integer factor `scale`. Raises `ImageError` as `imresize` does."""
    return _resize(lr, float(scale), scale * lr.shape[0], scale * lr.shape[1])


def _resize(image: NDArray[Any], scale: float, height: int, width: int) -> NDArray[Any]:
    if image.ndim != 3 or 0 in image.shape:
        raise ImageError(f"cannot resize an image of shape {image.shape}: need (H, W, C)")
    rows = _along_rows(image, scale, height)
    return _along_rows(rows.swapaxes(0, 1), scale, width).swapaxes(0, 1)


def _along_rows(image: NDArray[Any], scale: float, new_length: int) -> NDArray[Any]:
    indices, weights = taps(image.shape[0], new_length, scale)
    # float32 would move some values across a rounding boundary.
    out = np.zeros((new_length, *image.shape[1:]), np.float64)
    for index, weight in zip(indices.T, weights.T, strict=True):
        out += image[index] * weight[:, None, None]
    if np.issubdtype(image.dtype, np.integer):
        limits = np.iinfo(image.dtype)
        out = np.clip(np.floor(out + 0.5), limits.min, limits.max)
    return np.ascontiguousarray(out, dtype=image.dtype)
