"""`models.training.start`: a training begins with what a checkpoint shares with its space."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from training_spaces import SHORT, SPACE, states_equal, trainer

from models.config import PRESETS, MobileSRConfig
from models.errors import WeightsError
from models.network import MobileSR
from models.slicing import contains, slice_state
from models.training.start import common_part, start_from
from models.weights import Weights

configs = st.builds(
    lambda n, ratios, scale: MobileSRConfig(
        n_feats=4 * n, n_heads=4, ratios=tuple(ratios), window_size=4, scale=scale
    ),
    st.integers(1, 4), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.sampled_from([2, 4]),
)  # fmt: skip


@given(configs, configs)
def test_the_shared_part_is_contained_in_both_and_kept_exactly(source, full):
    assume(source.scale == full.scale)
    weights = Weights(dict(MobileSR(source).state_dict()), source, "a test")
    state = MobileSR(full).state_dict()
    shared = start_from(weights, full, state)
    assert shared == common_part(source, full)
    assert contains(source, shared)
    assert contains(full, shared)
    assert states_equal(
        slice_state(dict(state), full, shared), slice_state(weights.state, source, shared)
    )


def test_the_published_weights_are_contained_exactly_before_the_first_step(random_weights, picture):
    published = PRESETS["ntire2022"]
    weights = random_weights(published)
    whole = published.model_copy(update={"n_feats": 48, "ratios": (4, 4, 4, 4, 4, 2)})
    state = MobileSR(whole).state_dict()
    start_from(weights, whole, state)
    cut = MobileSR(published)
    cut.load_state_dict(slice_state(dict(state), whole, published))
    own = MobileSR(published)
    own.load_state_dict(weights.state)
    low = torch.rand(1, 3, 16, 24)
    with torch.inference_mode():
        assert torch.equal(cut.eval()(low), own.eval()(low))


def test_a_checkpoint_without_its_architecture_must_be_that_of_the_largest(random_weights):
    bare = Weights(random_weights(SPACE.largest()).state, None, "bare.pth")
    state = MobileSR(SPACE.largest()).state_dict()
    assert start_from(bare, SPACE.largest(), state) == SPACE.largest()
    assert states_equal(dict(state), bare.state)
    with pytest.raises(WeightsError, match=r"bare\.pth does not fit"):
        start_from(bare, SPACE.smallest(), MobileSR(SPACE.smallest()).state_dict())


def test_other_heads_or_another_scale_share_nothing(random_weights):
    other = SPACE.largest().model_copy(update={"n_heads": 4})
    weights = random_weights(other)
    with pytest.raises(WeightsError, match=r"shares nothing: heads and scale"):
        start_from(weights, SPACE.largest(), MobileSR(SPACE.largest()).state_dict())


def test_a_training_starts_there(random_weights, picture):
    start = random_weights(SPACE.largest())
    learner = trainer([picture(48, 40, 1)], start=start)
    assert states_equal(dict(learner.model.state_dict()), start.state)
    assert states_equal(learner.weights().state, start.state)
    gentle = SHORT.model_copy(update={"learning_rate": 1e-6})
    after = trainer([picture(48, 40, 1)], gentle, start=start).run().state
    assert all((after[n] - start.state[n]).abs().max() < 1e-4 for n in after)
