"""Which nights of a long history a judgement reads."""

from __future__ import annotations

from nightly.history.window import LAST_NIGHTS, by_series, nights_to_read

EVERY = list(range(1, 1001))


def read(ours=None, pins=None, unclean=None, *, every=EVERY, baseline=None):
    return nights_to_read(
        every, ours or {1: every}, pins or {}, unclean or {}, baseline_nights=14, baseline=baseline
    )


def test_a_short_history_is_read_as_a_whole():
    assert read(every=EVERY[:100]) == set(EVERY[:100])


def test_of_a_long_one_the_first_and_the_last_nights():
    assert read() == {*range(1, 15), *range(1001 - LAST_NIGHTS, 1001)}


def test_a_baseline_does_not_move_with_the_nights():
    unclean = {1: {3, *range(20, 900)}}
    heads = [
        {night for night in read(every=EVERY[:end], unclean=unclean) if night <= 100}
        for end in (400, 700, 1000)
    ]
    assert heads[0] == heads[1] == heads[2] == {1, 2, *range(4, 16)}


def test_an_accepted_night_is_read_though_it_was_not_clean():
    found = read(pins={1: 500}, unclean={1: {500, 501}})
    assert {500, *range(502, 516)} <= found
    assert 1 not in found


def test_a_baseline_that_is_asked_for_stands_in_for_pins():
    found = read(pins={1: 500}, baseline=300)
    assert set(range(300, 314)) <= found
    assert 501 not in found


def test_a_model_that_came_later_has_its_own_first_nights():
    assert set(range(600, 614)) <= read({1: EVERY, 2: EVERY[599:]})


def test_two_looks_of_a_night_are_one_night():
    assert by_series([(1, 4), (1, 4), (1, 5), (2, 4)]) == {1: [4, 5], 2: [4]}
