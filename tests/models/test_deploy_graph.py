"""`models.deploy_graph`: the delegate-friendly graph computes what the network computes."""

from unittest.mock import patch

import pytest
import torch
from config_strategies import configs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import deploy_graph
from models.config import PRESETS, MobileSRConfig
from models.deploy_graph import (
    CentredNorm,
    DeployMobileSR,
    PatchTail,
    fused_upsampling,
    patch_tail,
)
from models.network import MobileSR
from models.weights import build_model

sides = st.integers(1, 23)
# From one row a strip to the whole image at once.
strip_bytes = st.sampled_from([1, 3_000, 20_000, 2**25])


def largest_difference(model: MobileSR, height: int, width: int) -> float:
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
    with torch.inference_mode():
        return float((DeployMobileSR(model, height, width)(image) - model(image)).abs().max())


@settings(max_examples=60)
@given(configs(), sides, sides, strip_bytes, st.integers(0, 3))
# Smaller than a window both ways; one pixel; a window of one pixel.
@example(MobileSRConfig(n_feats=8, n_heads=4, ratios=(1,), window_size=16), 5, 3, 1, 0)
@example(MobileSRConfig(n_feats=8, n_heads=4, ratios=(1,), window_size=8, scale=2), 1, 1, 1, 0)
@example(MobileSRConfig(n_feats=4, n_heads=1, ratios=(3, 1), window_size=1, scale=3), 7, 6, 1, 0)
@example(MobileSRConfig(n_feats=8, n_heads=8, ratios=(1,), window_size=4), 9, 11, 1, 0)
def test_equals_the_network_at_any_config_and_size(
    random_weights, config, height, width, bytes_of_a_strip, seed
):
    model = build_model(config, random_weights(config, seed))
    with patch.object(deploy_graph, "TAIL_STRIP_BYTES", bytes_of_a_strip):
        assert largest_difference(model, height, width) <= 1e-4


@pytest.mark.parametrize("name", PRESETS)
def test_equals_the_network_for_the_presets(random_weights, name):
    model = build_model(PRESETS[name], random_weights(PRESETS[name]))
    assert largest_difference(model, 19, 30) <= 1e-4


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_fused_upsampling_is_the_upsampling(random_weights, scale):
    config = MobileSRConfig(n_feats=6, n_heads=2, ratios=(1,), scale=scale)
    model = build_model(config, random_weights(config))
    features = torch.randn(1, 6, 5, 4, generator=torch.Generator().manual_seed(0))
    weight, bias = fused_upsampling(model)
    assert weight.shape == (scale * scale * 6, 6)
    rows = features.double().permute(0, 2, 3, 1) @ weight.T + bias
    # (H, W, sub-row, sub-column, channel) -> (channel, H * scale, W * scale)
    shuffled = rows.reshape(5, 4, scale, scale, 6).permute(4, 0, 2, 1, 3)
    with torch.inference_mode():
        expected = model.upsapling(features)
    torch.testing.assert_close(
        shuffled.reshape(1, 6, 5 * scale, 4 * scale).float(), expected, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_patch_is_what_the_tail_makes_of_one_pixel(random_weights, scale):
    """All but one LR pixel zero: the tail's answer is that pixel's patch, and nothing else."""
    config = MobileSRConfig(n_feats=5, n_heads=1, ratios=(1,), scale=scale)
    model = build_model(config, random_weights(config))
    own = torch.randn(scale, scale, 5, generator=torch.Generator().manual_seed(0))
    wide = torch.zeros(1, 5, 3 * scale, 3 * scale)
    wide[0, :, scale : 2 * scale, scale : 2 * scale] = own.permute(2, 0, 1)
    with torch.inference_mode():
        answer = model.tail(wide)[0] - model.tail.bias[:, None, None]
    patch_size = scale + 2
    expected = (patch_tail(model).float() @ own.flatten()).reshape(patch_size, patch_size, 3)
    around = slice(scale - 1, 2 * scale + 1)
    torch.testing.assert_close(answer[:, around, around].permute(1, 2, 0), expected)
    outside = answer.clone()
    outside[:, around, around] = 0
    assert outside.abs().max() == 0


@settings(max_examples=30)
@given(st.sampled_from([2, 3, 4]), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_strips_change_nothing(random_weights, scale, height, width, rows):
    config = MobileSRConfig(n_feats=4, n_heads=1, ratios=(1,), scale=scale)
    model = build_model(config, random_weights(config))
    features = torch.randn(1, 4, height, width, generator=torch.Generator().manual_seed(0))
    row_bytes = width * scale * scale * 4 * 4
    with patch.object(deploy_graph, "TAIL_STRIP_BYTES", rows * row_bytes):
        tail = PatchTail(model, height, width)
    assert tail.strip_rows == min(rows, height)
    with torch.inference_mode():
        expected = model.tail(model.act(model.upsapling(features)))
        torch.testing.assert_close(tail(features), expected, atol=1e-4, rtol=1e-4)


@given(st.integers(1, 48), st.floats(-3, 3), st.integers(0, 9))
def test_the_norm_is_a_layer_norm_at_any_scale(channels, exponent, seed):
    norm = torch.nn.LayerNorm(channels)
    tokens = torch.randn(2, 3, channels, generator=torch.Generator().manual_seed(seed))
    tokens = tokens * 10**exponent
    with torch.inference_mode():
        torch.testing.assert_close(CentredNorm(norm)(tokens), norm(tokens), atol=1e-4, rtol=1e-4)


def test_the_network_it_was_made_of_is_left_alone(random_weights):
    config = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2,))
    model = build_model(config, random_weights(config))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    DeployMobileSR(model, 9, 7)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
