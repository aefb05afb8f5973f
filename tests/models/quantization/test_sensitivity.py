"""`models.quantization.sensitivity`: what a layer costs, and which ones the budget holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.quantization.layers import LayerKind
from models.quantization.sensitivity import drop_db, drops_db, training_crops, within_budget
from models.weights import build_model

drops = st.fixed_dictionaries({kind: st.floats(0, 0.02) for kind in LayerKind})


@given(drops, st.floats(0, 0.1))
def test_the_budget_holds_the_cheapest_and_no_more(costs, budget):
    chosen = within_budget(costs, budget)
    assert sum(costs[kind] for kind in chosen) <= budget * 1.000001
    left = set(LayerKind) - chosen
    if chosen and left:
        assert max(costs[kind] for kind in chosen) <= min(costs[kind] for kind in left)
        cheapest = min(left, key=lambda kind: costs[kind])
        assert sum(costs[kind] for kind in chosen) + costs[cheapest] > budget * 0.999999


def test_a_dear_layer_stays_in_float():
    costs = dict.fromkeys(LayerKind, 0.001) | {LayerKind.PATCHES: 1.0}
    assert within_budget(costs, 0.03) == set(LayerKind) - {LayerKind.PATCHES}


def test_no_layer_costs_nothing_and_more_layers_cost_more(random_weights):
    config = MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), window_size=4)
    model = build_model(config, random_weights(config)).eval()
    crops = training_crops(4, count=2)
    assert drop_db(model, crops, ()) == 0.0
    each = drops_db(model, crops)
    assert set(each) == set(LayerKind)
    assert all(drop > 0 for drop in each.values())
    assert drop_db(model, crops, LayerKind) == pytest.approx(sum(each.values()), rel=0.5)
