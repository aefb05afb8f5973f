"""`models.eager`: what judges exports says what the network says."""

import pytest
import torch
from config_strategies import configs
from hypothesis import given, settings
from hypothesis import strategies as st

from models import eager
from models.config import MobileSRConfig
from models.eager import eager_answer, rounding_sentence
from models.network import MobileSR

CONFIG = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1), window_size=4, scale=2)


def network(config, seed=0):
    torch.manual_seed(seed)
    return MobileSR(config).eval()


@settings(max_examples=25)
@given(configs(), st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 600, 2**22]))
def test_in_pieces_of_any_size_the_network_answers_as_it_does_whole(config, height, width, piece):
    model, picture = network(config).double(), torch.rand(1, 3, height, width).double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eager, "_PIECE_BYTES", piece)
        patch.setattr(eager, "_TAIL_BYTES", 8 * piece)
        answer = eager_answer(model, picture)
    with torch.inference_mode():
        assert torch.allclose(answer, model(picture), rtol=0, atol=1e-9)
    assert answer.is_contiguous()


def test_judging_leaves_the_network_as_it_was():
    model = network(CONFIG)
    before = [(name, type(part)) for name, part in model.named_modules()]
    eager_answer(model, torch.rand(1, 3, 9, 7))
    assert [(name, type(part)) for name, part in model.named_modules()] == before
    assert model.head.weight.is_contiguous()


def test_who_makes_much_of_rounding_is_told_so():
    model, picture = network(CONFIG), torch.rand(1, 3, 8, 8)
    assert rounding_sentence(model, picture, eager_answer(model, picture)) == ""
    answer = eager_answer(model, picture) + 0.01
    sentence = rounding_sentence(model, picture, answer)
    assert "off by 0.01 in single precision" in sentence
    assert "with 8 channels" in sentence
    assert "Choose more channels (n_feats), or other weights" in sentence
