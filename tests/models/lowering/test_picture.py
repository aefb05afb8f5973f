"""The graph on pixels: to the last level what the graph on planes gives, rounded."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from config_strategies import configs
from host_answer import host_answer
from hypothesis import given, settings
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.images import to_input, to_uint8
from models.lowering.direct.network import write_network
from models.lowering.direct.numerics import numerics_of
from models.lowering.direct.picture import picture_in, picture_out, strips_out
from models.lowering.executorch_internals import make_program
from models.lowering.strips import whole
from models.lowering.xnnpack_graph import XnnpackGraph
from models.quantization.calibration import calibrated
from models.weights import build_model

SIZE = (13, 7)


def run(program, tensor):
    return host_answer(program, tensor).numpy()


def both(model, precision, pixels):
    """What the program on planes answers, rounded, and what the one on pixels answers."""
    plan = whole(model.config, *SIZE)
    ready = calibrated(model) if precision == "int8" else None
    numerics = numerics_of(precision, ready)
    planes, levels = (
        make_program(write_network(model, *SIZE, plan, numerics, io))[0]
        for io in ("float", "uint8")
    )
    return (
        to_uint8(run(planes, torch.from_numpy(to_input(pixels)))),
        run(levels, torch.from_numpy(pixels[None])),
    )


@settings(max_examples=12)
@given(
    st.sampled_from([2, 3, 4]),
    st.integers(1, 9),
    st.lists(st.integers(1, 6), min_size=1, max_size=12),
)
def test_a_base_in_strips_is_the_base(scale, width, heights):
    """Residuals of zero leave the picture, upscaled, whatever the strips are."""
    shape = (1, 3, sum(heights), width)
    graph = XnnpackGraph()
    picture = picture_in(graph, "float", *shape[2:])
    nothing = (graph.number(torch.zeros(1, scale * height, scale * width, 3)) for height in heights)
    strips_out(graph, "float", picture, nothing)
    given_planes = torch.rand(shape, generator=torch.Generator().manual_seed(width))
    expected = F.interpolate(given_planes, scale_factor=scale, mode="bilinear", align_corners=False)
    answer = host_answer(make_program(graph)[0], given_planes)
    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=0)


@settings(max_examples=10)
@given(configs(), st.sampled_from(["fp32", "int8", "fp16"]), st.integers(0, 2**32 - 1))
def test_no_level_differs(random_weights, config, precision, seed):
    model = build_model(config, random_weights(config)).eval()
    pixels = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    rounded, levels = both(model, precision, pixels)
    assert levels.dtype == np.uint8
    assert levels.shape == (1, config.scale * SIZE[0], config.scale * SIZE[1], 3)
    np.testing.assert_array_equal(levels[0], rounded)


def through(low, high):
    """The answer to all 256 levels of the graph `low + (high - low) * picture`."""
    graph = XnnpackGraph()
    picture = picture_in(graph, "uint8", 16, 16)
    steep, start = (graph.number(torch.full((1, 1, 1, 1), value)) for value in (high - low, low))
    picture_out(graph, "uint8", graph.add(graph.multiply(picture, steep), start))
    levels = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(16, 16, 3)
    answer = run(make_program(graph)[0], torch.from_numpy(levels[None]))[0]
    values = to_input(levels) * np.float32(high - low) + np.float32(low)
    return levels, answer, to_uint8(values)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.5), (1 / 510, 1 + 1 / 510), (-0.7, 2.3)])
def test_every_level_is_read_rounded_and_clamped_as_on_the_host(low, high):
    """Halved, or moved by half a level, every other value is a tie or a bit beside one."""
    _, answer, expected = through(low, high)
    np.testing.assert_array_equal(answer, expected)
    if high > 1.1:
        assert (answer.min(), answer.max()) == (0, 255)


def test_what_comes_in_goes_out():
    levels, answer, _ = through(0.0, 1.0)
    np.testing.assert_array_equal(answer, levels)


def test_the_whole_way_is_inside_the_delegate(random_weights):
    config = MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,), window_size=4)
    model = build_model(config, random_weights(config))
    plan = whole(config, 16, 16)
    planes, pixels = (
        write_network(model, 16, 16, plan, numerics_of("fp32"), io).operators
        for io in ("float", "uint8")
    )
    more = {name: pixels.get(name, 0) - planes.get(name, 0) for name in {*planes, *pixels}}
    assert {name: n for name, n in more.items() if n} == {
        "Convert": 2, "Div": 1, "Multiply": 1, "StaticTranspose": -2,
    }  # fmt: skip
