from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from search.front.dominance import pareto_front
from search.front.probability import front_probability, log_latency_of

coordinate = st.integers(0, 6).map(float)
CANDIDATES = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=12)


@given(CANDIDATES)
def test_exact_latencies_give_the_front_itself(candidates: list[tuple[float, float]]) -> None:
    latency, psnr = zip(*candidates, strict=True)
    found = front_probability(latency, np.zeros(len(latency)), psnr, draws=4)
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
    sds = np.full(len(order), sd)
    plain = front_probability(latency, sds, psnr)
    # From ms to s: a shift of the logarithm.
    other = front_probability((latency - math.log(1000))[order], sds, psnr[order])
    assert other == pytest.approx(plain[order], abs=0.06)
    assert plain[int(np.argmax(psnr - 1e-9 * latency))] > 0


def test_two_candidates_agree_with_the_normal_distribution() -> None:
    apart, sd = 0.03, 0.02
    found = front_probability([0.0, apart], [sd, sd], [31.0, 32.0])
    assert found[1] == 1.0
    beaten = scipy.stats.norm.cdf(-apart / (sd * math.sqrt(2)))
    assert found[0] == pytest.approx(1 - beaten, abs=0.03)


def test_candidates_alike_share_the_place() -> None:
    found = front_probability([3.0, 3.0], [0.02, 0.02], [31.0, 31.0])
    assert found == pytest.approx([0.5, 0.5], abs=0.04)
    assert found.sum() == pytest.approx(1.0)


def test_deviation_from_an_interval() -> None:
    mean, sd = log_latency_of([40.0], [40.0 / 1.1], [40.0 * 1.1])
    assert mean[0] == pytest.approx(math.log(40))
    assert sd[0] == pytest.approx(math.log(1.1) / 1.96)


@pytest.mark.parametrize(
    "rows",
    [([1.0], [1.0, 2.0], [1.0]), ([1.0], [-1.0], [1.0]), ([math.nan], [0.1], [1.0])],
)
def test_what_is_no_estimate_is_refused(rows: tuple) -> None:
    with pytest.raises(ValueError):
        front_probability(*rows)
