"""`models.quantization.int8`: the emulation of a layer is what XNNPACK computes, to a rounding."""

import pytest
import torch
from host_answer import host_answer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.lowering.executorch_internals import make_program
from models.lowering.xnnpack_graph import XnnpackGraph
from models.quantization.int8 import DynamicInt8Linear, quantised_weight

ROWS = (1, 5, 7)


def drawn(inputs, outputs, seed, spread):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator)
    bias = torch.randn(outputs, generator=generator)
    # Rows of very different size, as the tokens of a picture are.
    size = torch.rand(*ROWS, 1, generator=generator) * spread
    return torch.randn(*ROWS, inputs, generator=generator) * size, weight, bias


@settings(max_examples=12)
@given(
    st.sampled_from([(8, 8), (16, 40), (40, 24), (160, 16)]),
    st.integers(0, 99),
    st.sampled_from([1e-3, 1.0, 50.0]),
    st.booleans(),
)
# Where a float32 no longer holds the sum of products.
@example((640, 108), 0, 1.0, True)
def test_one_layer_is_what_xnnpack_computes(sides, seed, spread, biased):
    x, weight, bias = drawn(*sides, seed, spread)
    bias = bias if biased else None
    graph = XnnpackGraph()
    graph.output(graph.linear(graph.input(x.shape), graph.int8_kernel(weight, bias)))
    program, _ = make_program(graph)
    answer = host_answer(program, x)
    with torch.inference_mode():
        expected = DynamicInt8Linear(weight, bias)(x)
    # In steps of the quantised input, through the largest weight: a hundredth of one is rounding,
    # a whole one is a value that lay between two steps, as near as a float32 can tell.
    step = (x.amax(-1) - x.amin(-1)) / 255 * weight.abs().max()
    off = (answer - expected).abs().amax(-1) / step
    assert off.max() <= 1.1
    assert (off > 0.02).sum() <= 1


@given(st.integers(0, 999))
def test_weights_keep_their_sign_and_their_largest_value(seed):
    weight = drawn(6, 9, seed, 1.0)[1]
    quantised, scales = quantised_weight(weight)
    assert quantised.abs().amax(dim=1).tolist() == [127] * 9
    assert ((quantised * scales[:, None] - weight).abs() <= scales[:, None] * 0.500001).all()


def test_a_channel_of_zeros_and_a_row_of_zeros_stay_zero():
    weight = torch.tensor([[0.0, 0.0], [1.0, -2.0]])
    layer = DynamicInt8Linear(weight, None)
    answer = layer(torch.tensor([[0.0, 0.0], [3.0, 1.0]]))
    assert answer[:, 0].tolist() == [0.0, 0.0]
    assert answer[0, 1] == 0.0
    assert answer[1, 1] == pytest.approx(1.0, abs=0.06)
