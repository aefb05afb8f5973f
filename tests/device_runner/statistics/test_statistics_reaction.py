"""How much of the sentinel's loss is taken off, for models that heat as it does and otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics import corrected_interval
from device_runner.statistics.reaction import ALIKE, Population, Reaction, log_doubt, reaction

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


def spell(
    random: np.random.Generator, count: int, reacts: float, slow: int
) -> tuple[np.ndarray, np.ndarray]:
    """A model of level 0, its last sessions and the sentinel's on a device of half the speed."""
    heat = np.where(np.arange(count) >= count - slow, np.log(2.0), 0.0)
    luck = random.normal(0, LUCK, (2, count))
    return reacts * heat + luck[0], heat + luck[1]


def test_a_model_never_seen_at_two_speeds_reacts_as_its_device_does_and_with_doubt() -> None:
    random = np.random.default_rng(1)
    pairs = [spell(random, 7, 0.7, slow=2) for _ in range(8)]
    unknown = spell(random, 5, 0.7, slow=5)
    found = Population.of([*pairs, unknown])
    assert found.device == pytest.approx(0.7, abs=0.05)
    theirs = found.reaction(*unknown, member=True)
    assert theirs.factor == pytest.approx(0.7, abs=0.05)
    # They differ little, so little is open.
    assert 0.0 < theirs.sd < 0.15
    apart = [spell(random, 7, reacts, slow=2) for reacts in (0.5, 1.5, 0.7, 1.3, 1.0, 0.6)]
    wide = Population.of([*apart, unknown]).reaction(*unknown, member=True)
    assert wide.sd > 0.2
    assert log_doubt(*unknown, wide) == pytest.approx(wide.sd * np.log(2.0), rel=0.05)


def test_what_a_model_shows_itself_outweighs_its_device() -> None:
    random = np.random.default_rng(2)
    pairs = [spell(random, 9, 1.0, slow=3) for _ in range(8)]
    apart = spell(random, 9, 1.45, slow=3)
    found = Population.of([*pairs, apart]).reaction(*apart, member=True)
    assert found.factor == pytest.approx(1.45, abs=0.1)
    assert found.unlike is False, "its sessions at the usual speed carry its latency"


def test_one_sentinel_session_that_met_a_spell_alone_teaches_nothing() -> None:
    random = np.random.default_rng(3)
    pairs = [spell(random, 7, 1.0, slow=2) for _ in range(8)]
    calm = random.normal(0, 0.3 * LUCK, 7)
    alone = calm, np.array([0, 0, 0, 0, 0, 0, np.log(2.0)])
    found = Population.of([*pairs, alone])
    assert found.device == pytest.approx(1.0, abs=0.15)
    assert log_doubt(*alone, found.reaction(*alone, member=True)) < 0.01


@given(st.permutations(range(6)))
def test_the_order_of_the_models_does_not_matter(order: list[int]) -> None:
    random = np.random.default_rng(4)
    pairs = [spell(random, 6, 0.5 + 0.2 * number, slow=2) for number in range(6)]
    one, other = Population.of(pairs), Population.of([pairs[place] for place in order])
    for ours, heat in pairs:
        first, second = (each.reaction(ours, heat, member=True) for each in (one, other))
        assert second.factor == pytest.approx(first.factor, abs=1e-9)
        assert second.sd == pytest.approx(first.sd, abs=1e-9)


def test_without_models_the_device_is_taken_for_alike() -> None:
    assert Population.of([]).device == pytest.approx(1.0)
