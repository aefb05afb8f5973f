"""How the front grew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_studies import candidate, rich_study, stopped, study

from reports.growth import FrontGrowth, growth
from search.front.dominance import hypervolume


def course(*results: object) -> FrontGrowth:
    found = growth(study(*results).groups[0])  # type: ignore[arg-type]
    assert found is not None
    return found


def test_it_grows_and_tells_the_last_gain() -> None:
    found = course(candidate(0, (10.0, 29.0)), candidate(1, (20.0, 28.5)),
                   candidate(2, (15.0, 30.0)), stopped(3, 90.0))  # fmt: skip
    assert [number for number, _ in found.trials] == [0, 1, 2, 3]
    assert found.reference == (pytest.approx(20.2), 28.43)
    first, same, more, end = (volume for _, volume in found.trials)
    assert 0 < first == same < more == end == found.final
    assert found.last_gain_trial == 2
    assert found.minutes == ()


def test_what_breaks_a_constraint_adds_nothing() -> None:
    found = growth(rich_study().groups[0])
    assert found is not None
    # Trial 7 has the best PSNR of all.
    assert dict(found.trials)[7] == dict(found.trials)[6]


def test_time_is_that_of_finishing() -> None:
    late = candidate(0, (10.0, 29.0), finished_at="2026-11-22T10:10:00+00:00", device_s=60.0)
    early = candidate(1, (20.0, 30.0), finished_at="2026-11-22T10:01:00+00:00", device_s=60.0)
    found = course(late, early)
    assert [number for number, _ in found.trials] == [1, 0]
    assert [at for at, _ in found.minutes] == [1.0, 10.0]


def test_below_bicubic_it_is_measured_from_the_worst() -> None:
    found = course(candidate(0, (10.0, 27.0)), candidate(1, (20.0, 28.0)))
    assert found.reference[1] == pytest.approx(26.99)
    assert found.final > 0


def test_nothing_feasible_has_no_course() -> None:
    assert growth(study(stopped(0, 90.0)).groups[0]) is None


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(28.5, 31)), min_size=1, max_size=12))
def test_it_never_shrinks_and_ends_at_the_hypervolume(places: list[tuple[float, float]]) -> None:
    found = course(*(candidate(i, place) for i, place in enumerate(places)))
    volumes = [volume for _, volume in found.trials]
    assert volumes == sorted(volumes)
    assert found.final == pytest.approx(hypervolume(places, found.reference))
