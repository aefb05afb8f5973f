"""`models.slicing`: every config of a space lies in one set of weights."""

import pytest
import torch
from config_strategies import configs, parts_of
from hypothesis import given, settings
from hypothesis import strategies as st

from models.config import MobileSRConfig
from models.network import MobileSR
from models.slicing import contains, is_smallest, slice_state

full_configs = configs(max_head_dim=4, max_depth=3)


@settings(max_examples=50)
@given(st.data(), full_configs)
def test_every_part_loads_strictly_and_runs(random_weights, data, full):
    part = data.draw(parts_of(full))
    assert contains(full, part)
    model = MobileSR(part)
    model.load_state_dict(slice_state(random_weights(full).state, full, part), strict=True)
    with torch.inference_mode():
        assert model(torch.rand(1, 3, 5, 6)).isfinite().all()


@given(st.data(), full_configs)
def test_the_smallest_holds_no_other_tensors(data, full):
    """Of any other config the smallest is a true part."""
    part = data.draw(parts_of(full))
    if is_smallest(full):
        assert contains(part, full)
    smallest = full.model_copy(update={"n_feats": full.n_heads, "ratios": (1,)})
    assert is_smallest(smallest)
    assert contains(smallest, full) == is_smallest(full)


@given(full_configs)
def test_the_largest_is_all_of_it(random_weights, full):
    state = random_weights(full).state
    cut = slice_state(state, full, full)
    assert cut.keys() == state.keys()
    assert all(torch.equal(cut[name], state[name]) for name in state)


@settings(max_examples=50)
@given(st.data(), full_configs)
def test_a_part_of_a_part_is_a_part(random_weights, data, full):
    state = random_weights(full).state
    middle = data.draw(parts_of(full))
    part = data.draw(parts_of(middle))
    directly = slice_state(state, full, part)
    in_two_steps = slice_state(slice_state(state, full, middle), middle, part)
    assert directly.keys() == in_two_steps.keys()
    assert all(torch.equal(directly[name], in_two_steps[name]) for name in directly)


@settings(max_examples=20)
@given(st.data(), full_configs)
def test_gradients_reach_the_supernet_where_the_part_lies(random_weights, data, full):
    part = data.draw(parts_of(full))
    state = {n: t.clone().requires_grad_() for n, t in random_weights(full).state.items()}
    cut = slice_state(state, full, part)
    sum(tensor.sum() for tensor in cut.values()).backward()
    for name, tensor in state.items():
        taken = 0 if tensor.grad is None else int((tensor.grad != 0).sum())
        assert taken == (cut[name].numel() if name in cut else 0), name


def test_width_takes_the_first_channels_of_every_head():
    full = MobileSRConfig(n_feats=8, n_heads=2, ratios=(1,))
    part = full.model_copy(update={"n_feats": 4})
    state = MobileSR(full).state_dict()
    name = "body.layers.0.0.attn.qkv.weight"
    state[name] = torch.arange(24.0)[:, None].expand(24, 8)
    rows = slice_state(state, full, part)[name][:, 0]
    assert rows.tolist() == [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21]


def test_fuse_takes_channels_of_both_its_inputs():
    full = MobileSRConfig(n_feats=4, n_heads=1, ratios=(1,))
    state = MobileSR(full).state_dict()
    state["fuse.weight"] = torch.arange(8.0)[None, :, None, None].expand(4, 8, 3, 3)
    cut = slice_state(state, full, full.model_copy(update={"n_feats": 2}))["fuse.weight"]
    assert cut[0, :, 0, 0].tolist() == [0, 1, 4, 5]


@pytest.mark.parametrize(
    "changes",
    [{"n_feats": 16}, {"n_heads": 4}, {"scale": 3}, {"ratios": (1, 1, 1)}, {"ratios": (3, 1)}],
)
def test_what_is_not_contained_is_refused(changes):
    full = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 2))
    other = full.model_copy(update=changes)
    assert not contains(full, other)
    with pytest.raises(ValueError, match=r"is not contained in n8_h2_r2\.2"):
        slice_state(MobileSR(full).state_dict(), full, other)


@settings(max_examples=30)
@given(st.data(), full_configs)
def test_only_equal_shapes_contain_each_other(data, full):
    part = data.draw(parts_of(full))
    shapes = [{n: t.shape for n, t in MobileSR(c).state_dict().items()} for c in (full, part)]
    assert contains(part, full) == (shapes[0] == shapes[1])
