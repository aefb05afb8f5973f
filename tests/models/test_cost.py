"""`models.cost`: the published model's true cost, and any config's against torch's own counter."""

import pytest
import torch
from config_strategies import configs
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from models.config import PRESETS
from models.cost import macs
from models.network import MobileSR


@pytest.mark.parametrize(("window", "giga"), [(8, 15.28), (4, 14.02), (16, 20.32)])
def test_the_published_model_at_256(window, giga):
    config = PRESETS["ntire2022"].model_copy(update={"window_size": window})
    assert macs(config, 256, 256) / 1e9 == pytest.approx(giga, abs=0.005)


@settings(max_examples=30)
@given(configs(), st.integers(1, 20), st.integers(1, 20))
def test_equals_what_torch_counts(config, height, width):
    # Matmuls over a dimension of one are done by a multiplication, which it does not count.
    assume(config.head_dim > 1 and config.window_size > 1)
    # On meta tensors nothing is computed; the counter calls a multiply and an add two.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        MobileSR(config)(torch.rand(1, 3, height, width))
    assert 2 * macs(config, height, width) == counter.get_total_flops()
