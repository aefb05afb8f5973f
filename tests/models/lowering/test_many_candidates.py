"""Two hundred candidates, exported as a search exports them, loaded, run and compared."""

import random

import numpy as np
import torch
from host_answer import host_answer

from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.export import export

COUNT = 200
# A shell is made for each of these and a scale: what a search has but one of.
SIZES = ((24, 24), (17, 31), (40, 12))


def drawn(rng: random.Random) -> Candidate:
    heads = rng.choice((1, 2, 4, 8))
    config = MobileSRConfig(
        # The norm of two or three channels is nearly a step: rounding shows in any arithmetic.
        n_feats=heads * rng.randint(max(1, 4 // heads), 5),
        n_heads=heads,
        ratios=tuple(rng.randint(1, 4) for _ in range(rng.randint(1, 4))),
        window_size=rng.choice((1, 2, 3, 4, 5, 7, 8, 11, 16)),
        scale=rng.choice((2, 3, 4)),
        body_passes=rng.randint(1, 2),
    )
    height, width = rng.choice(SIZES)
    # From strips of one window row to none at all.
    strip_kb = rng.choice((0, 8, 32, 128, 3072))
    deployment = Deployment.choose(lr_height=height, lr_width=width, strip_kb=strip_kb)
    return Candidate(config, deployment)


def test_two_hundred_random_candidates_answer_as_eager_does(random_weights, tmp_path):
    rng, worst = random.Random(11), 0.0
    for number in range(COUNT):
        candidate = drawn(rng)
        made = export(candidate, random_weights(candidate.config, number), tmp_path)
        assert (made.manifest.delegates, made.manifest.undelegated_ops) == (1, {}), candidate.key
        given = np.fromfile(made.check_input_path, "<f4").reshape(made.manifest.inputs[0].shape)
        expected = np.fromfile(made.check_output_path, "<f4")
        answer = host_answer(made.model_path, torch.from_numpy(given))
        error = float(np.abs(answer.numpy().ravel() - expected).max())
        assert error <= 1e-5, candidate.key
        worst = max(worst, error)
    assert worst > 0
