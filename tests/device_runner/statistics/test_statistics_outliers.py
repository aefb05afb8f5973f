from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics.outliers import iteration_outliers, session_outliers

ROWS = st.lists(st.floats(1.0, 1e3), min_size=1, max_size=40)


@given(ROWS, st.integers(-8, 8))
def test_outliers_have_no_unit(values: list[float], power: int) -> None:
    scaled = iteration_outliers([value * 2.0**power for value in values])
    assert scaled.count == len(scaled.places)
    assert scaled.share == scaled.count / len(values)
    # Deviations just at the threshold may fall either way by rounding.
    assert abs(scaled.count - iteration_outliers(values).count) <= 2


@given(ROWS)
def test_never_half_of_them(values: list[float]) -> None:
    assert iteration_outliers(values).share < 0.5


@given(st.floats(1.0, 1e3), st.integers(5, 30), st.floats(1.02, 10), st.data())
def test_one_apart_from_equals_is_named(
    value: float, count: int, factor: float, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, count - 1))
    values = [value * (factor if index == place else 1.0) for index in range(count)]
    if count >= 8:
        assert session_outliers(values).places == (place,)
    assert place in iteration_outliers(values).places or count < 5


@pytest.mark.parametrize("sessions", [5, 6, 7, 9, 12, 20])
def test_calm_sessions_are_rarely_flagged(sessions: int) -> None:
    random = np.random.default_rng(sessions)
    rows = np.exp(random.normal(0, 0.02, (2000, sessions)))
    assert np.mean([session_outliers(row).count > 0 for row in rows]) <= 0.05


def test_a_disturbed_session_is_flagged_and_four_are_too_few_to_judge() -> None:
    sessions = [40.0, 40.4, 39.7, 40.1, 39.9, 52.0]
    assert session_outliers(sessions).places == (5,)
    assert session_outliers(sessions[2:]).count == 0


def test_a_hair_is_no_disturbance() -> None:
    assert iteration_outliers([10.0] * 20 + [10.05]).count == 0
