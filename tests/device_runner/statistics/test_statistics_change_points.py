from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_runner.statistics.change_points import change_points, levels, night_noise

NIGHTS = st.lists(st.floats(10.0, 100.0), min_size=1, max_size=40)


def a_series(seed: int, *changes: tuple[int, float], nights: int = 60) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = 40.0 * np.exp(random.normal(0, 0.008, nights))
    for night, ratio in changes:
        values[night:] *= ratio
    return values


@given(NIGHTS)
@settings(max_examples=50)
def test_levels_tile_the_nights(values: list[float]) -> None:
    found = levels(values)
    assert found[0].start == 0
    assert found[-1].stop == len(values)
    assert all(a.stop == b.start for a, b in pairwise(found))
    assert all(level.stop - level.start >= min(3, len(values)) for level in found)
    assert all(min(values) * 0.999 <= level.value_ms <= max(values) * 1.001 for level in found)


@given(st.integers(0, 30), st.integers(-6, 6))
@settings(max_examples=20)
def test_changes_have_no_unit_and_read_the_same_backwards(seed: int, power: int) -> None:
    values = a_series(seed, (20, 1.08), (41, 0.95))
    found = change_points(values)
    scaled = change_points(values * 2.0**power)
    assert [c.night for c in scaled] == [c.night for c in found]
    backwards = change_points(values[::-1])
    assert [60 - c.night for c in backwards][::-1] == pytest.approx([c.night for c in found], abs=1)


@pytest.mark.parametrize("seed", range(6))
def test_several_steps_are_found_where_they_are(seed: int) -> None:
    found = change_points(a_series(seed, (15, 1.06), (35, 1.04), (48, 0.93)))
    assert [c.night for c in found] == pytest.approx([15, 35, 48], abs=1)
    assert [c.ratio for c in found] == pytest.approx([1.06, 1.04, 0.93], abs=0.015)


@pytest.mark.parametrize("seed", range(6))
def test_odd_nights_are_no_change(seed: int) -> None:
    values = a_series(seed)
    values[[10, 30, 31, 50]] *= 1.25
    assert change_points(values) == []


def test_calm_series_raise_no_alarm() -> None:
    assert sum(len(change_points(a_series(seed))) for seed in range(100, 160)) == 0


def test_a_step_is_seen_within_a_few_nights() -> None:
    seen = [bool(change_points(a_series(seed, (30, 1.04))[:35])) for seed in range(40)]
    assert np.mean(seen) > 0.9


@given(st.floats(1.05, 1.5), st.integers(0, 100))
@settings(max_examples=25)
def test_noise_is_that_between_steps(ratio: float, seed: int) -> None:
    calm, stepped = a_series(seed), a_series(seed, (30, ratio))
    # One neighbours' difference of 59 is the step: the median hardly moves.
    assert night_noise(np.log(stepped)) == pytest.approx(night_noise(np.log(calm)), rel=0.25)
