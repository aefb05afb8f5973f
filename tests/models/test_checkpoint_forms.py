"""How other trainers keep a network, read as a whole file: containers, notes beside, averages."""

import pytest
import torch

from models.config import MobileSRConfig
from models.errors import WeightsError
from models.weights import how_read, load_weights

CONFIG = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1))


@pytest.fixture
def state(random_weights):
    return random_weights(CONFIG).state


@pytest.fixture
def read(tmp_path):
    def load(content):
        path = tmp_path / "weights.pth"
        torch.save(content, path)
        return load_weights(path), how_read(load_weights(path), path)

    return load


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


@pytest.mark.parametrize(
    ("average", "plain"),
    [
        ("state_dict_ema", "state_dict"),
        ("model_ema", "model"),
        ("ema_state_dict", "model_state_dict"),
        ("model_ema_state_dict", "model_state_dict"),
        ("ema_model", "model"),
        ("params_ema", "params"),
    ],
)
def test_an_average_goes_before_what_it_averages(read, state, average, plain):
    last = {name: tensor + 1 for name, tensor in state.items()}
    weights, said = read({plain: last, average: state, "epoch": 3})
    assert equal(weights.state, state)
    assert said.endswith(f"(its {average}).")


def test_a_network_in_tables_within_tables_is_found_and_said(read, state):
    optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}
    weights, said = read({"trainer": {"state": {"model": state}, "optimizer": optimizer}})
    assert equal(weights.state, state)
    assert said.endswith("(its trainer/state/model).")


@pytest.mark.parametrize("note", ["MobileSR", None, [0.9, 0.99], True, {"lr": 0.1}])
def test_a_note_among_the_tensors_is_no_want_of_a_network(read, state, note):
    assert equal(read(state | {"note": note})[0].state, state)


def test_what_holds_no_network_is_told_by_what_it_holds(read):
    with pytest.raises(WeightsError, match=r"and it holds optimizer \(dict\), epoch \(int\); save"):
        read({"optimizer": {"state": {}}, "epoch": 3})
    with pytest.raises(WeightsError, match=r"and it holds a list; save the network"):
        read([torch.zeros(3)])


def test_a_training_that_has_not_ended_is_no_weights(read, state):
    """Of the two networks in it, the last step's would be taken for the average."""
    with pytest.raises(WeightsError, match="is what a training goes on from, not its result"):
        read({"format": "mobilesr-tune/training/2", "model": state, "average": state})


def test_weights_of_a_newer_version_are_refused(read, state):
    with pytest.raises(WeightsError, match=r"weights/2', and this version reads .*weights/1'"):
        read({"format": "mobilesr-tune/weights/2", "config": {}, "net": state})
