from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from search.front.dominance import pareto_front
from search.front.probability import (
    LatencyBelief,
    SourceError,
    draw_psnrs,
    front_probability,
    pooled_belief,
    winners_log_latency,
)

coordinate = st.integers(0, 6).map(float)
CANDIDATES = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=12)


def known(log_latency: Sequence[float] | np.ndarray, sd: float) -> LatencyBelief:
    """As good as normal."""
    mean = np.asarray(log_latency, dtype=float)
    return LatencyBelief(mean, np.full(mean.size, sd), np.full(mean.size, 1e6))


@given(CANDIDATES)
def test_exact_latencies_give_the_front_itself(candidates: list[tuple[float, float]]) -> None:
    latency, psnr = zip(*candidates, strict=True)
    found = front_probability(known(latency, 0.0), psnr, draws=4)
    assert set(np.flatnonzero(found)) == set(pareto_front(candidates))
    assert set(found) <= {0.0, 1.0}


@given(CANDIDATES, st.floats(0.01, 0.5), st.randoms())
@settings(max_examples=50)
def test_neither_unit_nor_names_matter(
    candidates: list[tuple[float, float]], sd: float, random: Random
) -> None:
    latency, psnr = (np.array(row) for row in zip(*candidates, strict=True))
    order = list(range(len(candidates)))
    random.shuffle(order)
    plain = front_probability(known(latency, sd), psnr)
    # From ms to s: a shift of the logarithm.
    other = front_probability(known((latency - math.log(1000))[order], sd), psnr[order])
    assert other == pytest.approx(plain[order], abs=0.06)
    assert plain[int(np.argmax(psnr - 1e-9 * latency))] > 0


def test_two_candidates_agree_with_the_normal_distribution() -> None:
    apart, sd = 0.03, 0.02
    found = front_probability(known([0.0, apart], sd), [31.0, 32.0])
    assert found[1] == 1.0
    beaten = scipy.stats.norm.cdf(-apart / (sd * math.sqrt(2)))
    assert found[0] == pytest.approx(1 - beaten, abs=0.03)


def test_candidates_alike_share_the_place() -> None:
    found = front_probability(known([3.0, 3.0], 0.02), [31.0, 31.0])
    assert found == pytest.approx([0.5, 0.5], abs=0.04)
    assert found.sum() == pytest.approx(1.0)


def test_one_session_of_each_is_no_certainty() -> None:
    # 3 % apart, each known from a single session: that noise alone turns round often enough.
    belief = pooled_belief(np.log([40.0, 41.2]), [0.0, 0.0], [1, 1])
    found = front_probability(belief, [31.0, 30.9])
    assert found[0] > 0.9
    assert 0.05 < found[1] < 0.5


def test_other_candidates_tell_how_much_one_may_err() -> None:
    alone = pooled_belief([3.0], [0.0], [1])
    calm = pooled_belief([3.0, *[4.0] * 9], [0.0, *[0.002] * 9], [1, *[5] * 9])
    rough = pooled_belief([3.0, *[4.0] * 9], [0.0, *[0.1] * 9], [1, *[5] * 9])
    assert calm.sd[0] < alone.sd[0] < rough.sd[0]


