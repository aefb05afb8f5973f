"""A run of two candidates, for the tests of what is done with a run that has ended."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.images import save_rgb
from models.training.photographs import photographs_of
from models.training.plan import TrainingPlan
from models.training.supernet import SupernetTrainer
from models.weights import save_weights
from search.life import SearchEvents, run_search
from search.request import SearchRequest
from search.space import SearchSpace
from search.study.run_directory import RunDirectory

SPACE = SearchSpace(n_feats=(4, 8), depths=(1,), ratios=(1,), window_sizes=(4,), n_heads=2, scale=2)


@pytest.fixture(scope="module")
def ended_run(
    tmp_path_factory: pytest.TempPathFactory, smooth_picture: Callable[..., np.ndarray]
) -> RunDirectory:
    """Two candidates of `SPACE` on a simulated phone; a folder of the module's own.

    Their weights are untrained, which on smooth pictures is better than bicubic.
    """
    folder = tmp_path_factory.mktemp("ended")
    images = [smooth_picture(112, 120, number) for number in range(3)]
    for number, image in enumerate(images):
        save_rgb(folder / f"photos/{number}.png", image)
    plan = TrainingPlan(steps=1, batch_size=1, crop=8)
    untrained = SupernetTrainer(SPACE, photographs_of(images), plan).weights()
    save_weights(untrained, folder / "untrained.pt")
    request = SearchRequest(
        space=SPACE, device="sim:pixel", lr_size=(16, 16), hr=folder / "photos",
        train=folder / "photos", weights=folder / "untrained.pt", trials=2, sessions=3,
        settle_sessions=0, run_dir=folder / "run",
    )  # fmt: skip
    return run_search(request, ("search",), SearchEvents()).run
