"""`search.space`: an Optuna trial and a config are two names of one thing."""

import itertools
import random

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial
from space_strategies import spaces

from models.config import MobileSRConfig
from models.deployment import Deployment
from models.slicing import contains
from search.errors import SpaceError
from search.space import SearchSpace

DEPLOYMENT = Deployment(lr_height=16, lr_width=16, lowering="direct")


@given(spaces())
def test_every_config_is_counted_once(space):
    configs = list(itertools.islice(space.configs(), 3000))
    assert len(configs) == min(space.size, 3000)
    assert len(set(configs)) == len(configs)
    assert len({config.key for config in configs}) == len(configs)


@given(spaces())
def test_every_config_lies_in_the_largest_and_in_the_space(space):
    for config in itertools.islice(space.configs(), 500):
        assert contains(space.largest(), config)
        assert config in space
    assert space.largest() in space
    assert space.smallest() in space


@given(spaces(), st.integers(0, 100))
def test_parameters_bring_a_config_back(space, seed):
    config = space.sample(random.Random(seed))
    assert config in space
    trial = FixedTrial(space.parameters_of(config))
    assert space.suggest(trial) == config
    assert trial.params == space.parameters_of(config)


@settings(max_examples=25)
@given(spaces(), st.integers(0, 100))
def test_what_is_enqueued_is_what_is_asked(space, seed):
    config = space.sample(random.Random(seed))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial(space.parameters_of(config))
    assert space.suggest(study.ask()) == config
    # Everything else that is suggested lies in the space too.
    for _ in range(3):
        assert space.suggest(study.ask()) in space


@given(spaces(most_precisions=3))
def test_every_candidate_is_counted_once(space):
    candidates = list(itertools.islice(space.candidates(DEPLOYMENT), 900))
    assert len(candidates) == min(space.size, 900)
    assert len({candidate.key for candidate in candidates}) == len(candidates)
    assert {c.deployment.precision for c in candidates} == set(space.precisions)


@given(spaces(most_precisions=3), st.integers(0, 100))
def test_parameters_bring_a_candidate_back(space, seed):
    candidate = space.sample_candidate(random.Random(seed), DEPLOYMENT)
    parameters = space.parameters_of(candidate.config, candidate.deployment.precision)
    trial = FixedTrial(parameters)
    assert space.suggest_candidate(trial, DEPLOYMENT) == candidate
    assert trial.params == parameters
    # A space of one precision asks nothing of it: its studies are those of before.
    assert ("precision" in parameters) == (len(space.precisions) > 1)


@given(spaces(most_precisions=3), st.randoms(use_true_random=False))
def test_order_and_repetition_make_no_other_space(space, rng):
    fields = space.model_dump()
    for name in ("n_feats", "depths", "ratios", "window_sizes", "precisions"):
        shuffled = [*fields[name], fields[name][0]]
        rng.shuffle(shuffled)
        fields[name] = shuffled
    assert SearchSpace(**fields) == space


@given(spaces())
def test_the_smallest_and_the_largest_are_at_the_ends(space):
    smallest, largest = space.smallest(), space.largest()
    for config in itertools.islice(space.configs(), 500):
        assert smallest.n_feats <= config.n_feats <= largest.n_feats
        assert smallest.depth <= config.depth <= largest.depth
        assert smallest.window_size <= config.window_size <= largest.window_size
        assert contains(config, smallest)


def test_what_differs_in_anything_is_not_in_the_space():
    space = SearchSpace()
    config = space.largest()
    changes = ({"n_feats": 40}, {"ratios": (3,)}, {"ratios": (1,) * 4}, {"window_size": 5},
               {"n_heads": 4}, {"scale": 2}, {"body_passes": 2})  # fmt: skip
    for change in changes:
        assert MobileSRConfig(**{**config.model_dump(), **change}) not in space
    assert config.key not in space


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"n_feats": (8, 20)}, "n_feats=20 is not divisible by n_heads=8"),
        ({"n_feats": ()}, "n_feats: "),
        ({"n_feats": 8}, "n_feats: "),
        ({"n_feats": "8"}, "n_feats: "),
        ({"depths": (0,)}, r"depths\.0: "),
        ({"depths": (33,)}, "ratios: "),
        ({"ratios": (17,)}, "ratios"),
        ({"window_sizes": (65,)}, "window_size: "),
        ({"scale": 5}, "scale: "),
        ({"n_feats": (8, "x")}, r"n_feats\.1: "),
        ({"n_feats": ([8], [16])}, r"n_feats\.0: "),
        ({"windows": (4,)}, "windows: "),
        ({"precisions": ()}, "precisions: "),
        ({"precisions": ("int4",)}, r"precisions\.0: .*'fp32', 'fp16' or 'int8'"),
    ],
)
def test_a_space_that_cannot_be_is_refused_in_one_line(fields, sentence):
    with pytest.raises(SpaceError, match=f"^search space: .*{sentence}") as refused:
        SearchSpace.build(**fields)
    assert "\n" not in str(refused.value)
