"""Pictures of a run that kept none: its weights in eager PyTorch, on this computer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from foundation.errors import RequestError
from models.bicubic import upscale
from models.evaluation import run_eager
from models.images import ImagePair, Rgb
from models.weights import build_model, load_weights
from search.study.crops import IMAGES, CropPlace, Crops, telling_place
from search.study.images import evaluation_pairs, images_sha256
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory

# LR pixels around a crop that are upscaled with it: several windows on every side. The corner is
# a multiple of it, and so of every usual window: a shifted window is another picture.
MARGIN = 48


def recomputed_crops(run: RunDirectory, members: Sequence[CandidateResult]) -> Crops:
    """The crops that a search would have kept, but without a device.

    Raises:
        RequestError: the run's request, images or weights cannot be read any more.
    """
    pairs = _pairs(run)
    weights = load_weights(run.weights)
    places = tuple(telling_place(pair) for pair in pairs)
    outputs: dict[int, tuple[Rgb, ...]] = {}
    for member in members:
        model = build_model(member.config, weights)
        outputs[member.number] = tuple(
            _crop(partial(run_eager, model), pair, place)
            for pair, place in zip(pairs, places, strict=True)
        )
    scale = pairs[0].hr.shape[0] // pairs[0].lr.shape[0]
    return Crops(
        places=places,
        truth=tuple(place.cut(pair.hr) for pair, place in zip(pairs, places, strict=True)),
        bicubic=tuple(
            place.cut(upscale(pair.lr, scale)) for pair, place in zip(pairs, places, strict=True)
        ),
        outputs=outputs,
        origin="This run kept no pictures: these were recomputed on this computer from its "
        "weights, in eager PyTorch and without tiles. The image's PSNR is the device's own.",
    )


def _pairs(run: RunDirectory) -> Sequence[ImagePair]:
    pairs = evaluation_pairs(run.request())
    if run.facts().get("inputs", {}).get("evaluation images") != images_sha256(pairs):
        raise RequestError("the run's evaluation images have changed since")
    return pairs[:IMAGES]


def _crop(upscaled: Callable[[Rgb], Rgb], pair: ImagePair, place: CropPlace) -> Rgb:
    scale = pair.hr.shape[0] // pair.lr.shape[0]
    height, width = pair.lr.shape[:2]
    top, left = (max(0, at // scale - MARGIN) // MARGIN * MARGIN for at in (place.top, place.left))
    bottom = min(height, -(-(place.top + place.side) // scale) + MARGIN)
    right = min(width, -(-(place.left + place.side) // scale) + MARGIN)
    output = upscaled(pair.lr[top:bottom, left:right])
    moved = place.model_copy(
        update={"top": place.top - top * scale, "left": place.left - left * scale}
    )
    return moved.cut(output)
