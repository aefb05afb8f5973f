from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.front.probability import LatencyBelief, pooled_belief
from search.front.racing import RacePlan, allocate

PLAN = RacePlan(total_sessions=10_000)


def known(mean: Sequence[float] | np.ndarray, sd: Sequence[float] | float) -> LatencyBelief:
    """As good as normal."""
    centre = np.asarray(mean, dtype=float)
    scale = np.broadcast_to(np.asarray(sd, dtype=float), centre.shape)
    return LatencyBelief(centre, scale, np.full(centre.size, 1e6))


ROWS = st.lists(
    st.tuples(st.floats(2.0, 4.0), st.floats(0.001, 0.2), st.floats(28.0, 32.0)),
    min_size=1,
    max_size=15,
)


@given(ROWS, st.integers(1, 20), st.integers(0, 60))
@settings(max_examples=60)
def test_never_more_than_the_batch_or_the_budget(
    rows: list[tuple[float, float, float]], batch: int, left: int
) -> None:
    mean, sd, psnr = zip(*rows, strict=True)
    had = np.full(len(rows), 3)
    plan = RacePlan(total_sessions=int(had.sum()) + left)
    found = allocate(known(mean, sd), psnr, had, plan, batch=batch)
    assert len(found.places) <= min(batch, left)
    assert len(set(found.places)) == len(found.places)
    assert all(found.probability[place] > plan.doubt / 2 for place in found.places)
    assert set(found.undecided) <= set(range(len(rows)))


def test_only_who_the_front_turns_on_runs_again() -> None:
    # Two that cannot be told apart, one clear leader of the fast, one clear loser.
    mean = np.log([10.0, 40.0, 40.4, 80.0])
    found = allocate(known(mean, 0.01), [29.0, 31.0, 30.9, 30.0], [3] * 4, PLAN)
    assert sorted(found.places) == [1, 2]
    assert found.undecided == (2,)
    assert found.probability[[0, 1, 3]] == pytest.approx([1.0, 1.0, 0.0])


def test_a_decided_front_ends_the_race() -> None:
    found = allocate(known(np.log([10.0, 40.0]), 0.001), [29.0, 31.0], [3, 3], PLAN)
    assert (found.places, found.undecided) == ((), ())
    assert "decided" in found.reason


def test_a_tie_is_left_a_tie() -> None:
    found = allocate(known(np.log([40.0, 40.01]), 0.001), [31.0, 30.9], [9, 9], PLAN)
    assert found.places == ()
    assert found.undecided == (1,)
    assert "tie" in found.reason


def test_spent_sessions_end_the_race() -> None:
    open_race = (known(np.log([40.0, 40.4]), 0.01), [31.0, 30.9])
    assert "spent" in allocate(*open_race, [3, 3], RacePlan(6)).reason
    assert "spent" in allocate(*open_race, [30, 30], PLAN).reason


def test_the_closest_contest_comes_first() -> None:
    # Two pairs race; the orders of the second are the less clear ones.
    mean = np.log([10.0, 10.3, 40.0, 40.05])
    psnrs = [29.1, 29.0, 31.1, 31.0]
    found = allocate(known(mean, 0.015), psnrs, [3] * 4, PLAN, batch=2)
    assert sorted(found.places) == [2, 3]


@given(st.lists(st.floats(1.0, 4.0), min_size=1, max_size=8), st.integers(2, 9))
def test_beliefs_have_no_unit(middles: list[float], sessions: int) -> None:
    count = [sessions] * len(middles)
    plain = pooled_belief(middles, [0.02] * len(middles), count)
    shifted = pooled_belief(np.array(middles) + np.log(4.0), [0.02] * len(middles), count)
    assert shifted.mean == pytest.approx(plain.mean + np.log(4.0))
    assert shifted.sd == pytest.approx(plain.sd)


def test_sessions_that_agree_by_chance_are_not_believed() -> None:
    belief = pooled_belief([3.0] * 11, [0.0, *[0.02] * 10], [4] * 11)
    assert belief.sd[0] > 0.4 * np.median(belief.sd[1:])
