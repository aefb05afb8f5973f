"""What architecture a stranger's tensors are of: advice in the refusal, and no more."""

from dataclasses import replace

import pytest
import torch
from config_strategies import configs
from hypothesis import given, settings

from models.config import PRESETS, MobileSRConfig
from models.config_of_state import config_of_state
from models.errors import WeightsError
from models.network import MobileSR

ASKED = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1))


def state_of(config):
    with torch.device("meta"):
        return MobileSR(config).state_dict()


@given(config=configs())
@settings(max_examples=20, deadline=None)
def test_shapes_tell_all_but_heads_window_and_passes(config):
    assert config_of_state(state_of(config), config) == config
    found = config_of_state(state_of(config), PRESETS["ntire2022"])
    assert (found.n_feats, found.ratios, found.scale) == (
        config.n_feats, config.ratios, config.scale,
    )  # fmt: skip


@pytest.mark.parametrize(
    "given_config",
    [
        MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1), scale=2),
        MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1), scale=3),
        MobileSRConfig(n_feats=16, n_heads=2, ratios=(2, 1)),
        MobileSRConfig(n_feats=8, n_heads=2, ratios=(4, 1, 1)),
    ],
    ids=lambda config: config.key,
)
def test_a_refusal_names_the_config_that_fits(random_weights, given_config):
    weights = replace(random_weights(given_config), config=None)
    with pytest.raises(WeightsError, match=f"It fits {given_config.key}: give that as its key"):
        weights.for_config(ASKED)


def test_what_is_of_no_such_network_gets_no_such_advice(random_weights):
    weights = replace(random_weights(ASKED), config=None)
    cut = {name: tensor for name, tensor in weights.state.items() if "tail" not in name}
    for state in (cut, weights.state | {"x": torch.zeros(1)}, {"x": torch.zeros(1)}):
        with pytest.raises(WeightsError) as refused:
            replace(weights, state=state).for_config(ASKED)
        assert "It fits" not in str(refused.value)
    assert config_of_state({"head.weight": torch.zeros(0, 3, 3, 3)}, ASKED) is None