@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=30)
def test_other_pictures_move_all_candidates_together(
    pictures: int, candidates: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    hard = random.normal(0, 5, (pictures, 1))
    table = 30 + hard + random.normal(0, 0.3, candidates)
    drawn = draw_psnrs(table, np.arange(candidates), draws=200, seed=seed)
    # Every candidate finds a picture as hard as every other: their differences are beyond doubt.
    assert (drawn - drawn[:, :1]).std(axis=0) == pytest.approx(0.0, abs=1e-9)


def test_few_pictures_are_a_doubt_and_one_says_nothing_of_it() -> None:
    table = np.array([[30.0, 30.3], [31.0, 30.8], [29.0, 29.4], [32.0, 32.1], [28.0, 28.0]])
    belief = pooled_belief([3.0, 3.5], [0.001] * 2, [9, 9])
    assert front_probability(belief, table.mean(axis=0))[1] == 1.0
    assert 0.5 < front_probability(belief, table)[1] < 0.95
    assert front_probability(belief, table[:1])[1] == 1.0


def test_the_spread_of_draws_is_that_of_a_paired_mean() -> None:
    random = np.random.default_rng(5)
    table = random.normal(30, 4, (40, 1)) + random.normal(0, 0.5, (40, 2))
    drawn = draw_psnrs(table, np.zeros(2), draws=20_000)
    paired = (table[:, 1] - table[:, 0]).std(ddof=1) / 40**0.5
    assert (drawn[:, 1] - drawn[:, 0]).std() == pytest.approx(paired, rel=0.06)


def test_what_five_pictures_made_of_a_candidate_is_drawn_towards_the_others() -> None:
    random = np.random.default_rng(7)
    latency = np.linspace(2.0, 4.0, 20)
    off, drawn_off = [], []
    for _ in range(100):
        table = 28 + latency + random.normal(0, 4, (5, 1)) + random.normal(0, 0.4, (5, 20))
        mean = table.mean(axis=0)
        drawn = draw_psnrs(table, latency, draws=50).mean(axis=0)
        for found, kept in ((mean, off), (drawn, drawn_off)):
            kept.append(np.std(found - latency))
    assert np.mean(drawn_off) < 0.6 * np.mean(off)


def test_the_fastest_of_equals_is_not_as_fast_as_it_looks() -> None:
    random = np.random.default_rng(6)
    naive, drawn_in = [], []
    for _ in range(400):
        belief = LatencyBelief(random.normal(0, 0.013, 10), np.full(10, 0.013), np.full(10, 30.0))
        best = int(np.argmin(belief.mean))
        naive.append(belief.mean[best])
        drawn_in.append(winners_log_latency(belief, best))
    assert np.mean(naive) < -0.015
    assert abs(np.mean(drawn_in)) < 0.005


def test_one_that_is_alone_stays_where_it_is() -> None:
    belief = LatencyBelief(np.array([0.0, 1.0, 1.01]), np.full(3, 0.01), np.full(3, 30.0))
    assert winners_log_latency(belief, 0) == 0.0
    exact = LatencyBelief(np.zeros(2), np.zeros(2), np.ones(2))
    assert winners_log_latency(exact, 0) == 0.0


@pytest.mark.parametrize(
    "rows",
    [([1.0], [1.0, 2.0], [1.0]), ([1.0], [-1.0], [1.0]), ([math.nan], [0.1], [1.0])],
)
def test_what_is_no_belief_is_refused(rows: tuple) -> None:
    with pytest.raises(ValueError):
        LatencyBelief(*map(np.array, rows))


@pytest.mark.parametrize("psnrs", [[31.0], [31.0, math.nan], [[[31.0, 30.0]]]])
def test_psnrs_without_sense_are_refused(psnrs: list) -> None:
    with pytest.raises(ValueError):
        front_probability(known([0.0, 1.0], 0.1), np.array(psnrs))


def test_the_error_of_the_weights_makes_the_front_less_sure() -> None:
    belief, psnrs = known([0.0, 1.0], 0.001), np.array([30.0, 30.1])
    exact = front_probability(belief, psnrs)
    doubted = front_probability(
        belief, psnrs, source=SourceError(np.full(2, 0.1), np.arange(2)), draws=20_000
    )
    assert exact.tolist() == [1.0, 1.0]
    # The slower one is dominated when the difference of two errors of 0.1 dB exceeds 0.1 dB.
    assert doubted[0] == 1.0
    assert doubted[1] == pytest.approx(scipy.stats.norm.cdf(1 / math.sqrt(2)), abs=0.01)


def test_variants_of_one_config_share_its_error() -> None:
    belief, psnrs = known([0.0, 1.0], 0.001), np.array([30.0, 30.1])
    one_config = SourceError(np.full(2, 0.5), np.zeros(2, int))
    assert front_probability(belief, psnrs, source=one_config).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("sd_db", [[-0.1, 0.0], [math.nan, 0.0], [0.1]])
def test_an_error_without_sense_is_refused(sd_db: list[float]) -> None:
    with pytest.raises(ValueError):
        SourceError(np.array(sd_db), np.zeros(2, int))
