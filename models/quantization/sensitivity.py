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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from models.config import MobileSRConfig, preset
from models.network import MobileSR
from models.quantization.calibration import Int8Network, calibrated, calibration_crops
from models.quantization.emulation import in_int8
from models.quantization.layers import (
    CONVOLUTIONS,
    FLOAT_LAYERS,
    INT8_LAYERS,
    Int8Layers,
    LayerKind,
)
from models.shipped import shipped_weights
from models.weights import build_model, load_weights

# What int8 may cost: the sum over the kinds of layers, each by itself, in the worst model.
BUDGET_DB = 0.2
# Of a picture that float32 brings to this PSNR, Set5's by the published network.
REFERENCE_DB = 32.0
CROPS = 12
Way = Literal["static", "dynamic"]
WAYS: tuple[Way, ...] = ("static", "dynamic")
CONFIGS = (
    MobileSRConfig(n_feats=8, n_heads=8, ratios=(1,), window_size=4),
    MobileSRConfig(n_feats=8, n_heads=8, ratios=(2, 2), window_size=8),
    MobileSRConfig(n_feats=16, n_heads=8, ratios=(1, 1), window_size=4),
    MobileSRConfig(n_feats=16, n_heads=8, ratios=(2, 2, 2), window_size=8),
    MobileSRConfig(n_feats=24, n_heads=8, ratios=(1, 2), window_size=4),
    MobileSRConfig(n_feats=32, n_heads=8, ratios=(2, 2, 2), window_size=8),
)


def drop_db(ready: Int8Network, crops: Sequence[Tensor], layers: Int8Layers) -> float:
    """What these layers in int8 take off the PSNR of a picture of `REFERENCE_DB`, in dB.

    As if int8's errors were independent of those that the network makes anyway: their mean squares
    add up.
    """
    height, width = crops[0].shape[2:]
    exact, reduced = (in_int8(ready, height, width, kinds) for kinds in (FLOAT_LAYERS, layers))
    with torch.inference_mode():
        errors = [float((reduced(crop) - exact(crop)).square().mean()) for crop in crops]
    mean_square = sum(errors) / len(errors)
    return 10 * math.log10(1 + mean_square * 10 ** (REFERENCE_DB / 10))


def drops_db(ready: Int8Network, crops: Sequence[Tensor], way: Way) -> dict[LayerKind, float]:
    """`drop_db` of each kind of layer by itself, of those that there are in static or dynamic."""
    kinds = [kind for kind in LayerKind if way == "static" or kind not in CONVOLUTIONS]
    return {kind: drop_db(ready, crops, Int8Layers(**{way: frozenset({kind})})) for kind in kinds}


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
    print("| config | in int8 | " + " | ".join(LayerKind) + " | as chosen |")
    print("|---" * (len(LayerKind) + 3) + "|")
    worst = dict.fromkeys(LayerKind, 0.0)
    for name, model in models:
        ready, crops = calibrated(model), calibration_crops(model.config.scale)[:CROPS]
        chosen = drop_db(ready, crops, INT8_LAYERS)
        for way in WAYS:
            drops = drops_db(ready, crops, way)
            cells = (f"{drops[kind]:.4f}" if kind in drops else "" for kind in LayerKind)
            print(f"| {name} | {way} | {' | '.join(cells)} | {chosen:.4f} |", flush=True)
            own = {kind: drop for kind, drop in drops.items() if kind in _of(INT8_LAYERS, way)}
            worst |= {kind: max(worst[kind], drop) for kind, drop in own.items()}
    print("int8 within the budget:", ", ".join(sorted(within_budget(worst))))


def _of(layers: Int8Layers, way: Way) -> frozenset[LayerKind]:
    return layers.static if way == "static" else layers.dynamic


def _models(checkpoints: Sequence[str]) -> Iterable[tuple[str, MobileSR]]:
    for path in checkpoints:
        weights = load_weights(Path(path))
        yield path, build_model(weights.config or preset("ntire2022"), weights).eval()
    for config in CONFIGS:
        yield config.key, build_model(config, shipped_weights(config.scale)).eval()


if __name__ == "__main__":
    _table(_models(sys.argv[1:]))
