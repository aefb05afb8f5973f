"""Quality of a network in eager PyTorch, image by image, with bicubic beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from models.bicubic import upscale
from models.images import ImagePair, to_input, to_uint8
from models.network import MobileSR
from models.quality import QualityScore, mean_score, score


@dataclass(frozen=True)
class ImageEvaluation:
    """Scores of one image: the model's and bicubic's."""

    name: str
    model: QualityScore
    bicubic: QualityScore


@dataclass(frozen=True)
class Evaluation:
    """Scores of a set of images; the means are means of per-image values."""

    images: tuple[ImageEvaluation, ...]

    @property
    def model(self) -> QualityScore:
        return mean_score([image.model for image in self.images])

    @property
    def bicubic(self) -> QualityScore:
        return mean_score([image.bicubic for image in self.images])


def run_eager(model: MobileSR, lr: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> uint8 (scale*H, scale*W, 3): clamped and rounded."""
    with torch.inference_mode():
        return to_uint8(model(torch.from_numpy(to_input(lr))).numpy())


def evaluate(
    model: MobileSR,
    pairs: Sequence[ImagePair],
    on_image: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Score `model` on whole images. Raises `ImageError` for an image too small to score."""
    rows = []
    for pair in pairs:
        rows.append(compare(pair, run_eager(model, pair.lr), model.config.scale))
        on_image(pair.name)
    return Evaluation(tuple(rows))


def score_outputs(
    pairs: Sequence[ImagePair], outputs: Sequence[np.ndarray], scale: int
) -> Evaluation:
    """Score the uint8 outputs that something else computed, one for each pair."""
    return Evaluation(
        tuple(compare(pair, output, scale) for pair, output in zip(pairs, outputs, strict=True))
    )


def compare(pair: ImagePair, output: np.ndarray, scale: int) -> ImageEvaluation:
    """Score one output and the bicubic upscaling of its input against the truth."""
    return ImageEvaluation(
        pair.name,
        score(output, pair.hr, border=scale),
        score(upscale(pair.lr, scale), pair.hr, border=scale),
    )
