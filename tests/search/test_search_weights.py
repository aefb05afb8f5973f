"""`search.weights`: which supernet a search slices, and what its PSNRs are called."""

import pytest

from models.config import MobileSRConfig
from models.images import save_rgb
from models.origin import WeightsOrigin
from models.shipped import shipped_weights
from models.slicing import slice_state
from models.weights import load_weights, save_weights
from search.inputs import load_inputs
from search.request import SearchRequest
from search.space import SearchSpace
from search.weights import weights_of_run

TINY = SearchSpace(n_feats=(4, 8), depths=(1,), ratios=(1,), window_sizes=(4,), n_heads=2, scale=2)


@pytest.fixture
def folder(tmp_path, picture):
    for number in range(2):
        save_rgb(tmp_path / f"photos/{number}.png", picture(160, 144, number))
    return tmp_path


def request(folder, **fields):
    photos = folder / "photos"
    defaults = {"hr": photos, "lr_size": (16, 16), "batch_size": 1, "crop": 8}
    return SearchRequest(**(defaults | fields))


def weights(folder, asked, said=None, steps=None):
    return weights_of_run(
        folder / "run/supernet.pt",
        asked,
        load_inputs(asked),
        (said if said is not None else []).append,
        (steps if steps is not None else []).append,
    )


def test_the_default_search_trains_nothing(folder):
    steps = []
    found = weights(folder, request(folder), steps=steps)
    assert steps == []
    assert found.origin == WeightsOrigin.SHIPPED
    assert found.config == SearchSpace().largest()
    shipped = shipped_weights(4)
    part = slice_state(shipped.state, shipped.config, found.config)
    assert all((found.state[name] == part[name]).all() for name in part)
    # What is read back from the run says the same.
    assert load_weights(folder / "run/supernet.pt").origin == WeightsOrigin.SHIPPED
    assert weights(folder, request(folder)).origin == WeightsOrigin.SHIPPED


@pytest.mark.parametrize("asks", [{"train": True}, {"train_steps": 10}])
def test_who_asks_for_training_gets_it_from_what_the_shipped_one_contains(folder, asks):
    fields = {name: folder / "photos" if name == "train" else value for name, value in asks.items()}
    asked = request(folder, **{"train_steps": 10} | fields)
    said, steps = [], []
    found = weights(folder, asked, said, steps)
    assert found.origin == WeightsOrigin.TRAINED_HERE
    assert [p.step for p in steps] == list(range(1, 11))
    assert said[-1] == (
        "training the supernet: 10 steps, from what the shipped one contains "
        f"({SearchSpace().largest().key})"
    )
    assert not (folder / "run/training.pt").exists()


def test_another_scale_is_trained_from_nothing(folder):
    said = []
    asked = request(folder, space=TINY, train=folder / "photos", train_steps=10)
    found = weights(folder, asked, said)
    assert found.origin == WeightsOrigin.TRAINED_HERE
    assert said == ["training the supernet: 10 steps"]


def test_small_training_images_are_said(folder, picture):
    save_rgb(folder / "photos/small.png", picture(32, 15))
    (folder / "judged").mkdir()
    save_rgb(folder / "judged/a.png", picture(40, 40))
    said = []
    asked = request(
        folder, space=TINY, hr=folder / "judged", train=folder / "photos", train_steps=10
    )
    weights(folder, asked, said)
    assert "1 image is smaller than one crop of 16 x 16 px, not trained on: small.png" in said


def test_a_given_checkpoint_is_called_that(folder, random_weights):
    config = MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), window_size=4, scale=2)
    save_weights(random_weights(config), folder / "mine.pt")
    asked = request(folder, space=TINY, weights=folder / "mine.pt")
    assert weights(folder, asked).origin == WeightsOrigin.CHECKPOINT
