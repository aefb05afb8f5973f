"""No score overflows an exponential, whatever a network's queries and keys are."""

import math
from dataclasses import replace

import pytest
import torch
from host_answer import host_answer
from hypothesis import given
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.lowering.direct.network import write_network
from models.lowering.direct.numerics import numerics_of
from models.lowering.executorch_internals import make_program
from models.lowering.strips import whole
from models.quantization.calibration import calibrated, calibration_crops
from models.quantization.expected import expected_output
from models.quantization.grids import Grid, Grids
from models.quantization.layers import LayerKind, Place
from models.quantization.score_range import bounded
from models.weights import build_model

ATTENTION = (LayerKind.QUERY, LayerKind.KEY, LayerKind.VALUE)
grid = st.builds(Grid, st.floats(1e-8, 1e4), st.integers(-128, 127))
CONFIG = MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), window_size=4)


def of_block(gives):
    """The grids of one block's queries, keys and values, which give these."""
    return {
        Place(0, kind): Grids(Grid(1.0, 0), one) for kind, one in zip(ATTENTION, gives, strict=True)
    }


def ends(grid):
    return [grid.scale * (step - grid.zero_point) for step in (-128, 127)]


@given(st.tuples(grid, grid, grid), st.integers(1, 40), st.sampled_from([4, 16, 64, 256]))
def test_the_sum_of_a_window_is_a_float32_at_the_worst_ends(gives, head_dim, tokens):
    found = bounded(of_block(gives), head_dim, tokens)
    query, key, value = (found[Place(0, kind)].gives for kind in ATTENTION)
    score = head_dim * max(abs(q * k) for q in ends(query) for k in ends(key))
    largest = max(map(abs, ends(value)))
    assert score + math.log(max(1.0, tokens * largest)) < math.log(torch.finfo().max)
    # Zero stays on the grids, values are left alone, and a grid is narrowed or stays.
    assert value == gives[2]
    for now, before in zip((query, key), gives, strict=False):
        assert replace(now, scale=1.0) == replace(before, scale=1.0)
        assert now.scale <= before.scale


@given(st.integers(-128, 127))
def test_grids_that_cannot_overflow_stay_as_they_are(zero_point):
    grids = of_block([Grid(1 / 64, zero_point)] * 3)
    assert bounded(grids, 1, 64) == grids


@pytest.mark.parametrize("size", [(8, 8), (13, 7)])
def test_a_network_of_enormous_scores_answers_as_expected(random_weights, size):
    """The second size has windows that are padded, and padding counts in a softmax's sum."""
    model = build_model(CONFIG, random_weights(CONFIG)).eval()
    with torch.no_grad():
        # The first two thirds are queries and keys: scores of hundreds.
        model.body.layers[0][0].attn.qkv.weight[: 2 * CONFIG.n_feats].mul_(60)
    crop, ready = (
        calibration_crops(4)[0][:, :, : size[0], : size[1]].contiguous(),
        calibrated(model),
    )
    graph = write_network(ready.model, *size, whole(CONFIG, *size), numerics_of("int8", ready))
    assert "Softmax" not in graph.operators
    answer = host_answer(make_program(graph)[0], crop)
    expected = expected_output(model, "int8", crop, ready)
    assert bool(answer.isfinite().all())
    assert float((answer - expected.output).abs().max()) <= expected.tolerance
