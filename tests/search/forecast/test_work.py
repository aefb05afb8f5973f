"""What is left of a search, counted and in seconds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from search.forecast.rates import Rate, Rates
from search.forecast.work import LaneWork, Work, candidate_sessions, seconds_of, total_launches

RATES = Rates(
    step=Rate(0.5, "x"), preparation=Rate(20.0, "x"), export=Rate(2.0, "x"), session=Rate(1.0, "x")
)
LANE = LaneWork("a", known=0, candidates=12, sessions=5, settle_sessions=40)


def seconds(*lanes: LaneWork, steps: int = 0, preparing: bool = True):
    return seconds_of(Work(steps, preparing, lanes), {"a": RATES, "b": RATES})


def test_a_default_search_is_the_sum_of_its_parts() -> None:
    found = seconds(LANE, steps=100)
    assert (found.training, found.preparing, found.exporting) == (50.0, 20.0, 24.0)
    assert found.measuring == 12 * candidate_sessions(5)
    # The sentinel stands beside every six.
    assert found.settling == 40 + 7
    assert total_launches([LANE]) == 12 * 10 + 47


def test_exports_run_ahead_of_a_phone_and_not_of_the_host() -> None:
    assert seconds(replace(LANE, on_this_computer=False)).exporting == 0


def test_devices_share_the_candidates_and_profiles_run_side_by_side() -> None:
    one, two = seconds(LANE), seconds(replace(LANE, stations=2))
    assert two.measuring == one.measuring / 2
    both = seconds(LANE, replace(LANE, profile_key="b"))
    assert both.measuring == one.measuring
    # Settled one after the other.
    assert both.settling == 2 * one.settling


@given(st.integers(0, 50), st.integers(1, 20), st.integers(0, 100))
def test_less_left_never_takes_longer(candidates, sessions, settle) -> None:
    lane = LaneWork("a", 0, candidates, sessions, settle)
    whole = seconds(lane).total
    assert whole >= 0
    for less in (
        replace(lane, candidates=max(0, candidates - 1)),
        replace(lane, settle_sessions=max(0, settle - 1)),
    ):  # fmt: skip
        assert seconds(less).total <= whole
