"""What each kind of layer costs in int8, and which kinds are worth it.

    python -m models.quantization.sensitivity [CHECKPOINT ...]

prints the table for six configs of the shipped supernet, and of the published network in each
CHECKPOINT. It is made on crops of the photographs that networks are trained on, none of which is
judged by. What is compared is the output in int8 with the output in float32: against the original,
a few crops come out better by chance as often as worse.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.config import MobileSRConfig, preset
from models.images import to_input
from models.network import MobileSR
from models.quantization.emulation import in_int8
from models.quantization.layers import LayerKind
from models.samples import sample_training_images
from models.shipped import shipped_weights
from models.training.crops import CropSampler
from models.training.photographs import photographs_of
from models.weights import build_model, load_weights

# What int8 may cost: the sum over the kinds of layers, each by itself, in the worst model.
BUDGET_DB = 0.03
# Of a picture that float32 brings to this PSNR, Set5's by the published network.
REFERENCE_DB = 32.0
CROP = 32
CROPS = 6
CONFIGS = (
    MobileSRConfig(n_feats=8, n_heads=8, ratios=(1,), window_size=4),
    MobileSRConfig(n_feats=8, n_heads=8, ratios=(2, 2), window_size=8),
    MobileSRConfig(n_feats=16, n_heads=8, ratios=(1, 1), window_size=4),
    MobileSRConfig(n_feats=16, n_heads=8, ratios=(2, 2, 2), window_size=8),
    MobileSRConfig(n_feats=24, n_heads=8, ratios=(1, 2), window_size=4),
    MobileSRConfig(n_feats=32, n_heads=8, ratios=(2, 2, 2), window_size=8),
)


def training_crops(scale: int, count: int = CROPS) -> list[Tensor]:
    """LR crops, (1, 3, `CROP`, `CROP`) each, of the photographs that come for training."""
    sampler = CropSampler(photographs_of(sample_training_images()), scale, CROP)
    crops, _ = sampler.draw(count, seed=0, step=0)
    return [torch.from_numpy(to_input(np.ascontiguousarray(crop))) for crop in crops]


def drop_db(model: MobileSR, crops: Sequence[Tensor], layers: Collection[LayerKind]) -> float:
    """What these layers in int8 take off the PSNR of a picture of `REFERENCE_DB`, in dB.

    As if int8's errors were independent of those that the network makes anyway: their mean squares
    add up.
    """
    height, width = crops[0].shape[2:]
    exact, reduced = (in_int8(model, height, width, kinds) for kinds in ((), layers))
    with torch.inference_mode():
        errors = [float((reduced(crop) - exact(crop)).square().mean()) for crop in crops]
    mean_square = sum(errors) / len(errors)
    return 10 * math.log10(1 + mean_square * 10 ** (REFERENCE_DB / 10))


def drops_db(model: MobileSR, crops: Sequence[Tensor]) -> dict[LayerKind, float]:
    """`drop_db` of each kind of layer by itself."""
    return {kind: drop_db(model, crops, [kind]) for kind in LayerKind}


def within_budget(
    drops: Mapping[LayerKind, float], budget_db: float = BUDGET_DB
) -> frozenset[LayerKind]:
    """As many kinds as the budget holds, the cheapest first."""
    chosen, spent = set(), 0.0
    for kind in sorted(drops, key=lambda one: (drops[one], one)):
        spent += drops[kind]
        if spent > budget_db:
            break
        chosen.add(kind)
    return frozenset(chosen)


def _table(models: Iterable[tuple[str, MobileSR]]) -> None:
    worst = dict.fromkeys(LayerKind, 0.0)
    print("| config | " + " | ".join(LayerKind) + " | all |")
    print("|---" * (len(LayerKind) + 2) + "|")
    for name, model in models:
        crops = training_crops(model.config.scale)
        drops = drops_db(model, crops)
        cells = (f"{drop:.4f}" for drop in (*drops.values(), drop_db(model, crops, LayerKind)))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        worst = {kind: max(worst[kind], drop) for kind, drop in drops.items()}
    print("int8 within the budget:", ", ".join(sorted(within_budget(worst))))


def _models(checkpoints: Sequence[str]) -> Iterable[tuple[str, MobileSR]]:
    for path in checkpoints:
        weights = load_weights(Path(path))
        yield path, build_model(weights.config or preset("ntire2022"), weights).eval()
    for config in CONFIGS:
        yield config.key, build_model(config, shipped_weights(config.scale)).eval()


if __name__ == "__main__":
    _table(_models(sys.argv[1:]))
