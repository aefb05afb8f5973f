"""`search.scheduling.blame`: failures tell nothing alone, and something together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.scheduling.blame import MOST_LOSSES, Blame, Ruling


def fails_often(blame: Blame, device: str, candidate: str) -> Ruling:
    """As often as it takes; the last ruling."""
    rulings = [blame.failed(device, candidate, f"error {n}") for n in range(MOST_LOSSES)]
    assert set(rulings[:-1]) == {Ruling.TRY_AGAIN}
    return rulings[-1]


def test_a_device_that_works_leaves_the_candidate_to_blame() -> None:
    blame = Blame()
    assert fails_often(blame, "phone", "heavy") is Ruling.SUSPECTED
    assert blame.suspects == ["heavy"]
    assert blame.worked("phone") == "heavy"
    assert blame.suspects == []
    assert blame.worked("phone") is None
    assert blame.sentence("heavy") == (
        f"its device failed {MOST_LOSSES} times under it, other candidates ran there; the last "
        f"time: error {MOST_LOSSES - 1}"
    )


def test_a_device_that_fails_under_two_is_to_blame_and_both_are_as_good_as_new() -> None:
    blame = Blame()
    fails_often(blame, "phone", "first")
    assert fails_often(blame, "phone", "second") is Ruling.DEVICE
    assert blame.gave_up("phone") == "first"
    assert blame.gave_up("phone") is None
    for candidate in ("first", "second"):
        # On another device they may fail as often as any other before they are suspected.
        assert blame.failed("tablet", candidate, "lost") is Ruling.TRY_AGAIN
        assert blame.met_trouble(candidate)
    assert not blame.met_trouble("third")


def test_one_device_says_nothing_about_another() -> None:
    blame = Blame()
    fails_often(blame, "phone", "heavy")
    assert blame.worked("tablet") is None
    assert blame.suspects == ["heavy"]


def test_where_nothing_is_left_to_try_it_is_the_candidate() -> None:
    blame = Blame()
    fails_often(blame, "phone", "a")
    fails_often(blame, "tablet", "b")
    assert blame.nothing_left() == ["a", "b"]
    assert blame.suspects == []


@given(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("abc"), st.booleans())))
def test_no_candidate_is_suspected_twice_or_after_it_went_free(
    events: list[tuple[str, str, bool]],
) -> None:
    blame = Blame()
    for device, candidate, fails in events:
        if candidate in blame.suspects:  # it is put aside
            continue
        if not fails:
            blame.worked(device)
        elif blame.failed(device, candidate, "lost") is Ruling.DEVICE:
            freed = blame.gave_up(device)
            assert freed is not None
            assert freed not in blame.suspects
        assert len(blame.suspects) == len(set(blame.suspects)) <= 2
