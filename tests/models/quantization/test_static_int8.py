"""Static int8: one layer is what XNNPACK computes, and a grid holds what it was fitted to."""

import pytest
import torch
import torch.nn.functional as F
from host_answer import host_answer
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.lowering.executorch_internals import make_program
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Padding
from models.quantization.grids import Grid, Grids, fitted
from models.quantization.static_int8 import StaticInt8

KINDS = {
    "linear": nn.Linear(24, 40),
    "convolution": nn.Conv2d(16, 24, 3, padding=1),
    # Where a float32 no longer holds the sum of products.
    "wide convolution": nn.Conv2d(80, 8, 3, padding=1),
    "depthwise": nn.Conv2d(24, 24, 3, padding=1, groups=24),
}


def by_xnnpack(layer, grids, x):
    graph = XnnpackGraph()
    if isinstance(layer, nn.Linear):
        kernel = graph.static_kernel(layer.weight, layer.bias, grids, 0)
        made = graph.linear(graph.input(x.shape), kernel)
    elif layer.groups > 1:
        kernel = graph.static_kernel(layer.weight.permute(1, 2, 3, 0), layer.bias, grids, 3)
        made = graph.depthwise_convolution(graph.input(x.shape), kernel, Padding(1, 1, 1))
    else:
        kernel = graph.static_kernel(layer.weight.permute(0, 2, 3, 1), layer.bias, grids, 0)
        made = graph.convolution(graph.input(x.shape), kernel, Padding(1, 1, 1))
    graph.output(graph.as_float(made))
    program, _ = make_program(graph)
    return host_answer(program, x)


@settings(max_examples=16)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 99), st.sampled_from([1e-3, 1.0, 50.0]))
def test_one_layer_is_what_xnnpack_computes(kind, seed, spread):
    layer = KINDS[kind]
    generator = torch.Generator().manual_seed(seed)
    channels = layer.weight.shape[1] * getattr(layer, "groups", 1)
    # Off the middle, so that zero points matter, and padding is not the least value.
    x = (torch.randn(1, 5, 7, channels, generator=generator) + 0.4) * spread
    turned = x if isinstance(layer, nn.Linear) else x.permute(0, 3, 1, 2)
    with torch.inference_mode():
        made = layer(turned)
        grids = Grids(fitted(x), fitted(made))
        expected = StaticInt8(layer, grids)(turned)
    expected = expected if isinstance(layer, nn.Linear) else expected.permute(0, 2, 3, 1)
    steps = (by_xnnpack(layer, grids, x) - expected) / grids.gives.scale
    # A sum that lies between two steps may be rounded to either.
    assert steps.abs().max() <= 1.01
    assert (steps.abs() > 0.01).float().mean() < 0.01
    # And it is the layer, to what its grids allow.
    error = (expected - (made if made.shape == expected.shape else made.permute(0, 2, 3, 1))).abs()
    assert error.median() <= 2 * grids.gives.scale


@pytest.mark.parametrize("spread", [0.0, 1e-12])
def test_a_bias_beside_weights_of_nearly_nothing_is_what_comes_out(spread):
    layer = nn.Linear(24, 3)
    with torch.no_grad():
        layer.weight[1:].mul_(spread)
        layer.bias.copy_(torch.tensor([0.0, 1.0, -0.75]))
    grids, x = Grids(Grid(1 / 64, 3), Grid(1 / 32, 5)), torch.rand(1, 5, 7, 24)
    with torch.inference_mode():
        for made in (StaticInt8(layer, grids)(x), by_xnnpack(layer, grids, x)):
            assert (made[..., 1:] == torch.tensor([1.0, -0.75])).all()


@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=50),
)
def test_zero_is_on_every_grid_and_no_value_far_off(values):
    samples = torch.tensor(values)
    grid = fitted(samples)
    assert grid.rounded(torch.zeros(1)) == 0
    assert -128 <= grid.zero_point <= 127
    low, high = min(0.0, min(values)), max(0.0, max(values))
    whole = Grid(max((high - low) / 255, 1e-8), 0).scale
    error = float((grid.rounded(samples) - samples).square().mean()) ** 0.5
    assert error <= 0.51 * whole + 1e-6 * max(high, -low)


def test_a_rare_giant_does_not_cost_all_others_their_steps():
    samples = torch.cat([torch.randn(200_000, generator=torch.Generator().manual_seed(0)),
                         torch.tensor([12.0])])  # fmt: skip
    whole = float(samples.max() - samples.min()) / 255
    assert fitted(samples).scale < 0.9 * whole


def test_what_the_activation_hides_gets_no_steps():
    """Of -40 and of -30 GELU makes nothing alike: the steps go to where it does not."""
    low = torch.linspace(-40, 0, 10_000)
    samples = torch.cat([low, torch.linspace(0, 4, 10_000)])
    plain, through = fitted(samples), fitted(samples, F.gelu)
    assert through.scale < 0.5 * plain.scale
    errors = [
        float((F.gelu(grid.rounded(samples)) - F.gelu(samples)).square().mean())
        for grid in (plain, through)
    ]
    assert errors[1] < 0.25 * errors[0]


@pytest.mark.parametrize("value", [-300.0, 300.0])
def test_what_is_outside_is_cut_off(value):
    grid = Grid(0.5, 28)
    assert float(grid.rounded(torch.tensor([value]))) in ((-128 - 28) * 0.5, (127 - 28) * 0.5)
