"""What a search needs before its first trial, checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.evaluation import evaluate
from models.images import ImagePair, look_through, require_at_least
from models.samples import sample_training_images
from models.shipped import shipped_for
from models.training.photographs import Photograph, photographs_in, photographs_of
from models.weights import Weights, build_model, load_given_weights
from search.request import SearchRequest
from search.study.images import arrays_sha256, evaluation_pairs, images_sha256


@dataclass(frozen=True)
class SearchInputs:
    """Evaluation images in memory, training images as files, weights where none are trained.

    Attributes:
        left_out: which files of the user's training folder are not among them, in a sentence.
    """

    pairs: Sequence[ImagePair]
    photographs: Sequence[Photograph]
    weights: Weights | None
    left_out: str = ""

    def fingerprint(self) -> dict[str, str]:
        """Hashes by which a resumed run knows that its inputs are still the same."""
        prints = {
            "evaluation images": images_sha256(self.pairs),
            "training images": arrays_sha256(one.load() for one in self.photographs),
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
    given = _given(request)
    if given is not None:
        return SearchInputs(pairs, (), _for_space(given, request))
    if request.train is None:
        return SearchInputs(pairs, photographs_of(sample_training_images()), None)
    left_out = look_through(request.train).sentence
    return SearchInputs(pairs, photographs_in(request.train), None, left_out)


def _given(request: SearchRequest) -> Weights | None:
    """The user's checkpoint, or the package's where nothing asks for training; else None."""
    if request.weights is not None:
        return load_given_weights(request.weights)
    if request.train is not None or request.train_steps is not None:
        return None
    return shipped_for(request.space)


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
