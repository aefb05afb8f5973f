"""`models.quantization.sensitivity`: what a layer costs, and which ones the budget holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.quantization.calibration import calibrated, calibration_crops
from models.quantization.layers import CONVOLUTIONS, FLOAT_LAYERS, Int8Layers, LayerKind
from models.quantization.sensitivity import WAYS, drop_db, drops_db, within_budget
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
    ready = calibrated(build_model(config, random_weights(config)).eval())
    crops = calibration_crops(4)[:2]
    # The equalised network in float is the judge: nothing is in int8.
    assert drop_db(ready, crops, FLOAT_LAYERS) == 0.0
    static, dynamic = (drops_db(ready, crops, way) for way in WAYS)
    assert set(static) == set(LayerKind)
    assert set(dynamic) == set(LayerKind) - CONVOLUTIONS
    assert all(drop > 0 for drop in (*static.values(), *dynamic.values()))
    everything = Int8Layers(static=frozenset(LayerKind))
    assert drop_db(ready, crops, everything) == pytest.approx(sum(static.values()), rel=0.5)
