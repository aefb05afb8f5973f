"""Launches of two kinds, told from the sessions of all candidates together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_runner.devices.simulated.foreign import Launches, launch_noise
from search.front.modes import LEAST_FREEDOM, Modes, launch_modes
from search.front.probability import pooled_belief, with_modes

APART, WIDTH, SLOW = 0.04, 0.004, 0.3


def launches(
    random: np.random.Generator, level: np.ndarray, sessions: np.ndarray
) -> list[np.ndarray]:
    """Sessions of candidates whose slow launches take 4 % more."""
    return [
        at + APART * (random.random(count) < SLOW) + WIDTH * random.standard_normal(count)
        for at, count in zip(level, sessions, strict=True)
    ]


def of_two_kinds(seed: int, candidates: int = 24, sessions: int = 3) -> tuple[np.ndarray, Modes]:
    random = np.random.default_rng([seed, 41])
    level = random.uniform(2.0, 4.0, candidates)
    found = launch_modes(launches(random, level, np.full(candidates, sessions)))
    assert found is not None
    return level, found


def test_two_of_three_slow_sessions_do_not_make_a_slow_candidate() -> None:
    errors, naive = [], []
    for seed in range(30):
        level, found = of_two_kinds(seed)
        random = np.random.default_rng([seed, 41])
        random.uniform(2.0, 4.0, level.size)
        rows = launches(random, level, np.full(level.size, 3))
        errors.append(np.mean(np.square(found.mean - level)))
        naive.append(np.mean(np.square([np.median(row) for row in rows] - level)))
    assert np.mean(errors) < 0.3 * np.mean(naive)


def test_draws_hold_the_truth_as_often_as_they_say() -> None:
    # The median of such launches lies above the middle of the fast ones: at 5/7 of them.
    above = WIDTH * 0.566
    inside = []
    for seed in range(60):
        level, found = of_two_kinds(100 + seed, sessions=5)
        drawn = found.drawn(np.random.default_rng(seed), 400)
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        inside.append((low < level + above) & (level + above < high))
    assert 0.83 < np.mean(inside) < 0.95


@pytest.mark.parametrize("kind", [one for one in Launches if one is not Launches.BIMODAL])
@pytest.mark.parametrize("sessions", [2, 3, 5])
def test_other_noise_is_hardly_ever_taken_for_two_kinds(kind: Launches, sessions: int) -> None:
    random = np.random.default_rng([sessions, 77])
    found = [
        launch_modes(list(launch_noise(kind, random, (24, sessions), 0.02))) for _ in range(25)
    ]
    # A lone launch that was disturbed may look like a kind of its own.
    assert np.mean([one is not None for one in found]) <= 0.2


def test_candidates_with_distances_of_their_own_are_left_to_student() -> None:
    random = np.random.default_rng(8)
    found = []
    for _ in range(20):
        apart = APART * random.uniform(0.2, 1.8, (24, 1))
        slow = random.random((24, 5)) < SLOW
        found.append(launch_modes(list(apart * slow + WIDTH * random.standard_normal((24, 5)))))
    assert np.mean([one is not None for one in found]) <= 0.2


@given(st.lists(st.integers(1, 9), min_size=8, max_size=30), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_unequal_numbers_of_sessions_and_single_ones_have_their_place(
    counts: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    rows = launches(random, random.uniform(2, 4, len(counts)), np.array(counts))
    found = launch_modes(rows)
    if sum(counts) - len(counts) < LEAST_FREEDOM:
        assert found is None
    if found is None:
        return
    assert found.weight.sum(axis=1) == pytest.approx(1.0)
    for row, weight, sd in zip(rows, found.weight, found.sd, strict=True):
        assert (weight[row.size + 1 :] == 0).all()
        # Nobody knows which kind a single session was.
        assert row.size > 1 or sd > WIDTH
    assert np.isfinite(found.drawn(random, 10)).all()


def test_sessions_that_agree_and_too_few_of_them_say_nothing() -> None:
    assert launch_modes([np.full(5, 3.0)] * 9) is None
    assert launch_modes([np.array([3.0, 3.04])] * 9) is None


def test_a_belief_takes_the_sessions_at_their_word() -> None:
    random = np.random.default_rng(9)
    level = np.linspace(2.0, 4.0, 24)
    rows = launches(random, level, np.full(24, 5))
    middle = [float(np.median(row)) for row in rows]
    belief = pooled_belief(middle, [float(row.std(ddof=1)) for row in rows], [5] * 24)
    better = with_modes(belief, rows)
    assert better.modes is not None
    assert np.abs(better.mean - level).max() < np.abs(belief.mean - level).max()
    assert better.sd.mean() < 0.5 * belief.sd.mean()
    calm = [at + 0.02 * random.standard_normal(5) for at in level]
    assert with_modes(belief, calm) is belief
