"""`models.training.plan`, `space` and `recipe`: what is trained, fixed before the first step."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import PRESETS, MobileSRConfig
from models.errors import ConfigError, TrainingError
from models.slicing import contains
from models.training.plan import TrainingPlan
from models.training.recipe import SpaceTable, TrainingRecipe
from models.training.space import OneConfig, PartsOf

plans = st.builds(TrainingPlan, steps=st.integers(1, 5000), learning_rate=st.floats(1e-6, 1e-2))


@given(plans)
def test_the_rate_rises_stays_and_falls(plan):
    rates = [plan.learning_rate_at(step) for step in range(plan.steps)]
    assert all(0 < rate <= plan.learning_rate * (1 + 1e-9) for rate in rates)
    rise, stay = rates[: plan.warm_up_steps], rates[plan.warm_up_steps : plan.decay_from]
    fall = rates[max(plan.warm_up_steps, plan.decay_from) :]
    assert rise == sorted(rise)
    assert set(stay) <= {plan.learning_rate}
    assert fall == sorted(fall, reverse=True)
    if fall:
        assert rates[-1] == pytest.approx(0.01 * plan.learning_rate)


@given(plans, st.integers(1, 5000), st.integers(0, 5000))
def test_a_plan_continues_another_only_where_all_rates_were_the_same(plan, steps, done):
    other = plan.model_copy(update={"steps": steps})
    if plan.continues(other, done) and done <= min(plan.steps, steps):
        for step in range(done):
            assert plan.learning_rate_at(step) == other.learning_rate_at(step)
    assert plan.continues(plan, done)
    assert not plan.continues(plan.model_copy(update={"seed": 99}), done)


def test_values_out_of_range_are_a_sentence():
    with pytest.raises(TrainingError, match="steps"):
        TrainingPlan.build(steps=0)
    with pytest.raises(TrainingError, match="learning_rate"):
        TrainingPlan.build(learning_rate=float("nan"))


PUBLISHED = PRESETS["ntire2022"]
PARTS = PartsOf(PUBLISHED, (8, 40), (1, 3, 5), (1, 2, 4), (4, 8))


@given(st.integers(0, 10_000))
def test_what_is_drawn_is_contained(seed):
    config = PARTS.sample(random.Random(seed))
    assert contains(PUBLISHED, config)
    assert config.n_feats in PARTS.n_feats
    assert config.depth in PARTS.depths
    assert contains(config, PARTS.smallest())


def test_all_that_fits_is_drawn():
    drawn = [PARTS.sample(random.Random(seed)) for seed in range(400)]
    assert {c.n_feats for c in drawn} == {8, 40}
    assert {c.window_size for c in drawn} == {4, 8}
    assert {c.ratios[0] for c in drawn} == {1, 2, 4}
    assert {c.ratios[1] for c in drawn if c.depth > 1} == {1, 2}


@pytest.mark.parametrize(
    "choices",
    [
        ((8, 48), (1,), (1,), (8,)),
        ((8,), (1, 6), (1,), (8,)),
        ((8,), (1,), (4,), (8,)),
        ((12,), (1,), (1,), (8,)),
    ],
)
def test_choices_that_the_whole_does_not_contain_are_refused(choices):
    with pytest.raises((TrainingError, ConfigError)):
        PartsOf(PUBLISHED, *choices)


def test_a_recipe_is_read_and_flags_win(tmp_path):
    toml = tmp_path / "recipe.toml"
    toml.write_text("[space]\nn_feats = [8, 16]\n[plan]\nsteps = 9\ncrop = 12\n")
    recipe = TrainingRecipe.resolve(toml, {"steps": 11, "n_feats": None, "scale": 2})
    assert recipe.plan == TrainingPlan(steps=11, crop=12)
    largest = recipe.config_space().largest()
    assert largest == MobileSRConfig(n_feats=16, ratios=(2, 2, 2), scale=2)


def test_a_key_trains_one_config():
    recipe = TrainingRecipe.resolve(None, {"key": PUBLISHED.key})
    assert recipe.config_space() == OneConfig(PUBLISHED)


@pytest.mark.parametrize("text", ["steps = 9", "[plan]\nstep = 9", "[plan", "[space]\nratios = []"])
def test_a_recipe_that_cannot_be_understood_is_a_sentence(tmp_path, text):
    toml = tmp_path / "recipe.toml"
    toml.write_text(text)
    with pytest.raises(TrainingError, match=r"recipe\.toml"):
        TrainingRecipe.resolve(toml, {})
    with pytest.raises(TrainingError, match="no recipe at"):
        TrainingRecipe.resolve(tmp_path / "none.toml", {})


def test_a_choice_given_several_times_is_drawn_so_much_the_oftener(tmp_path):
    toml = tmp_path / "recipe.toml"
    toml.write_text("[space]\nn_feats = [8, 16, 16]\ndepths = [2, 1, 1, 1]\nratios = [1]\n")
    space = TrainingRecipe.resolve(toml, {}).config_space()
    drawn = [space.sample(random.Random(seed)) for seed in range(2000)]
    assert sum(c.depth == 1 for c in drawn) == pytest.approx(1500, abs=100)
    assert sum(c.n_feats == 16 for c in drawn) == pytest.approx(1333, abs=100)
    assert (space.largest().depth, space.smallest().depth) == (2, 1)


@pytest.mark.parametrize("name", ["shipped.toml", "shipped_second.toml"])
def test_the_shipped_recipes_contain_the_default_space_and_the_published_config(name):
    from pathlib import Path

    import models.recipes
    from search.space import SearchSpace

    recipe = TrainingRecipe.resolve(Path(models.recipes.__file__).with_name(name), {})
    space = recipe.config_space()
    assert all(contains(space.largest(), config) for config in SearchSpace().configs())
    assert contains(space.largest(), PUBLISHED)
    assert SpaceTable().space().largest() == SearchSpace().largest()
