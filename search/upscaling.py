"""A photograph of any size through an exported model on a device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from device_runner import infer, open_device
from device_runner.devices.claiming import claim
from foundation import places
from foundation.artifact import Artifact, load_artifact
from foundation.errors import RequestError
from models.bicubic import upscale
from models.deployment import Candidate, Deployment, parse_lr_size
from models.inference import plan_for, upscale_images
from models.photo import (
    Photo,
    composited,
    load_photo,
    require_alpha,
    require_savable,
    save_photo,
)
from models.window_padding import padding_sentence

if TYPE_CHECKING:
    from models.config import MobileSRConfig
    from models.weights import Weights


@dataclass(frozen=True)
class UpscaleRequest:
    """One photograph; either an `artifact` or `weights` to export at `tile` in `precision`.

    A transparency is upscaled beside the colours, bicubically, unless `background` says on which
    colour the photograph is to be laid first. A colour profile stays with the result.
    """

    image: Path
    output: Path
    artifact: Path | None
    weights: Path | None
    tile: str
    device: str
    threads: int | None
    timeout_s: float
    runner: str | None = None
    wait_s: float = 0.0
    background: str | None = None
    precision: str | None = None


def cache_folder() -> Path:
    """Where artifacts that nobody named are kept: exporting again costs half a minute."""
    return places.cache_folder() / "artifacts"


def upscale_photo(
    request: UpscaleRequest,
    choose: Callable[[Weights], MobileSRConfig],
    say: Callable[[str], None],
    on_tiles: Callable[[int, int], None],
    warn: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Upscale and write; returns what was done, JSON-ready.

    `say` hears what is being done, `warn` what the tile costs where windows do not fit it.

    Raises:
        RequestError: an unusable image, artifact, checkpoint, tile or output.
        DeviceFailure: the device did not run the artifact to its end.
    """
    if (request.artifact is None) == (request.weights is None):
        raise RequestError("give either --artifact or --weights")
    if request.artifact is not None and request.precision is not None:
        raise RequestError("--precision beside --artifact: an artifact has its precision already")
    require_savable(request.output)
    photo = load_photo(request.image)
    if request.background is not None:
        photo = composited(photo, request.background)
    if photo.alpha is not None:
        require_alpha(request.output)
    say("preparing the model")
    artifact = _artifact(request, choose, warn)
    plan = plan_for(artifact, *photo.rgb.shape[:2])
    selection = open_device(request.device, runner=request.runner)
    with contextlib.closing(selection.device) as device, claim(device, request.wait_s, say):
        device.push(artifact)
        say("upscaling")
        on_tiles(0, plan.count)
        threads = request.threads or device.suggest_threads().threads
        (result,) = upscale_images(
            partial(infer, device, artifact, threads=threads, timeout_s=request.timeout_s),
            artifact,
            [photo.rgb],
            tiles_per_launch=max(8, plan.count // 8),
            on_tiles=on_tiles,
        )
    scale = result.shape[0] // photo.rgb.shape[0]
    alpha = None if photo.alpha is None else upscale(photo.alpha[..., np.newaxis], scale)[..., 0]
    save_photo(request.output, Photo(result, alpha, photo.profile))
    return {
        "output": str(request.output),
        "height": result.shape[0],
        "width": result.shape[1],
        "alpha": alpha is not None,
        "colour_profile": photo.profile is not None,
        "notes": list(photo.notes),
        "tiles": plan.count,
        "tiling": plan.describe(),
        "device": selection.device.serial,
        "pushed": selection.device.pushed.to_dict() if selection.device.pushed else None,
        "candidate": artifact.manifest.candidate_key,
    }


def _artifact(
    request: UpscaleRequest,
    choose: Callable[[Weights], MobileSRConfig],
    warn: Callable[[str], None],
) -> Artifact:
    if request.artifact is not None:
        return load_artifact(request.artifact)
    from models.export import export
    from models.weights import load_weights

    assert request.weights is not None
    height, width = parse_lr_size(request.tile)
    weights = load_weights(request.weights)
    config = choose(weights)
    if sentence := padding_sentence((height, width), (config.window_size,), "--tile"):
        warn(sentence)
    deployment = Deployment.choose(
        lr_height=height, lr_width=width, precision=request.precision or "fp32"
    )
    return export(Candidate(config, deployment), weights, cache_folder())
