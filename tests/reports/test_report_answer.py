"""The head of the page: fast, balanced, best; what each costs, how sure it is, what comes next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import changed
from made_up_studies import HOST_NOTE, candidate, images, rich_study, study

from models.origin import WeightsOrigin
from reports.answer import Card, cards, how_sure, measured_when, short_answer
from reports.facts import StudyFacts
from reports.next_steps import next_steps
from reports.picks import picks
from reports.sections import Section, sections_of


def section_of(facts: StudyFacts) -> Section:
    (section,) = sections_of([facts])
    return section


def cards_of(facts: StudyFacts) -> dict[str, Card]:
    return {card.name: card for card in cards(section_of(facts))}


def at(*places: tuple[float, float]) -> StudyFacts:
    return study(*(candidate(i, place) for i, place in enumerate(places)))


def test_three_to_decide_between_and_what_each_costs() -> None:
    found = cards_of(at((10, 29), (20, 30.5), (60, 31)))
    assert list(found) == ["Fast", "Balanced", "Best picture"]
    assert [card.trial for card in found.values()] == [0, 1, 2]
    assert [card.recommended for card in found.values()] == [False, True, False]
    assert found["Fast"].cost == ""
    assert found["Balanced"].cost == "Against fast: 10.0 ms more, for +1.50 dB."
    assert found["Best picture"].cost == "Against balanced: 40.0 ms more, for +0.50 dB."
    assert found["Balanced"].quality == "2.07 dB above bicubic"
    assert found["Best picture"].sure == "Latency between 58.8 and 61.8 ms."


def test_with_a_limit_the_recommended_one_is_the_best_within_it() -> None:
    found = cards_of(rich_study())
    assert found["Best picture"].recommended
    assert found["Best picture"].trial == 4
    assert found["Fast"].trial == 0


def test_one_candidate_is_the_only_choice_and_none_is_no_card() -> None:
    assert list(cards_of(at((10, 29)))) == ["The only choice"]
    worse = section_of(at((10, 27.0)))
    assert cards(worse) == []
    assert next_steps(worse) == []
    assert how_sure(worse) == []
    assert short_answer(worse).startswith("No recommendation for phone-pixel-8")
    assert short_answer(worse).endswith(
        "none that meets the limits is better than bicubic upscaling"
    )
    missed = section_of(study(candidate(0, (50, 29), constraint_violations={"latency_ms": 10.0})))
    assert short_answer(missed).endswith(": no candidate meets the limits")
    failed = section_of(study(candidate(0)))
    assert short_answer(failed).endswith(": no candidate was both timed and judged")


def test_others_that_may_be_worth_as_much_are_told() -> None:
    near = section_of(study(*(candidate(i, (20 + 0.05 * i, 29.5 - 0.01 * i)) for i in range(8))))
    (told,) = [text for text in how_sure(near) if "may be worth as much" in text]
    ties = sorted(near.group.undecided_numbers)
    assert len(ties) > 1
    assert f"{len(ties)} other candidates" in told
    assert f"({', '.join(map(str, ties))}):" in told
    apart = section_of(at((10, 29), (20, 30)))
    assert not any("as much" in text for text in how_sure(apart))


def test_what_overlaps_and_what_pictures_cannot_tell_is_said() -> None:
    near = changed(candidate(1, (10.2, 29.02)), images=images(29, 30.04), latency_high_ms=10.5)
    fast = changed(candidate(0, (10.0, 29.0)), images=images(30, 29))
    (_, best) = cards(section_of(study(fast, near)))
    assert best.cost == (
        "Against fast: 0.20 ms more (their intervals overlap: perhaps none), "
        "for +0.02 dB, a difference that these pictures cannot tell."
    )
    sure = changed(near, images=images(30.5, 29.5))
    (_, best) = cards(section_of(study(fast, sure)))
    assert best.cost.endswith("for +0.02 dB (0.50 to 0.50).")
    slices = [
        changed(one, origin=WeightsOrigin.SHIPPED, images=of)
        for one, of in ((fast, images(30, 29)), (near, images(30.1, 29.1)))
    ]
    (_, best) = cards(section_of(study(*slices)))
    assert best.cost.endswith("for +0.02 dB, which training each by itself may undo.")
    same = [changed(one, config=fast.config) for one in slices]
    (_, best) = cards(section_of(study(*same)))
    assert best.cost.endswith("for +0.02 dB (0.10 to 0.10).")


def test_doubts_are_on_the_card_and_in_how_sure() -> None:
    doubtful = study(candidate(0, (10.0, 29.0), flags=("throttled",)))
    (card,) = cards(section_of(doubtful))
    assert card.sure.endswith("; doubtful: throttled.")
    assert not any("Nothing is known" in text for text in how_sure(section_of(doubtful)))
    calm = changed(candidate(0, (10.0, 29.0), sessions=5), images=images(29, 29.5, 29.2))
    told = how_sure(section_of(study(calm)))
    assert told[0] == "Its latency is between 9.80 and 10.3 ms, from 5 launches."
    assert "dB above bicubic, over 3 pictures (95 % interval)" in told[1]
    assert told[2] == "Nothing is known to have disturbed its measurement."


def test_when_it_was_measured() -> None:
    def said(*days: str) -> str:
        results = [candidate(i, (10.0 + i, 29.0), finished_at=day) for i, day in enumerate(days)]
        return measured_when(study(*results).groups[0])

    assert said("2026-11-26T23:59:00+00:00") == "Measured on 26 November 2026"
    assert said("2026-11-27T00:30:00+01:00", "2026-12-01T01:00:00+00:00") == (
        "Measured from 26 November 2026 to 1 December 2026"
    )
    assert said("", "nonsense") == "When it was measured is not recorded"


def test_next_steps_are_commands_of_this_run() -> None:
    slice_of_host = changed(
        candidate(3, (10.0, 29.0), stand_in_note=HOST_NOTE), origin=WeightsOrigin.SHIPPED
    )
    steps = next_steps(section_of(study(slice_of_host, run_path=Path("runs/my phone"))))
    words = [shlex.split(step.command) for step in steps]
    assert words[0] == ["mobilesr-tune", "devices"]
    assert words[1] == ["mobilesr-tune", "finetune", "runs/my phone", "--top", "3"]
    assert words[2][:6] == ["mobilesr-tune", "export", "--from", "runs/my phone", "--trial", "3"]
    assert words[3][:5] == ["mobilesr-tune", "deliver", "runs/my phone", "--trial", "3"]
    finetuned = changed(candidate(3, (10.0, 29.0)), origin=WeightsOrigin.FINETUNED)
    assert len(next_steps(section_of(study(finetuned)))) == 2


Places = st.lists(
    st.tuples(st.floats(1, 100), st.floats(25, 35)), min_size=1, max_size=12, unique=True
)


@given(Places)
def test_picks_are_of_the_front_in_order_and_hold_the_recommended_one(
    places: list[tuple[float, float]],
) -> None:
    section = section_of(at(*places))
    found = picks(section.facts, section.group, section.choice)
    best = section.choice.result
    if best is None:
        assert found == ()
        return
    assert [pick.recommended for pick in found].count(True) == 1
    assert next(pick.result for pick in found if pick.recommended) is best
    latencies = [pick.result.latency_ms or 0.0 for pick in found]
    assert latencies == sorted(latencies)
    for pick in found:
        assert any(pick.result is member for member in section.group.front)
        assert (pick.result.gain_db or 0.0) > 0
    for pick in found[1:]:
        assert pick.step is not None
        assert pick.step.more_ms >= 0
        assert pick.step.gain_db >= 0


def test_the_gain_over_bicubic_needs_known_pictures() -> None:
    told = how_sure(section_of(at((10, 29))))
    assert not any("above bicubic" in text for text in told)
    assert told[0] == "Its latency is between 9.80 and 10.3 ms."


@pytest.mark.parametrize("known", [{"latency_low_ms": None, "latency_high_ms": None}])
def test_no_interval_is_said(known: dict[str, None]) -> None:
    (card,) = cards(section_of(study(candidate(0, (10.0, 29.0), **known))))
    assert card.sure == "Latency known without an interval."
