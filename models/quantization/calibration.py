"""What static int8 has to know of a network beforehand: the sizes of what its layers take and give.

Seen on crops of the photographs that come for training, none of which is judged by.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from models.deploy_graph import DeployMobileSR
from models.images import to_input
from models.network import LEAKY_SLOPE, MobileSR
from models.quantization.equalisation import equalised
from models.quantization.grids import Activation, Grids, fitted, thinned
from models.quantization.layers import LayerKind, Place
from models.quantization.locations import located_layers
from models.quantization.score_range import bounded
from models.samples import sample_training_images
from models.training.crops import CropSampler
from models.training.photographs import photographs_of

CROP = 48
CROPS = 24
# Values of a tensor that are kept of one crop.
_SAMPLES = 4000
_LEAKY_RELU = partial(F.leaky_relu, negative_slope=LEAKY_SLOPE)
# What comes behind a layer, and hides some of its errors.
_BEHIND: Mapping[LayerKind, Activation] = {
    LayerKind.MLP_IN: F.gelu,
    LayerKind.EXPAND: _LEAKY_RELU,
    LayerKind.DEPTHWISE: _LEAKY_RELU,
    LayerKind.UPSAMPLING: _LEAKY_RELU,
}


@dataclass(frozen=True)
class Calibration:
    """The pictures that grids were found on, as a manifest names them.

    Attributes:
        crops: how many.
        crop: their side, in LR pixels.
        sha256: of their pixels, (crops, crop, crop, 3) in uint8.
    """

    crops: int
    crop: int
    sha256: str


@dataclass(frozen=True)
class Int8Network:
    """A network made ready for int8.

    Attributes:
        model: the network that is to be quantised; it answers as the one it was made of.
        grids: of every layer, whatever it is computed in.
    """

    model: MobileSR
    grids: Mapping[Place, Grids]
    calibration: Calibration


@lru_cache(maxsize=4)
def calibration_pixels(scale: int) -> NDArray[np.uint8]:
    """LR crops of the photographs that come for training, (`CROPS`, `CROP`, `CROP`, 3).

    Raises:
        ImageError: the installed scikit-image lacks a photograph.
    """
    sampler = CropSampler(photographs_of(sample_training_images()), scale, CROP)
    pixels = np.ascontiguousarray(sampler.draw(CROPS, seed=0, step=0)[0])
    pixels.flags.writeable = False
    return pixels


def calibration_crops(scale: int) -> list[Tensor]:
    """The same as networks take them, (1, 3, `CROP`, `CROP`) each."""
    return [torch.from_numpy(to_input(crop)) for crop in calibration_pixels(scale)]


def calibrated(model: MobileSR) -> Int8Network:
    """`model` ready for int8. Raises `ImageError` as `calibration_pixels`."""
    scale = model.config.scale
    crops = calibration_crops(scale)
    ready = equalised(model, crops)
    sha256 = hashlib.sha256(calibration_pixels(scale).tobytes()).hexdigest()
    known = Calibration(CROPS, CROP, sha256)
    return Int8Network(ready, _grids(ready, crops), known)


def _grids(model: MobileSR, crops: Sequence[Tensor]) -> dict[Place, Grids]:
    network = DeployMobileSR(model, *crops[0].shape[2:]).eval()
    places: dict[nn.Module, Place] = {one.layer: one.place for one in located_layers(network)}
    taken: dict[Place, list[Tensor]] = defaultdict(list)
    given: dict[Place, list[Tensor]] = defaultdict(list)

    def see(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        taken[places[layer]].append(thinned(inputs[0], _SAMPLES))
        given[places[layer]].append(thinned(output, _SAMPLES))

    hooks = [layer.register_forward_hook(see) for layer in places]
    with torch.inference_mode():
        for crop in crops:
            network(crop)
    for hook in hooks:
        hook.remove()
    grids = {
        place: Grids(
            fitted(torch.cat(taken[place])),
            fitted(torch.cat(given[place]), _BEHIND.get(place.kind)),
        )
        for place in taken
    }
    config = model.config
    return bounded(grids, config.n_feats // config.n_heads, config.window_size**2)
