"""`models.deployment`: LR sizes as people type them, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.deployment import MAX_LR_SIDE, Candidate, Deployment, parse_lr_size
from models.errors import ConfigError

sides = st.integers(1, MAX_LR_SIDE)


@given(sides, sides, st.sampled_from(["x", "X", "*", " x "]))
def test_height_comes_first(height, width, between):
    assert parse_lr_size(f"{height}{between}{width}") == (height, width)


@pytest.mark.parametrize(
    "text", ["0x5", "5x0", "0x0", "1000000x3", "3x1000000", "4097x1", "999999999999x999999999999"]
)
def test_sizes_no_model_can_have_are_out_of_range(text):
    with pytest.raises(ConfigError, match=f"LR size {text} is out of range.*1 to 4096"):
        parse_lr_size(text)


@pytest.mark.parametrize(
    "text",
    ["", "x", "180", "180x", "x320", "180x320x3", "-180x320", "180 320", "1e2x3", "18.0x3", "axb",
     "9" * 5000 + "x1", "180,320", "0x10x5", "\n"],
)  # fmt: skip
def test_anything_else_is_no_size(text):
    with pytest.raises(ConfigError, match="is not HEIGHTxWIDTH, for example 180x320"):
        parse_lr_size(text)


@given(st.text(max_size=20))
def test_no_text_makes_it_raise_anything_else(text):
    try:
        height, width = parse_lr_size(text)
    except ConfigError:
        return
    assert 1 <= height <= MAX_LR_SIDE
    assert 1 <= width <= MAX_LR_SIDE


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"lr_height": 0, "lr_width": 5}, "^lr_height: "),
        ({"lr_height": 5, "lr_width": 1_000_000}, "^lr_width: .*4096"),
        ({"lr_height": 5, "lr_width": 5, "graph": "fast"}, "^graph: .*'deploy' or 'reference'"),
        ({"lr_height": 5, "lr_width": 5, "precision": "fp8"}, "^precision: "),
        ({"lr_height": 5}, "^lr_width: "),
        (
            {"lr_height": 5, "lr_width": 5, "graph": "reference", "lowering": "direct"},
            "lowering direct writes the deploy graph: the reference graph needs standard",
        ),
        ({"lr_height": 5, "lr_width": 5, "strip_kb": 7}, "strip_kb is for lowering direct"),
        (
            {"lr_height": 5, "lr_width": 5, "precision": "int8"},
            "precision int8 is made by lowering direct alone: leave the precision out",
        ),
        ({"lr_height": 5, "lr_width": 5, "lowering": "direct", "strip_kb": -1}, "^strip_kb: "),
    ],
)
def test_a_deployment_is_validated(fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Deployment.build(**fields)


def test_the_key_of_a_candidate_tells_all_of_it():
    deployment = Deployment(lr_height=180, lr_width=320)
    assert deployment.key == "180x320_fp32_xnnpack_deploy"
    candidate = Candidate(MobileSRConfig(), deployment)
    assert candidate.key == "n40_h8_r4.2.2.2.4_w8_x4_p1_180x320_fp32_xnnpack_deploy"
    direct = Deployment(lr_height=180, lr_width=320, lowering="direct", strip_kb=2048)
    assert direct.key == "180x320_fp32_xnnpack_direct2048"
    pixels = direct.model_copy(update={"io": "uint8"})
    assert pixels.key == "180x320_fp32_xnnpack_direct2048_uint8"
    int8 = direct.model_copy(update={"precision": "int8"})
    assert int8.key == "180x320_int8_xnnpack_direct2048"
    turned = Candidate(MobileSRConfig(), Deployment(lr_height=320, lr_width=180))
    assert turned.key != candidate.key


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"precision": "int4"}, "^precision: .*'fp32', 'fp16' or 'int8'"),
        ({"precision": "fp16", "graph": "reference"}, "precision fp16 is made by lowering direct"),
        ({"precision": "int8", "lowering": "standard"}, "precision int8 is made by lowering dir"),
        ({"io": "uint4"}, "^io: .*'float' or 'uint8'"),
        ({"io": "uint8", "graph": "reference"}, "io uint8 is made by lowering direct alone"),
        ({"io": "uint8", "lowering": "standard"}, "io uint8 is made by lowering direct alone"),
    ],
)
def test_a_precision_or_an_io_that_cannot_be_had_is_refused(fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Deployment.choose(lr_height=16, lr_width=16, **fields)


def test_what_is_written_without_a_precision_is_fp32_on_floats():
    assert Deployment.build(lr_height=16, lr_width=16).precision == "fp32"
    assert Deployment.build(lr_height=16, lr_width=16).io == "float"
    assert Deployment.choose(lr_height=16, lr_width=16, precision="int8").lowering == "direct"
