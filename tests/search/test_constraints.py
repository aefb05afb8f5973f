"""`search.constraints`: what is exceeded, by how much, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.constraints import Constraints

number = st.none() | st.floats(0.1, 1000)


@given(number, number, number, number, number, number)
def test_a_constraint_is_judged_when_both_sides_are_known(ms, mb, db, latency, memory, psnr):
    found = Constraints(ms, mb, db).violations(latency, memory, psnr)
    judged = {
        "latency_ms": (ms, latency), "memory_mb": (mb, memory), "psnr_y_db": (psnr, db),
    }  # fmt: skip
    assert set(found) == {name for name, pair in judged.items() if None not in pair}
    for name, excess in found.items():
        bound, value = judged[name]
        assert (excess <= 0) == (value <= bound)
        assert excess == value - bound


def test_the_sentence_names_what_is_broken_and_nothing_else():
    limits = Constraints(max_latency_ms=40, max_memory_mb=300, min_psnr_db=30)
    broken = limits.violations(61.25, 300.0, 29.5)
    assert limits.sentence(broken) == "slower than 40 ms by 21.2 ms, below 30 dB by 0.500 dB"
    assert limits.sentence(limits.violations(40.0, 299.0, 30.0)) == ""
    assert limits.sentence(limits.violations(1.0, 301.0)) == "over 300 MB by 1.00 MB"
    assert Constraints().violations(1e9, 1e9, -5) == {}


@pytest.mark.parametrize("excess", [0.0, -1.0])
def test_at_the_bound_is_within_it(excess):
    assert Constraints(max_latency_ms=40).sentence({"latency_ms": excess}) == ""
