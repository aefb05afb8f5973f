"""The directly written graph in int8 and fp16: one delegate, as right as its eager emulation."""

from collections import defaultdict
from math import prod

import pytest
import torch
from config_strategies import configs
from host_answer import host_answer
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.lowering.direct.network import write_network
from models.lowering.direct.numerics import numerics_of
from models.lowering.executorch_internals import make_program
from models.lowering.strips import StripPlan, whole
from models.lowering.xnnpack_values import DataType
from models.quantization.calibration import calibrated, calibration_crops
from models.quantization.expected import FP32_TOLERANCE, expected_output
from models.quantization.layers import INT8_LAYERS, LayerKind
from models.weights import build_model

SMALL = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1), window_size=4)
# A program's shell costs half a second for each pair of shapes.
sizes = st.sampled_from([(1, 7), (13, 7), (17, 23)])
plans = st.none() | st.builds(
    StripPlan, window_rows=st.integers(1, 4), windows=st.integers(1, 9), tail_rows=st.integers(1, 9)
)


def written(model, precision, size, plan=None, ready=None):
    ready = calibrated(model) if precision == "int8" and ready is None else ready
    numerics = numerics_of(precision, ready)
    model = model if ready is None else ready.model
    return write_network(model, *size, plan or whole(model.config, *size), numerics)


def picture(size):
    """Of what int8 is calibrated on: (1, 3, h, w)."""
    return calibration_crops(4)[0][:, :, : size[0], : size[1]].contiguous()


@settings(max_examples=12)
@given(configs(), sizes, plans, st.sampled_from(["int8", "fp16"]))
@example(SMALL, (17, 23), StripPlan(1, 3, 1), "int8")
@example(SMALL, (17, 23), StripPlan(1, 3, 1), "fp16")
def test_the_program_lies_within_the_tolerance(random_weights, config, size, plan, precision):
    # The norm of two or three channels is nearly a step: rounding shows in any arithmetic.
    assume(config.n_feats >= 4)
    model = build_model(config, random_weights(config)).eval()
    image = picture(size)
    ready = calibrated(model) if precision == "int8" else None
    program, _ = make_program(written(model, precision, size, plan, ready))
    answer = host_answer(program, image)
    expected = expected_output(model, precision, image, ready)
    assert answer.dtype == torch.float32
    assert float((answer - expected.output).abs().max()) <= expected.tolerance


def test_a_tolerance_is_of_the_size_of_what_rounding_costs(random_weights):
    model = build_model(SMALL, random_weights(SMALL)).eval()
    image, ready = picture((13, 7)), calibrated(model)
    exact = expected_output(model, "fp32", image)
    assert exact.tolerance == FP32_TOLERANCE
    for precision in ("int8", "fp16"):
        reduced = expected_output(model, precision, image, ready)
        cost = float((reduced.output - exact.output).abs().max())
        assert 0 < cost < reduced.tolerance <= 8 * cost + FP32_TOLERANCE < 0.2


def test_int8_layers_are_the_ones_that_are_named(random_weights):
    """Counted by content: each block's own, and those that a model has once."""
    model = build_model(SMALL, random_weights(SMALL))
    graph = written(model, "int8", (16, 16))
    kernels = [entry for entry in graph.entries if entry.dtype is DataType.QCINT8]
    once = {LayerKind.FUSE, LayerKind.UPSAMPLING, LayerKind.PATCHES}
    named = INT8_LAYERS.static | INT8_LAYERS.dynamic
    assert len(kernels) == 2 * len(named - once) + len(named & once)
    channels = [entry.shape[entry.channel_axis] for entry in kernels]
    assert [graph.constants[entry.scales][1] // 4 for entry in kernels] == channels


def test_what_several_layers_read_is_quantised_once(random_weights):
    graph = written(build_model(SMALL, random_weights(SMALL)), "int8", (16, 16))
    converted = [
        (node.fields["input_id"], made.dtype, made.grid)
        for node in graph.nodes if node.kind == "XNNConvert"
        for made in [graph.entries[node.fields["output_id"]]]
    ]  # fmt: skip
    assert len(converted) == len(set(converted)) > 0


def most_alive_bytes(graph):
    """The largest sum of the values that some operator has still to read, or makes just now."""
    last: dict[int, int] = {}
    for at, node in enumerate(graph.nodes):
        reads = (n for name, n in node.fields.items() if name.endswith("_id"))
        last |= dict.fromkeys(reads, at)
    ends = defaultdict(list)
    for number, at in last.items():
        ends[at].append(number)
    bytes_of = {DataType.FP32: 4, DataType.QINT8: 1, DataType.QDINT8: 1, DataType.QUINT8: 1}
    alive, most = 0, 0
    made = {node.fields["output_id"] for node in graph.nodes} - set(graph.outputs)
    size = {n: prod(graph.entries[n].shape) * bytes_of[graph.entries[n].dtype] for n in made}
    for at, node in enumerate(graph.nodes):
        alive += size.get(node.fields["output_id"], 0)
        most = max(most, alive)
        alive -= sum(size.get(number, 0) for number in ends[at])
    return most


@pytest.mark.parametrize("io", ["float", "uint8"])
def test_less_is_held_at_once_in_int8(random_weights, io):
    """And of tables of addresses, 40 bytes a pixel of the base, one strip's."""
    config = MobileSRConfig(n_feats=16, n_heads=2, ratios=(2, 1))
    model, size = build_model(config, random_weights(config)), (96, 64)
    plan = StripPlan(window_rows=2, windows=8, tail_rows=8)
    ready = calibrated(model)
    graphs = [
        write_network(one, *size, plan, numerics, io)
        for one, numerics in (
            (model, numerics_of("fp32")), (ready.model, numerics_of("int8", ready)),
        )
    ]  # fmt: skip
    exact, reduced = map(most_alive_bytes, graphs)
    assert reduced < 0.75 * exact
    held = [
        prod(graph.entries[node.fields["output_id"]].shape)
        for graph in graphs for node in graph.nodes
        if node.kind == "XNNStaticResizeBilinear2D" and node.fields["flags"] == 0
    ]  # fmt: skip
    assert held == [16 * 96 * 64 * 3]


@pytest.mark.parametrize(("precision", "share"), [("int8", 0.6), ("fp16", 0.75)])
def test_weights_take_less_room(random_weights, precision, share):
    config = MobileSRConfig()
    model = build_model(config, random_weights(config))
    sizes = [
        sum(map(len, written(model, one, (16, 16)).blobs.values())) for one in ("fp32", precision)
    ]
    assert sizes[1] <= share * sizes[0]
