"""The best PSNR that can be had at a latency, and what it says of latencies."""

from __future__ import annotations

import numpy as np
import pytest

from search.front.frontier import LEAST_FITTED, fitted_frontier
from search.front.probability import draw_points, front_probability, on_front, pooled_belief

FASTEST = np.log(8.0)


def best_db(log_latency: np.ndarray) -> np.ndarray:
    return np.asarray(32 - 4 * np.exp(FASTEST - log_latency))


def study(random: np.random.Generator, count: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Log latency and PSNR of candidates below what can be had."""
    log_latency = random.uniform(FASTEST, np.log(80.0), count)
    return log_latency, best_db(log_latency) - random.exponential(0.4, count)


def test_the_frontier_lies_where_the_best_are() -> None:
    random = np.random.default_rng(31)
    off, below = [], []
    for _ in range(20):
        log_latency, psnr_db = study(random, 60)
        found = fitted_frontier(psnr_db, np.zeros(60), log_latency)
        assert found is not None
        assert found.rises(log_latency)
        off.append(np.abs(found.level(log_latency) - best_db(log_latency)).mean())
        below.append(found.below)
    assert np.mean(off) < 0.12
    assert np.mean(below) == pytest.approx(0.4, rel=0.2)


def test_too_few_or_of_one_latency_or_without_a_psnr_make_no_frontier() -> None:
    few = LEAST_FITTED - 1
    assert fitted_frontier(np.full(few, 30.0), np.zeros(few), np.arange(few)) is None
    assert fitted_frontier(np.full(9, 30.0), np.zeros(9), np.full(9, 3.0)) is None
    psnr_db = np.array([*[30.0] * few, 0.0, 0.0])
    assert fitted_frontier(psnr_db, np.zeros(few + 2), np.arange(few + 2)) is None


def test_one_session_that_was_too_good_is_not_believed() -> None:
    """Of those whose session was fastest for what they are, latencies are drawn back."""
    random = np.random.default_rng(32)
    naive, drawn_back, others = [], [], []
    for _ in range(60):
        log_latency, psnr_db = study(random)
        seen = log_latency + random.normal(0, 0.05, 24)
        belief = pooled_belief(seen, np.full(24, 0.05), np.full(24, 2))
        drawn = np.log(draw_points(belief, psnr_db, draws=300)[0]).mean(axis=0)
        lucky = int(np.argmax(psnr_db - best_db(seen)))
        naive.append(seen[lucky] - log_latency[lucky])
        drawn_back.append(drawn[lucky] - log_latency[lucky])
        dominated = psnr_db - best_db(seen) < -0.4
        others.append(np.mean((drawn - seen)[dominated]))
    assert np.mean(naive) < -0.015
    assert abs(np.mean(drawn_back)) < 0.7 * abs(np.mean(naive))
    assert abs(np.mean(others)) < 0.012


def test_probabilities_of_one_session_are_as_often_true_as_they_say() -> None:
    random = np.random.default_rng(33)
    said, truth = [], []
    for seed in range(250):
        log_latency, psnr_db = study(random)
        seen = log_latency + random.normal(0, 0.017, 24)
        belief = pooled_belief(seen, np.zeros(24), np.ones(24))
        said.append(front_probability(belief, psnr_db, draws=200, seed=seed))
        truth.append(on_front(np.exp(log_latency)[None], psnr_db)[0])
    doubtful = (np.array(said) > 0.15) & (np.array(said) < 0.85)
    assert doubtful.sum() > 300
    off = np.array(said)[doubtful].mean() - np.array(truth)[doubtful].mean()
    assert abs(off) < 0.07


def test_a_frontier_that_falls_says_nothing_of_latencies() -> None:
    belief = pooled_belief(np.log(20 + 0.4 * np.arange(12)), np.full(12, 0.05), np.full(12, 5))
    scatter = 0.3 * np.random.default_rng(5).standard_normal(12)
    falling = 29.5 - 0.2 * np.arange(12) + scatter
    frontier = fitted_frontier(falling, np.zeros(12), belief.mean)
    assert frontier is not None
    assert not frontier.rises(belief.mean)
    drawn = np.log(draw_points(belief, falling, draws=4000)[0])
    assert np.abs((drawn.mean(axis=0) - belief.mean) / belief.sd).max() < 0.1


def test_one_that_is_better_than_all_others_is_believed() -> None:
    log_latency = np.linspace(2.2, 4.2, 20)
    psnr_db = best_db(log_latency) - np.tile([0.1, 0.5, 0.9, 0.3], 5)
    psnr_db[8] = best_db(log_latency)[8] + 1.0
    belief = pooled_belief(log_latency, np.full(20, 0.02), np.full(20, 3))
    drawn = np.log(draw_points(belief, psnr_db, draws=2000)[0])
    assert abs(drawn[:, 8].mean() - log_latency[8]) < 1.2 * belief.sd[8]
    assert front_probability(belief, psnr_db)[8] == pytest.approx(1.0, abs=0.01)
