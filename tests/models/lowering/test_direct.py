"""`models.lowering.direct`: the graph written by hand computes what the network computes."""

import pytest
import torch
from config_strategies import configs
from host_answer import host_answer
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from models.config import PRESETS, MobileSRConfig
from models.lowering.direct.network import write_network
from models.lowering.executorch_internals import make_program
from models.lowering.strips import StripPlan, whole
from models.weights import build_model

# Odd ones among them, and such as hold no whole window.
sizes = st.sampled_from([(1, 1), (1, 7), (9, 1), (8, 16), (17, 23)])
plans = st.none() | st.builds(
    StripPlan, window_rows=st.integers(1, 4), windows=st.integers(1, 9), tail_rows=st.integers(1, 9)
)


def largest_difference(model, height, width, plan):
    """Between the program, as the runtime runs it, and eager PyTorch."""
    graph = write_network(model, height, width, plan or whole(model.config, height, width))
    program, planned_bytes = make_program(graph)
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
    answer = host_answer(program, image)
    with torch.inference_mode():
        expected = model(image)
    assert answer.shape == expected.shape
    assert planned_bytes >= 4 * (image.numel() + expected.numel())
    return float((answer - expected).abs().max())


@settings(max_examples=60)
@given(configs(), sizes, plans, st.integers(0, 3))
# One channel; a window of one pixel; one larger than the picture; strips of one row at the end.
@example(MobileSRConfig(n_feats=1, n_heads=1, ratios=(1,), window_size=3), (5, 3), None, 0)
@example(MobileSRConfig(n_feats=4, n_heads=4, ratios=(2,), window_size=1, scale=3), (8, 16),
         StripPlan(3, 5, 2), 0)  # fmt: skip
@example(MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), window_size=16), (5, 3), None, 0)
@example(MobileSRConfig(n_feats=4, n_heads=2, ratios=(3, 1), window_size=4, body_passes=2),
         (17, 23), StripPlan(1, 3, 1), 0)  # fmt: skip
def test_equals_the_network_at_any_config_size_and_plan(random_weights, config, size, plan, seed):
    # The norm of two or three channels is nearly a step: rounding shows in any arithmetic.
    assume(config.n_feats not in (2, 3))
    model = build_model(config, random_weights(config, seed))
    assert largest_difference(model, *size, plan) <= 1e-4


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("plan", [None, StripPlan(2, 3, 5)])
def test_equals_the_network_for_the_presets(random_weights, name, plan):
    model = build_model(PRESETS[name], random_weights(PRESETS[name]))
    assert largest_difference(model, 24, 35, plan) <= 1e-5
