"""`models.quality_interval`: honest over pictures, blind to what all candidates share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.quality_interval import psnr_difference


def scores(rng, pictures, gaps, pair_sd=0.2):
    """Pictures differ by 5 dB for all, candidates by `gaps` and, picture by picture, `pair_sd`."""
    level = rng.normal(30, 5, (pictures, 1))
    return level + np.asarray(gaps) + rng.normal(0, pair_sd, (pictures, len(gaps)))


@pytest.mark.parametrize("pictures", [2, 3, 5, 12, 90])
def test_coverage_is_honest_over_pictures(pictures):
    rng = np.random.default_rng(pictures)
    held = 0
    for _ in range(2000):
        table = scores(rng, pictures, [0.1, 0.0])
        difference = psnr_difference(table[:, 0], table[:, 1])
        held += difference.low_db <= 0.1 <= difference.high_db
    # Three standard errors of 2,000 trials at 0.95 are 0.015.
    assert abs(held / 2000 - 0.95) < 0.015


@pytest.mark.parametrize("pictures", [3, 12])
def test_coverage_with_an_error_of_the_source(pictures):
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        errors = rng.normal(0, 0.15, 2)
        table = scores(rng, pictures, errors)
        difference = psnr_difference(table[:, 0], table[:, 1], source_sd_db=0.15)
        held += difference.low_db <= 0.0 <= difference.high_db
    assert 0.93 < held / 2000 < 0.985


@given(st.integers(0, 1000))
def test_more_pictures_narrow_the_interval(seed):
    rng = np.random.default_rng(seed)
    widths = []
    for pictures in (4, 16, 64):
        several = [psnr_difference(*scores(rng, pictures, [0.0, 0.0]).T) for _ in range(40)]
        widths.append(np.mean([d.high_db - d.low_db for d in several]))
    # Four times the pictures halve it, and more where few leave its spread in doubt too.
    assert widths[1] < 0.5 * widths[0]
    assert widths[2] < 0.6 * widths[1]


@given(st.integers(0, 1000), st.floats(-20, 20), st.integers(2, 20))
def test_what_all_candidates_share_changes_nothing(seed, shift, pictures):
    rng = np.random.default_rng(seed)
    table = scores(rng, pictures, [0.0, 0.1, 0.3])
    moved = table + shift + rng.normal(0, 9, (pictures, 1))
    one, other = (psnr_difference(t[:, 0], t[:, 2]) for t in (table, moved))
    assert one.mean_db == pytest.approx(other.mean_db, abs=1e-9)
    assert one.low_db == pytest.approx(other.low_db, abs=1e-9)


@given(st.integers(0, 1000), st.integers(2, 30))
def test_swapping_the_candidates_mirrors_the_interval(seed, pictures):
    one, other = scores(np.random.default_rng(seed), pictures, [0.0, 0.2]).T
    there, back = psnr_difference(one, other), psnr_difference(other, one)
    assert there.mean_db == pytest.approx(-back.mean_db)
    assert there.low_db == pytest.approx(-back.high_db)
    assert there.is_tie == back.is_tie


def test_equal_scores_are_a_tie_and_source_error_widens():
    same = psnr_difference([30.0, 25.0, 33.0], [30.0, 25.0, 33.0])
    assert (same.mean_db, same.low_db, same.high_db) == (0.0, 0.0, 0.0)
    assert same.is_tie
    wide = psnr_difference([30.1, 25.1, 33.1], [30.0, 25.0, 33.0], source_sd_db=0.1)
    assert wide.is_tie
    assert wide.seen_in_pictures
    assert not same.seen_in_pictures
    assert wide.high_db - wide.low_db == pytest.approx(2 * 1.959964 * np.sqrt(2) * 0.1, rel=1e-4)


@pytest.mark.parametrize(
    ("one", "other"), [([1.0], [2.0]), ([], []), ([1.0, np.nan], [1.0, 2.0]), ([1, 2, 3], [1, 2])]
)
def test_scores_that_say_nothing_are_refused(one, other):
    with pytest.raises(ValueError):
        psnr_difference(one, other)


def test_negative_deviations_are_refused():
    with pytest.raises(ValueError, match="standard deviation"):
        psnr_difference([1.0, 2.0], [2.0, 1.0], source_sd_db=-0.1)
