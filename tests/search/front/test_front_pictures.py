"""What few pictures say of PSNR over others of their kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.front.pictures import draw_psnrs


def world(random: np.random.Generator, candidates: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Candidates below what can be had at their latency: log latency and level, dB."""
    log_latency = random.uniform(2.0, 4.4, candidates)
    best = 32 - 4 * np.exp(2.0 - log_latency)
    return log_latency, best - random.exponential(0.4, candidates)


@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=30)
def test_other_pictures_move_all_candidates_together(
    pictures: int, candidates: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    hard = random.normal(0, 5, (pictures, 1))
    table = 30 + hard + random.normal(0, 0.3, candidates)
    drawn = draw_psnrs(table, np.arange(candidates), draws=200, seed=seed)[0]
    # Every candidate finds a picture as hard as every other: their differences are beyond doubt.
    assert (drawn - drawn[:, :1]).std(axis=0) == pytest.approx(0.0, abs=1e-9)


def test_the_spread_of_draws_is_that_of_a_paired_mean() -> None:
    random = np.random.default_rng(5)
    table = random.normal(30, 4, (40, 1)) + random.normal(0, 0.5, (40, 2))
    drawn = draw_psnrs(table, np.zeros(2), draws=20_000)[0]
    paired = (table[:, 1] - table[:, 0]).std(ddof=1) / 40**0.5
    assert (drawn[:, 1] - drawn[:, 0]).std() == pytest.approx(paired, rel=0.06)


def test_what_five_pictures_made_of_a_candidate_is_drawn_towards_the_others() -> None:
    random = np.random.default_rng(7)
    latency = np.linspace(2.0, 4.0, 20)
    off: list[float] = []
    drawn_off: list[float] = []
    for _ in range(100):
        table = 28 + latency + random.normal(0, 4, (5, 1)) + random.normal(0, 0.4, (5, 20))
        mean = table.mean(axis=0)
        drawn = draw_psnrs(table, latency, draws=50)[0].mean(axis=0)
        for found, kept in ((mean, off), (drawn, drawn_off)):
            kept.append(np.std(found - latency))
    assert np.mean(drawn_off) < 0.6 * np.mean(off)


def test_draws_hold_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(8)
    inside = []
    for _ in range(60):
        log_latency, level = world(random)
        own = random.uniform(0.01, 0.5, level.size) * random.normal(0, 1, (5, level.size))
        hard = random.normal(0, 4.7, (5, 1))
        drawn = draw_psnrs(level + hard + own, log_latency, draws=400)[0] - hard.mean()
        low, high = np.quantile(drawn, [0.1, 0.9], axis=0)
        inside.append((low < level) & (level < high))
    assert 0.74 < np.mean(inside) < 0.88


def test_the_best_of_few_pictures_is_not_believed_to_lie_far_above_all_others() -> None:
    random = np.random.default_rng(9)
    naive: list[float] = []
    drawn_off: list[float] = []
    for _ in range(60):
        log_latency, level = world(random)
        table = level + random.normal(0, 0.6, (5, level.size))
        mean, drawn = table.mean(axis=0), draw_psnrs(table, log_latency, draws=400)[0].mean(axis=0)
        luckiest = int(np.argmax(mean - 32 + 4 * np.exp(2.0 - log_latency)))
        naive.append(mean[luckiest] - level[luckiest])
        drawn_off.append(drawn[luckiest] - level[luckiest])
    assert np.mean(naive) > 0.15
    assert abs(np.mean(drawn_off)) < 0.5 * np.mean(naive)


def test_what_tells_twins_apart_is_known() -> None:
    random = np.random.default_rng(10)
    log_latency, level = world(random)
    log_latency[1], level[1] = log_latency[0] + 0.02, level[0] - 0.1
    own = random.normal(0, 0.4, (5, level.size))
    own[:, 1] = own[:, 0] + random.normal(0, 0.005, 5)
    table = level + random.normal(0, 4.7, (5, 1)) + own
    drawn = draw_psnrs(table, log_latency, draws=1000)[0]
    assert (drawn[:, 0] - drawn[:, 1]).mean() == pytest.approx(0.1, abs=0.03)
    assert (drawn[:, 0] - drawn[:, 1]).std() < 0.02
    assert drawn[:, 0].std() > 0.05


@given(st.integers(2, 6), st.integers(8, 20), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_whatever_the_pictures_say_draws_are_numbers_and_the_scale_is_decibels(
    pictures: int, candidates: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    table = random.choice([20.0, 30.0, 30.5, 31.0], (pictures, candidates))
    log_latency = random.choice([2.0, 2.5, 3.0, 4.0], candidates)
    drawn = draw_psnrs(table, log_latency, draws=50, seed=seed)[0]
    assert drawn.shape == (50, candidates)
    assert np.isfinite(drawn).all()
    moved = draw_psnrs(table + 5.0, log_latency, draws=50, seed=seed)[0]
    assert np.median(moved - drawn) == pytest.approx(5.0, abs=0.2)
