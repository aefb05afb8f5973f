"""PSNR and SSIM of uint8 RGB images, as the super-resolution literature reports them.

Y is ITU-R BT.601 in studio range, unrounded: 16 + (65.481 R + 128.553 G + 24.966 B) / 255.
PSNR has its peak at 255. Both images lose `border` pixels on every side first (the convention
is the scale). SSIM is that of Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from
error visibility to structural similarity", IEEE TIP 13(4), 2004: on Y, an 11 x 11 Gaussian
window with sigma 1.5, K1 = 0.01, K2 = 0.03, L = 255, averaged where the window fits entirely.

A set's score is the mean of its images' scores, never the score of the pooled error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ImageError

PEAK = 255.0
# Ceiling of the PSNR, reached by equal images: finite, so that means and JSON stay finite.
PSNR_OF_EQUAL_DB = 100.0
LUMA_WEIGHTS = (65.481, 128.553, 24.966)
LUMA_OFFSET = 16.0
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1 = 0.01
SSIM_K2 = 0.03

Plane = NDArray[np.float64]
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class QualityScore:
    """How close one image, or on average a set of images, comes to its original."""

    psnr_y_db: float
    psnr_rgb_db: float
    ssim_y: float


def luma(image: NDArray[Any]) -> Plane:
    """Y of an (H, W, 3) RGB image with values 0 .. 255, as float, 16 .. 235."""
    return image.astype(np.float64) @ (np.array(LUMA_WEIGHTS) / PEAK) + LUMA_OFFSET


def psnr_y_db(output: Image, target: Image, border: int) -> float:
    """PSNR on Y, at most `PSNR_OF_EQUAL_DB`. Raises `ImageError` as `score` does."""
    output, target = _shaved(output, target, border)
    return _psnr_db(luma(output), luma(target))


def psnr_rgb_db(output: Image, target: Image, border: int) -> float:
    """PSNR over all three channels, at most `PSNR_OF_EQUAL_DB`. Raises as `score` does."""
    output, target = _shaved(output, target, border)
    return _psnr_db(output.astype(np.float64), target.astype(np.float64))


def ssim_y(output: Image, target: Image, border: int) -> float:
    """Mean SSIM on Y. Raises `ImageError` as `score` does, also when no window fits."""
    output, target = _shaved(output, target, border)
    if min(output.shape[:2]) < SSIM_WINDOW:
        raise ImageError(
            f"{_size(output)} pixels are left inside a border of {border}, too few for SSIM's "
            f"{SSIM_WINDOW} x {SSIM_WINDOW} window: use larger images"
        )
    return _ssim(luma(output), luma(target))


def score(output: Image, target: Image, border: int) -> QualityScore:
    """All three figures of one image.

    Raises:
        ImageError: the images are no two uint8 RGB images of one size, or shaving `border`
            pixels leaves too little of them.
    """
    return QualityScore(
        psnr_y_db=psnr_y_db(output, target, border),
        psnr_rgb_db=psnr_rgb_db(output, target, border),
        ssim_y=ssim_y(output, target, border),
    )


def mean_score(scores: Sequence[QualityScore]) -> QualityScore:
    """Mean of each figure. Raises `ImageError` when there are no scores."""
    if not scores:
        raise ImageError("no image was scored, so there is no mean quality")
    return QualityScore(
        psnr_y_db=math.fsum(s.psnr_y_db for s in scores) / len(scores),
        psnr_rgb_db=math.fsum(s.psnr_rgb_db for s in scores) / len(scores),
        ssim_y=math.fsum(s.ssim_y for s in scores) / len(scores),
    )


def _size(image: NDArray[Any]) -> str:
    return " x ".join(map(str, image.shape[:2]))


def _shaved(output: Image, target: Image, border: int) -> tuple[Image, Image]:
    for image in (output, target):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ImageError(
                f"quality is measured on uint8 RGB images, not on {image.dtype} {image.shape}"
            )
    if output.shape != target.shape:
        raise ImageError(
            f"the output is {_size(output)} pixels (height x width), its original "
            f"{_size(target)}: only images of one size can be compared"
        )
    if border < 0:
        raise ImageError(f"cannot shave a border of {border} pixels")
    if min(output.shape[:2]) <= 2 * border:
        raise ImageError(
            f"an image of {_size(output)} pixels has nothing left inside a border of {border}"
        )
    inside = slice(border, -border or None)
    return output[inside, inside], target[inside, inside]


def _psnr_db(output: Plane, target: Plane) -> float:
    mse = float(np.mean(np.square(output - target)))
    if mse == 0.0:
        return PSNR_OF_EQUAL_DB
    return min(10.0 * math.log10(PEAK**2 / mse), PSNR_OF_EQUAL_DB)


def _ssim(x: Plane, y: Plane) -> float:
    c1, c2 = (SSIM_K1 * PEAK) ** 2, (SSIM_K2 * PEAK) ** 2
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x = _windowed(x * x) - mean_x**2
    var_y = _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return float(similarity.mean())


def _windowed(plane: Plane) -> Plane:
    """Gaussian-weighted mean around each pixel whose window lies inside the plane."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    weights /= weights.sum()
    for _ in range(2):  # Columns, then, transposed, rows.
        kept = plane.shape[0] - SSIM_WINDOW + 1
        plane = sum(
            (weight * plane[k : k + kept] for k, weight in enumerate(weights)),
            start=np.zeros((kept, plane.shape[1])),
        ).T
    return plane
