"""What a search needs before its first trial, checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.evaluation import evaluate
from models.images import ImagePair, image_files, load_rgb, require_at_least
from models.samples import sample_training_images
from models.weights import Weights, build_model, load_weights
from search.request import SearchRequest
from search.study.images import arrays_sha256, evaluation_pairs, images_sha256


@dataclass(frozen=True)
class SearchInputs:
    """Images in memory, and weights where none have to be trained."""

    pairs: Sequence[ImagePair]
    training_images: Sequence[np.ndarray]
    weights: Weights | None

    def fingerprint(self) -> dict[str, str]:
        """Hashes by which a resumed run knows that its inputs are still the same."""
        prints = {
            "evaluation images": images_sha256(self.pairs),
            "training images": arrays_sha256(self.training_images),
        }
        if self.weights is not None:
            prints["weights"] = self.weights.sha256
        return prints


def load_inputs(request: SearchRequest) -> SearchInputs:
    """Read and check images and weights.

    Raises:
        ImageError: a folder or an image that cannot be used, or is smaller than a tile.
        WeightsError: a checkpoint that does not contain the whole space.
    """
    pairs = evaluation_pairs(request)
    require_at_least(pairs, *request.lr_size)
    if request.weights is not None:
        return SearchInputs(pairs, (), _for_space(load_weights(request.weights), request))
    images = (
        sample_training_images()
        if request.train is None
        else [load_rgb(path) for path in image_files(request.train)]
    )
    return SearchInputs(pairs, images, None)


def _for_space(weights: Weights, request: SearchRequest) -> Weights:
    """The weights as a supernet of the whole space."""
    largest = request.space.largest()
    state = weights.for_config(largest)
    supernet = replace(weights, state=state, config=largest)
    supernet.for_config(request.space.smallest())
    return supernet


def best_psnr_db(request: SearchRequest, weights: Weights, pairs: Sequence[ImagePair]) -> float:
    """Y-PSNR of the largest config, at the best of the space's windows, in eager PyTorch."""
    return max(
        evaluate(
            build_model(largest.model_copy(update={"window_size": window}), weights), pairs
        ).model.psnr_y_db
        for largest in (request.space.largest(),)
        for window in request.space.window_sizes
    )
