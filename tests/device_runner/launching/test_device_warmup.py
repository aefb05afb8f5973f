from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device_runner.launching.warmup import AGREEING_ITERATIONS, is_settled, may_stop

TIMES = st.floats(min_value=1e-3, max_value=1e6)


@given(TIMES, st.integers(AGREEING_ITERATIONS, 50))
def test_constant_durations_are_settled(value: float, count: int) -> None:
    assert is_settled([value] * count)


@given(st.lists(TIMES, max_size=40), st.integers(-8, 8))
def test_settling_has_no_unit(durations: list[float], power: int) -> None:
    assert is_settled([d * 2.0**power for d in durations]) == is_settled(durations)


@given(TIMES, st.floats(1.5, 100))
def test_a_jump_unsettles_and_rest_settles_again(value: float, factor: float) -> None:
    jumped = [value] * 10 + [value * factor]
    assert not is_settled(jumped)
    assert is_settled(jumped + [value * factor] * 40)


@given(TIMES, st.floats(0.5, 0.85))
def test_a_steep_slope_never_settles(value: float, factor: float) -> None:
    slope = [value * factor**step for step in range(30)]
    assert not any(is_settled(slope[:count]) for count in range(AGREEING_ITERATIONS + 2, 31))


@given(st.lists(TIMES, max_size=40), st.integers(0, 20), st.integers(0, 40))
def test_warm_up_keeps_its_bounds(durations: list[float], least: int, most: int) -> None:
    stop = may_stop(durations, least, most)
    if len(durations) >= most:
        assert stop
    elif len(durations) < least:
        assert not stop
    else:
        assert stop == is_settled(durations)
