"""How alike the variances of several rows are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.statistics.moderation import shared_variance


def test_rows_of_one_noise_share_it_and_rows_of_their_own_do_not():
    rng = np.random.default_rng(1)
    alike = rng.normal(0, 0.02, (2000, 12)).var(axis=1, ddof=1)
    usual, lent = shared_variance(alike, 11)
    assert usual == pytest.approx(0.02**2, rel=0.1)
    assert lent > 50
    # Variances that differ like a chi-square of six degrees of freedom.
    unlike = alike * 6 / rng.chisquare(6, 2000)
    assert shared_variance(unlike, 11)[1] == pytest.approx(6, rel=0.25)


@given(
    st.lists(st.floats(1e-8, 1e3), min_size=2, max_size=30),
    st.floats(0.5, 100),
    st.floats(0.01, 100),
)
def test_another_unit_changes_the_usual_variance_and_nothing_else(variances, freedom, factor):
    rows = np.array(variances)
    usual, lent = shared_variance(rows, freedom)
    scaled, again = shared_variance(factor * rows, freedom)
    assert usual > 0
    assert lent > 0
    assert scaled == pytest.approx(factor * usual, rel=1e-3)
    assert again == pytest.approx(lent, rel=1e-2)
