"""The front against its definition, by brute force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.front.dominance import Point, dominates, hypervolume, pareto_front

# A coarse grid makes ties and duplicates common.
coordinate = st.integers(0, 12).map(float)
points_of_a_study = st.lists(st.tuples(coordinate, coordinate), max_size=30)
REFERENCE = (13.0, -1.0)


def test_dominance_needs_one_strict_gain() -> None:
    assert dominates((10.0, 30.0), (11.0, 30.0))
    assert dominates((10.0, 30.0), (10.0, 29.0))
    assert not dominates((10.0, 30.0), (10.0, 30.0))
    assert not dominates((9.0, 29.0), (10.0, 30.0))


def test_front_is_ordered_by_latency_and_keeps_ties() -> None:
    points = [(30.0, 31.0), (10.0, 29.0), (20.0, 28.0), (10.0, 29.0), (10.0, 28.5)]
    assert pareto_front(points) == [1, 3, 0]
    assert pareto_front([]) == []


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        pareto_front([(1.0, float("nan"))])
    with pytest.raises(ValueError, match="finite"):
        hypervolume([(1.0, 1.0)], (float("inf"), 0.0))


@given(points_of_a_study)
def test_front_equals_brute_force(points: list[Point]) -> None:
    brute = {
        i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)
    }
    front = pareto_front(points)
    assert set(front) == brute
    assert len(front) == len(brute)
    assert [points[i][0] for i in front] == sorted(points[i][0] for i in front)
    assert [points[i][1] for i in front] == sorted(points[i][1] for i in front)


@given(points_of_a_study)
def test_hypervolume_counts_the_cells_below_the_staircase(points: list[Point]) -> None:
    cells = sum(
        any(x <= column and y > row for x, y in points)
        for column in range(13)
        for row in range(-1, 12)
    )
    assert hypervolume(points, REFERENCE) == pytest.approx(cells)


@given(points_of_a_study, st.tuples(coordinate, coordinate))
def test_a_new_point_never_shrinks_the_hypervolume(points: list[Point], extra: Point) -> None:
    before, after = hypervolume(points, REFERENCE), hypervolume([*points, extra], REFERENCE)
    assert after >= before
    if any(other == extra or dominates(other, extra) for other in points):
        assert after == pytest.approx(before)
