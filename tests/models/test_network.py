"""`models.network`: the published architecture, to the parameter's name."""

import pytest
import torch
import torch.nn.functional as F

from models.config import PRESETS, MobileSRConfig
from models.network import MobileSR, parameter_count
from models.weights import build_model


@pytest.fixture
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_take_any_size(seeded, name):
    with torch.inference_mode():
        assert MobileSR(PRESETS[name])(torch.rand(1, 3, 23, 37)).shape == (1, 3, 92, 148)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_every_scale_upscales_a_batch(seeded, scale):
    model = MobileSR(MobileSRConfig(n_feats=8, n_heads=2, ratios=(2,), scale=scale))
    images = torch.rand(2, 3, 9, 5)
    with torch.inference_mode():
        output = model(images)
        assert output.shape == (2, 3, 9 * scale, 5 * scale)
        torch.testing.assert_close(output[1:], model(images[1:]))


def test_the_published_model_has_its_parameters():
    assert parameter_count(PRESETS["ntire2022"]) == 175_883
    assert sum(p.numel() for p in MobileSR(PRESETS["ntire2022"]).parameters()) == 175_883


def test_the_state_dict_is_the_published_one():
    expected = {
        "head.weight": (40, 3, 3, 3), "head.bias": (40,),
        "fuse.weight": (40, 80, 3, 3), "fuse.bias": (40,),
        "upsapling.0.weight": (160, 40, 1, 1), "upsapling.0.bias": (160,),
        "upsapling.2.weight": (160, 40, 1, 1), "upsapling.2.bias": (160,),
        "tail.weight": (3, 40, 3, 3), "tail.bias": (3,),
    }  # fmt: skip
    for index, ratio in enumerate((4, 2, 2, 2, 4)):
        hidden = 40 * ratio
        block = {
            "0.pos_embed.weight": (40, 1, 3, 3), "0.pos_embed.bias": (40,),
            "0.norm1.weight": (40,), "0.norm1.bias": (40,),
            "0.attn.qkv.weight": (120, 40),
            "0.attn.proj_out.weight": (40, 40), "0.attn.proj_out.bias": (40,),
            "0.norm2.weight": (40,), "0.norm2.bias": (40,),
            "0.mlp.fc.0.weight": (hidden, 40), "0.mlp.fc.0.bias": (hidden,),
            "0.mlp.fc.2.weight": (40, hidden), "0.mlp.fc.2.bias": (40,),
            "1.net.0.weight": (hidden, 40, 1, 1), "1.net.0.bias": (hidden,),
            "1.net.2.weight": (hidden, 1, 3, 3), "1.net.2.bias": (hidden,),
            "1.net.4.weight": (40, hidden, 1, 1), "1.net.4.bias": (40,),
        }  # fmt: skip
        expected |= {f"body.layers.{index}.{name}": shape for name, shape in block.items()}
    found = {
        name: tuple(t.shape) for name, t in MobileSR(PRESETS["ntire2022"]).state_dict().items()
    }
    assert found == expected


def test_window_heads_and_passes_change_no_tensor():
    published = MobileSR(PRESETS["ntire2022"]).state_dict()
    other = MobileSR(MobileSRConfig(n_heads=5, window_size=3, body_passes=3)).state_dict()
    assert {name: t.shape for name, t in other.items()} == {
        name: t.shape for name, t in published.items()
    }


def attention_by_hand(block, tokens):
    """(H, W, C) normalised tokens -> (H, W, C): window by window, head by head."""
    side, heads = block.window_size, block.attn.n_heads
    height, width, channels = tokens.shape
    dim = channels // heads
    padded = tokens.new_zeros(-(-height // side) * side, -(-width // side) * side, channels)
    padded[:height, :width] = tokens
    answer = torch.zeros_like(padded)
    for top in range(0, padded.shape[0], side):
        for left in range(0, padded.shape[1], side):
            window = padded[top : top + side, left : left + side].reshape(-1, channels)
            q, k, v = (window @ part.T for part in block.attn.qkv.weight.split(channels))
            mixed = []
            for head in range(heads):
                own = slice(head * dim, (head + 1) * dim)
                scores = (q[:, own] @ k[:, own].T / dim**0.5).softmax(dim=1)
                mixed.append(scores @ v[:, own])
            merged = torch.cat(mixed, dim=1) @ block.attn.proj_out.weight.T
            answer[top : top + side, left : left + side] = (
                merged + block.attn.proj_out.bias
            ).reshape(side, side, channels)
    return answer[:height, :width]


def body_by_hand(model, features):
    for transformer, resblock in model.body.layers:
        tokens = (features + transformer.pos_embed(features))[0].permute(1, 2, 0)
        tokens = tokens + attention_by_hand(transformer, transformer.norm1(tokens))
        expand, _, reduce = transformer.mlp.fc
        tokens = tokens + reduce(F.gelu(expand(transformer.norm2(tokens))))
        features = tokens.permute(2, 0, 1)[None]
        first, _, depthwise, _, last = resblock.net
        hidden = F.leaky_relu(depthwise(F.leaky_relu(first(features), 0.2)), 0.2)
        features = features + last(hidden)
    return features


def tail_by_hand(model, fused, image):
    up = F.pixel_shuffle(model.upsapling[0](fused), 2)
    up = F.pixel_shuffle(model.upsapling[2](up), 2)
    size = [4 * side for side in image.shape[2:]]
    return model.tail(F.leaky_relu(up, 0.2)) + F.interpolate(image, size, mode="bilinear")


def test_the_article_runs_its_body_twice(random_weights):
    """FIELD_NOTES section 1: `x0 = body(x0)`, then `fuse(cat[x0, body(x0)])`."""
    model = build_model(PRESETS["article"], random_weights(PRESETS["article"])).double()
    image = torch.rand(1, 3, 11, 13, generator=torch.Generator().manual_seed(1)).double()
    with torch.inference_mode():
        x0 = body_by_hand(model, model.head(image))
        fused = model.fuse(torch.cat([x0, body_by_hand(model, x0)], dim=1))
        expected = tail_by_hand(model, fused, image)
        torch.testing.assert_close(model(image), expected, atol=1e-6, rtol=0)


def test_the_published_one_runs_it_once(random_weights):
    model = build_model(PRESETS["ntire2022"], random_weights(PRESETS["ntire2022"])).double()
    image = torch.rand(1, 3, 9, 17, generator=torch.Generator().manual_seed(1)).double()
    with torch.inference_mode():
        x0 = model.head(image)
        fused = model.fuse(torch.cat([x0, body_by_hand(model, x0)], dim=1))
        expected = tail_by_hand(model, fused, image)
        torch.testing.assert_close(model(image), expected, atol=1e-6, rtol=0)
