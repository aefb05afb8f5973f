"""Which configs a step trains: the sandwich rule, or widths dealt in turn."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from training_spaces import SPACE

from models.training.plan import TrainingPlan
from models.training.recipe import SpaceTable
from models.training.space import OneConfig
from models.training.students import Students
from search.space import SearchSpace

PLANS = st.builds(
    TrainingPlan,
    students=st.sampled_from(["sandwich", "dealt"]),
    random_configs=st.integers(0, 5),
    config_pool=st.sampled_from([0, 3, 20]),
    seed=st.integers(0, 9),
)


@given(st.integers(1, 4), st.sampled_from([0, 30]), st.integers(0, 9), st.integers(0, 50))
def test_dealt_students_train_each_width_equally_often(hand, pool, seed, first_deck):
    plan = TrainingPlan(students="dealt", random_configs=hand, config_pool=pool, seed=seed)
    space = SearchSpace(n_feats=(8, 16, 24), depths=(1, 2))
    # As many steps as there are widths deal each width as often as there are cards in a hand.
    steps = range(3 * first_deck, 3 * first_deck + 3)
    widths = Counter(
        config.n_feats for step in steps for config in Dealt(space, plan).of_step(step)
    )
    assert widths == {8: hand, 16: hand, 24: hand}


def test_a_width_named_twice_is_dealt_twice_as_often():
    recipe = SpaceTable(n_feats=(8, 8, 16), depths=(1, 2))
    for pool in (0, 40):
        plan = TrainingPlan(random_configs=1, config_pool=pool)
        students = Dealt(recipe.space(), plan)
        widths = Counter(students.of_step(step)[0].n_feats for step in range(30))
        assert widths == {8: 20, 16: 10}


class Dealt(Students):
    """Keeps the largest, too, which a training leaves out."""

    def of_step(self, step):
        rng = random.Random(step)
        return [self._of_width(width, rng) for width in self._dealt(step)]


@given(PLANS, st.integers(0, 10_000))
def test_students_depend_on_the_seed_and_the_step_alone(plan, step):
    fresh, used = Students(SPACE, plan), Students(SPACE, plan)
    for earlier in range(5):
        used.of_step(earlier)
    drawn = fresh.of_step(step)
    assert drawn == used.of_step(step)
    assert SPACE.largest() not in drawn


def test_the_sandwich_has_the_smallest_in_every_step():
    students = Students(SPACE, TrainingPlan(students="sandwich"))
    assert all(students.of_step(step)[0] == SPACE.smallest() for step in range(20))


def test_dealt_students_have_the_smallest_no_oftener_than_its_like():
    students = Students(SPACE, TrainingPlan(students="dealt", random_configs=1))
    drawn = Counter(config for step in range(600) for config in students.of_step(step))
    # Both widths have six choices of ratios; each of the two that are one block is a quarter.
    assert 50 < drawn[SPACE.smallest()] < 110
    assert len(drawn) == 11


def test_those_of_a_pool_are_of_its_widths_alone():
    plan = TrainingPlan(config_pool=2, seed=3)
    students = Students(SearchSpace(), plan)
    drawn = {config for step in range(50) for config in students.of_step(step)}
    assert drawn == set(students.pool)


def test_a_space_of_one_config_has_no_students():
    config = SPACE.largest()
    for kind in ("sandwich", "dealt"):
        plan = TrainingPlan(students=kind, random_configs=3)
        assert Students(OneConfig(config), plan).of_step(7) == []
