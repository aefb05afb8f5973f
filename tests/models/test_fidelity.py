"""`models.fidelity`: order, price and error of a supernet against training alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fidelity import fidelity, read_fidelity_table, regret_db


@given(st.integers(0, 500), st.floats(0.1, 2.0), st.floats(-3, 3))
def test_a_faithful_supernet_is_recognised(seed, price, offset):
    alone = np.random.default_rng(seed).normal(30, 0.5, 12)
    found = fidelity(offset + price * alone, alone, resamples=50)
    assert found.tau == pytest.approx(1.0)
    assert found.slope == pytest.approx(price)
    assert found.residual_sd_db == pytest.approx(0.0, abs=1e-6)
    assert found.configs == 12


def test_the_error_of_a_config_is_found():
    rng = np.random.default_rng(0)
    alone = rng.normal(30, 0.5, 400)
    found = fidelity(alone + rng.normal(0, 0.1, 400), alone, resamples=50)
    assert 0.08 < found.residual_sd_db < 0.11
    halved = fidelity(alone / 2 + rng.normal(0, 0.05, 400), alone, resamples=50)
    assert 0.08 < halved.residual_sd_db < 0.11
    assert 0.04 < halved.rank_sd_db < 0.06
    assert found.tau_low < found.tau < found.tau_high < 1


@pytest.mark.parametrize(
    "rows",
    [([1.0] * 4, [1, 2, 3, 4]), (range(5), range(6)), ([1, 2, 3, 4, np.nan], range(5)),
     ([1] * 5, range(5))],
)  # fmt: skip
def test_rows_that_say_nothing_are_refused(rows):
    with pytest.raises(ValueError):
        fidelity(*rows)


def test_regret_is_what_the_pick_loses_within_the_budget():
    truth, cost = [1.0, 2.0, 3.0, 9.0], [1, 2, 3, 4]
    assert regret_db([1, 2, 3, 4], truth, cost, 3) == 0.0
    assert regret_db([1, 5, 3, 4], truth, cost, 3) == 1.0
    assert regret_db([9, 5, 3, 4], truth, cost, 4) == 8.0
    with pytest.raises(ValueError, match="no config costs"):
        regret_db(truth, truth, cost, 0.5)


def test_a_supernet_that_orders_backwards_tells_no_order():
    alone = np.arange(8.0)
    assert fidelity(-alone, alone, resamples=2).rank_sd_db == np.inf


def test_where_there_is_no_table_there_are_no_rows(tmp_path):
    assert read_fidelity_table(tmp_path / "none.csv") == []
    (tmp_path / "one.csv").write_text("key,alone_db\nn8,30.5\n")
    assert read_fidelity_table(tmp_path / "one.csv") == [{"key": "n8", "alone_db": "30.5"}]
