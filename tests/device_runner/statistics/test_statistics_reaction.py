"""How much of the sentinel's loss is taken off, for models that heat as it does and otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics import corrected_interval
from device_runner.statistics.reaction import ALIKE, Reaction, reaction

LUCK = 0.015


def sessions(
    random: np.random.Generator, count: int, *, reacts: float, heat: float
) -> tuple[np.ndarray, np.ndarray]:
    """A model of level 0 and what the sentinel saw, on a device that slows down steadily."""
    places = (np.arange(count)[:, None] + random.random((count, 2))) / count
    luck = random.normal(0, LUCK, (count, 2))
    return reacts * heat * places[:, 0] + luck[:, 0], heat * places[:, 1] + luck[:, 1]


def found_in(many: int, count: int, **kind: float) -> list[Reaction]:
    random = np.random.default_rng([count, *(int(100 * value) for value in kind.values())])
    return [reaction([sessions(random, count, **kind)]) for _ in range(many)]


def test_a_calm_device_is_hardly_corrected() -> None:
    factors = [one.factor for one in found_in(200, 9, reacts=1.0, heat=0.0)]
    assert np.mean(factors) < 0.3


@pytest.mark.parametrize("reacts", [1.0, 0.75, 0.5])
def test_many_rounds_show_how_a_model_reacts(reacts: float) -> None:
    found = found_in(200, 20, reacts=reacts, heat=0.15)
    assert np.mean([one.factor for one in found]) == pytest.approx(reacts, abs=0.1)


def test_a_model_that_does_not_react_is_told_and_one_that_does_is_not() -> None:
    assert np.mean([one.unlike for one in found_in(200, 20, reacts=0.0, heat=0.15)]) > 0.9
    assert np.mean([one.unlike for one in found_in(200, 20, reacts=1.0, heat=0.15)]) < 0.05


@pytest.mark.parametrize("count", [5, 9, 20])
@pytest.mark.parametrize("reacts", [1.0, 0.75, 0.5])
def test_the_interval_holds_the_truth_whatever_the_reaction(count: int, reacts: float) -> None:
    random = np.random.default_rng([count, int(100 * reacts)])
    held = []
    for _ in range(300):
        ours, heat = sessions(random, count, reacts=reacts, heat=0.08)
        found = reaction([(ours, heat)])
        held.append(1.0 in corrected_interval(np.exp(ours), np.exp(heat), np.eye(count), found))
    assert np.mean(held) >= 0.88


@given(st.integers(3, 12), st.integers(0, 500), st.floats(-2, 2))
def test_the_models_own_level_does_not_matter(count: int, seed: int, level: float) -> None:
    ours, heat = sessions(np.random.default_rng(seed), count, reacts=0.7, heat=0.1)
    plain, moved = reaction([(ours, heat)]), reaction([(ours + level, heat)])
    assert moved.factor == pytest.approx(plain.factor, abs=1e-6)
    assert moved.sd == pytest.approx(plain.sd, abs=1e-6)


@given(st.integers(3, 12), st.integers(0, 500))
def test_what_is_taken_off_is_bounded_and_its_doubt_known(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    found = reaction([(random.normal(0, 1, count), random.normal(0, 1, count))])
    assert 0.0 <= found.factor <= 2.0
    assert 0.0 <= found.sd <= 1.0


def test_two_sessions_take_the_sentinel_at_its_word() -> None:
    assert reaction([(np.zeros(2), np.ones(2))]) == ALIKE


def test_sessions_alike_to_the_last_bit_are_no_division_by_zero() -> None:
    found = reaction([(np.zeros(5), np.full(5, 0.2))])
    assert found.factor == pytest.approx(1.0)
    assert found.sd == pytest.approx(0.35, abs=0.02)
