"""How far a training is: PSNR of a few configs on photographs held back from it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from models.config import MobileSRConfig
from models.evaluation import evaluate
from models.images import ImagePair, make_pair
from models.training.photographs import Photograph
from models.weights import State, Weights, build_model

# The square of each held-back photograph that is judged, HR pixels; enough to see a trend.
PROBE_SIDE = 192
MOST_SHARE_OF_TIME = 0.02


def probe_pairs(photographs: Sequence[Photograph], scale: int) -> list[ImagePair]:
    """The central square of each photograph, or what it has of it, with its LR image."""
    pairs = []
    for photograph in photographs:
        image = photograph.load()
        top, left = (max(0, side - PROBE_SIDE) // 2 for side in image.shape[:2])
        square = image[top : top + PROBE_SIDE, left : left + PROBE_SIDE]
        pairs.append(make_pair(photograph.name, square, scale))
    return pairs


class Probe:
    """Judges now and then, so that it never takes more than a small share of the time."""

    def __init__(self, pairs: Sequence[ImagePair], configs: Sequence[MobileSRConfig]) -> None:
        self.pairs, self.configs = list(pairs), list(dict.fromkeys(configs))
        self.spent_s, self.started_s = 0.0, time.monotonic()

    @property
    def due(self) -> bool:
        elapsed_s = time.monotonic() - self.started_s
        return bool(self.pairs) and self.spent_s <= MOST_SHARE_OF_TIME * elapsed_s

    def judge(self, state: State, full: MobileSRConfig) -> dict[str, float]:
        """Config key -> mean Y-PSNR in dB over the held-back squares."""
        began = time.monotonic()
        weights = Weights(state, full, "training")
        scores = {
            config.key: evaluate(build_model(config, weights), self.pairs).model.psnr_y_db
            for config in self.configs
        }
        self.spent_s += time.monotonic() - began
        return scores
