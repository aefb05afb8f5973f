"""What to expect of a latency that was picked for being low, and by what."""

from __future__ import annotations

import dataclasses

import pytest
from made_up_results import changed
from made_up_studies import candidate, study

from reports.answer import cards
from reports.choice import choose
from reports.cli import front_data
from reports.facts import Limits, StudyFacts
from reports.interactive import details
from reports.joint_view import joint_view
from reports.next_steps import next_steps
from reports.report import report_of
from reports.winner import Source, expected


def ties(count: int, apart_ms: float) -> StudyFacts:
    """So many that differ by less than their sessions do, and are as good."""
    known = {"latency_low_ms": 19.4, "latency_high_ms": 21.2, "sessions": 5}
    return study(*(candidate(n, (20.0 + apart_ms * n, 30.0), **known) for n in range(count)))


TIES = ties(10, 0.06)
(GROUP,) = TIES.groups
FASTEST = GROUP.results[0]


def test_the_fastest_of_many_ties_is_drawn_towards_them_and_says_so() -> None:
    found = expected(TIES, GROUP, FASTEST)
    assert found.source is Source.SHRUNK
    assert 20.1 < found.latency_ms < 20.4
    assert found.latency_low_ms is None
    assert found.sessions is None
    assert "not measured anew: 'mobilesr-tune confirm' does that" in found.words
    assert found.words in choose(TIES, GROUP).caveats
    report = report_of([TIES])
    (profile,) = front_data(report)["profiles"]
    assert profile["expected_latency"]["source"] == "drawn towards its near ties"
    assert any("confirm" in step.command for step in next_steps(report.sections[0]))
    assert f"expect {found.latency_ms:.1f} ms" in "\n".join(details(FASTEST, report.sections[0]))
    (card,) = cards(report.sections[0])
    assert f"expect {found.latency_ms:.1f} ms (drawn towards its near ties)" in card.sure


def test_one_that_stands_alone_is_what_its_sessions_said() -> None:
    facts = study(candidate(0, (10.0, 30.0), sessions=5), candidate(1, (40.0, 31.0), sessions=5))
    found = expected(facts, facts.groups[0], facts.results[0])
    assert (found.source, found.latency_ms, found.words) == (Source.AS_CHOSEN, 10.0, "")
    assert found.sessions == 5
    (card, _) = cards(report_of([facts]).sections[0])
    assert "expect" not in card.sure


def test_the_choice_for_several_devices_says_it_for_each() -> None:
    first = ties(4, 0.15)
    other = [changed(one, profile_key="another phone") for one in first.results]
    fresh = changed(other[0], latency_ms=21.7)
    both = report_of([first, study(*other, anew=(fresh,), run_path=first.run_path / "other")])
    view = joint_view(both)
    assert view is not None
    chosen = expected(first, first.groups[0], first.results[0]).latency_ms
    assert f"expect {chosen:.1f} ms (drawn towards its near ties)." in view["answer"]
    assert "expect 21.7 ms (fresh sessions)." in view["answer"]


def test_fresh_sessions_go_before_any_reckoning() -> None:
    fresh = changed(FASTEST, latency_ms=20.5, latency_low_ms=20.3, latency_high_ms=20.8, sessions=9)
    facts = dataclasses.replace(TIES, anew=(fresh,))
    found = expected(facts, GROUP, FASTEST, Limits(max_latency_ms=20.4))
    assert (found.source, found.latency_ms, found.sessions) == (Source.FRESH, 20.5, 9)
    assert "9 sessions that took no part in the choice" in found.words
    assert "above the limit of 20.4 ms" in found.words
    assert choose(facts, GROUP).result is FASTEST
    assert not any("confirm" in step.command for step in next_steps(report_of([facts]).sections[0]))


@pytest.mark.parametrize("other", [{"profile_key": "another phone"}, {"artifact": None}])
def test_another_file_or_profile_says_nothing_of_this_one(other: dict[str, object]) -> None:
    facts = dataclasses.replace(TIES, anew=(changed(FASTEST, **other),))
    assert expected(facts, GROUP, FASTEST).source is Source.SHRUNK
