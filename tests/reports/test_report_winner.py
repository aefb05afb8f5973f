"""What to expect of a latency that was picked for being low, and by what."""

from __future__ import annotations

import dataclasses
import re
from io import StringIO

import pytest
from made_up_results import changed
from made_up_studies import candidate, study
from rich.console import Console

from models.origin import WeightsOrigin
from reports.answer import cards, how_sure
from reports.choice import choose
from reports.cli import front_data
from reports.facts import StudyFacts
from reports.finetuned_view import finetuned_rows, finetuned_words
from reports.interactive import details
from reports.joint_view import joint_view
from reports.markdown import markdown_summary
from reports.next_steps import next_steps
from reports.report import report_of
from reports.roles import role_of
from reports.terminal import render
from reports.winner import Source, expected
from search.study.finetuned import FinetunedResult
from search.study.records import CandidateResult


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
    assert "not measured anew: 'mobilesr-tune confirm' does that" in " ".join(found.sentences)
    assert set(found.sentences) <= set(choose(TIES, GROUP).caveats)
    report = report_of([TIES])
    (profile,) = front_data(report)["profiles"]
    assert profile["expected_latency"]["source"] == "drawn towards its near ties"
    assert any("confirm" in step.command for step in next_steps(report.sections[0]))
    assert f"expect {found.latency_ms:.1f} ms" in "\n".join(details(FASTEST, report.sections[0]))
    (card,) = cards(report.sections[0])
    assert f"expect {found.latency_ms:.1f} ms (drawn towards its near ties)" in card.sure


def test_long_latencies_are_told_in_plain_numbers() -> None:
    """A large picture on a slow processor takes seconds."""
    slow = [changed(one, latency_ms=100 * one.latency_ms, latency_low_ms=1940.0,
                    latency_high_ms=2120.0) for one in TIES.results]  # fmt: skip
    facts = study(*slow)
    words = " ".join(expected(facts, facts.groups[0], facts.results[0]).sentences)
    assert re.search(r"expect 20\d\d ms rather than the 2000 ms", words)


def test_one_that_stands_alone_is_what_its_sessions_said() -> None:
    facts = study(candidate(0, (10.0, 30.0), sessions=5), candidate(1, (40.0, 31.0), sessions=5))
    found = expected(facts, facts.groups[0], facts.results[0])
    assert (found.source, found.latency_ms, found.sentences) == (Source.AS_CHOSEN, 10.0, ())
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
    found = expected(dataclasses.replace(facts, spec={"max_latency_ms": 20.4}), GROUP, FASTEST)
    assert (found.source, found.latency_ms, found.sessions) == (Source.FRESH, 20.5, 9)
    assert "9 sessions that took no part in the choice" in " ".join(found.sentences)
    assert "above the limit of 20.4 ms" in " ".join(found.sentences)
    assert choose(facts, GROUP).result is FASTEST
    assert not any("confirm" in step.command for step in next_steps(report_of([facts]).sections[0]))


def test_fresh_sessions_that_know_less_are_told_and_not_taken() -> None:
    """As on a loaded host: 2 ms, give or take a factor of three, for what surely took 20."""
    vague = changed(
        FASTEST, latency_ms=12.0, latency_low_ms=4.0, latency_high_ms=30.0, sessions=5,
        flags=("noisy", "host"),
    )  # fmt: skip
    facts = dataclasses.replace(TIES, anew=(vague,))
    found = expected(dataclasses.replace(facts, spec={"max_latency_ms": 11.0}), GROUP, FASTEST)
    assert found.source is Source.SHRUNK
    assert 20.1 < found.latency_ms < 20.4
    assert "12.0 (4.00–30.0) ms in 5 sessions" in " ".join(found.sentences)
    assert "know it less well" in " ".join(found.sentences)
    assert "fresh sessions are doubtful: noisy." in " ".join(found.sentences)
    assert "not measured anew" not in " ".join(found.sentences)
    assert "above the limit" not in " ".join(found.sentences)
    alone = study(changed(FASTEST, number=0), anew=(vague,))
    assert expected(alone, alone.groups[0], alone.results[0]).source is Source.AS_CHOSEN
    report = report_of([alone])
    assert any("confirm" in step.command for step in next_steps(report.sections[0]))
    (profile,) = front_data(report)["profiles"]
    told = profile["expected_latency"]
    assert (told["source"], told["latency_ms"]) == ("the sessions it was chosen by", 20.0)
    assert told["fresh"] == {
        "latency_ms": 12.0, "latency_low_ms": 4.0, "latency_high_ms": 30.0, "sessions": 5,
        "measurements": 1, "flags": ["noisy", "host"], "disagrees": False,
    }  # fmt: skip
    (card,) = cards(report.sections[0])
    assert "fresh sessions doubtful: noisy" in card.sure
    meaning = "Of the fresh sessions, noisy: the interval is wider than 10 % of the latency."
    assert meaning in report.sections[0].choice.caveats
    assert not any("host" in caveat for caveat in report.sections[0].choice.caveats)


@pytest.mark.parametrize(
    ("low", "high", "source"),
    [(16.0, 21.0, Source.SHRUNK), (17.0, 21.0, Source.FRESH), (None, None, Source.FRESH)],
)
def test_what_is_well_known_is_taken_however_well_the_choice_was_known(low, high, source) -> None:
    """What it was chosen by is known to 9 %; the ends of what came later lie 31 or 24 % apart."""
    fresh = changed(FASTEST, latency_ms=20.4, latency_low_ms=low, latency_high_ms=high)
    assert expected(dataclasses.replace(TIES, anew=(fresh,)), GROUP, FASTEST).source is source


@pytest.mark.parametrize(
    ("low", "high", "disagrees"), [(21.3, 21.9, True), (21.0, 21.9, False), (None, None, None)]
)
def test_measurements_that_disagree_are_told(low, high, disagrees) -> None:
    """What it was chosen by lies between 19.4 and 21.2 ms."""
    fresh = changed(FASTEST, latency_ms=21.5, latency_low_ms=low, latency_high_ms=high, sessions=9)
    facts = dataclasses.replace(TIES, anew=(fresh,))
    found = expected(facts, GROUP, FASTEST)
    assert (found.source, found.fresh.disagrees) == (Source.FRESH, disagrees)
    assert ("lies further apart than the intervals" in " ".join(found.sentences)) is bool(disagrees)
    (card,) = cards(report_of([facts]).sections[0])
    assert ("measured at different times disagrees" in card.sure) is bool(disagrees)


def test_fresh_sessions_of_the_slice_and_of_the_finetuned_one_are_of_one_graph() -> None:
    """They cannot be put together without the sentinel's: the later ones are told."""
    first = changed(FASTEST, latency_ms=20.5, latency_low_ms=20.3, latency_high_ms=20.8)
    second = changed(first, latency_ms=20.6, sha256="finetuned", weights_sha256="others")
    found = expected(dataclasses.replace(TIES, anew=(first, second)), GROUP, FASTEST)
    assert (found.source, found.latency_ms) == (Source.FRESH, 20.6)
    assert "the latest of 2 measurements that do not go together" in " ".join(found.sentences)


def finetuned(own_ms: float, psnr_y_db: float, slice_: CandidateResult, **more: object):
    """As `finetuned_in` tells it: by its trial's latency, whatever it took when measured again."""
    after = changed(
        slice_, psnr_y_db=psnr_y_db, sha256=f"finetuned {slice_.number}",
        origin=WeightsOrigin.FINETUNED, **more,
    )  # fmt: skip
    own = changed(after, latency_ms=own_ms, latency_low_ms=own_ms, latency_high_ms=own_ms * 1.01)
    record = FinetunedResult(
        before=slice_, after=after, steps=9, photographs=3, teacher="a test", training_s=1.0
    )
    return record, own


def test_the_finetuned_choice_is_told_by_its_trial_and_what_was_measured_since() -> None:
    slices = [candidate(n, (10.0 + 10 * n, 30.0 + n), sessions=5) for n in range(3)]
    made = [finetuned(latency, 31.0 + n, slices[n]) for n, latency in enumerate((9.9, 20.1, 4.0))]
    facts = study(
        *slices, finetuned=tuple(record for record, _ in made), anew=tuple(own for _, own in made),
        spec={"max_latency_ms": 30.5},
    )  # fmt: skip
    report = report_of([facts])
    (section,) = report.sections
    assert section.choice.result is made[2][0].after
    assert "upscales 320×180 to 1280×720 pixels in 30.0 (29.4–30.9) ms with PSNR 33.00 dB" in (
        markdown_summary(report)
    )
    caveats = " ".join(section.choice.caveats)
    assert "the latency is that of its trial in the search" in caveats
    assert "Measured anew after it was chosen: 4.00 (4.00–4.04) ms in 5 sessions" in caveats
    assert "(30.0 (29.4–30.9), then 4.00 (4.00–4.04) ms)" in caveats
    assert "30.0 (29.4–30.9) ms, reaches past the limit of 30.5 ms" in caveats
    rows = [row[:4] for row in finetuned_rows(section)]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert rows[2][2:] == ("30.0 (29.4–30.9)", "4.00 (4.00–4.04)")
    assert "another graph" not in finetuned_words(section)
    # Its trial stands for it in the table of the front, in the plot and beside the crops.
    assert [role_of(one, section.group, section.choice) for one in slices][2] == "chosen"
    assert "| ★ | 2 |" in markdown_summary(report)
    (profile,) = front_data(report)["profiles"]
    assert profile["chosen"]["latency_ms"] == 30.0
    assert profile["chosen"]["psnr_y_db"] == 33.0
    assert profile["chosen"]["psnr_origin"] == "finetuned"
    assert profile["expected_latency"]["fresh"]["disagrees"] is True
    assert [(one["trial"], one["latency_ms"], one["psnr_y_db"], one["slice_psnr_y_db"])
            for one in profile["finetuned"]] == [
        (0, 10.0, 31.0, 30.0), (1, 20.0, 32.0, 31.0), (2, 30.0, 33.0, 32.0),
    ]  # fmt: skip


def test_what_is_open_of_slices_is_not_said_of_a_finetuned_one() -> None:
    slices = [candidate(n, (10.0 + n / 100, 30.0 + n / 100), sessions=5) for n in range(3)]
    facts = study(*slices)
    assert any("a tie with others" in card.sure for card in cards(report_of([facts]).sections[0]))
    made = tuple(finetuned(10.0, 31.0 + n / 10, one)[0] for n, one in enumerate(slices))
    (section,) = report_of([study(*slices, finetuned=made)]).sections
    assert not any("a tie with others" in card.sure for card in cards(section))
    assert not any("may be worth as much" in words for words in how_sure(section))
    assert "finetuned 31.10 dB, exported so" in details(section.group.results[1], section)


def test_the_terminal_tells_the_finetuned_ones_whole() -> None:
    slices = [candidate(n, (10.0 + 10 * n, 30.0 + n), sessions=5) for n in range(2)]
    record, own = finetuned(9.0, 31.0, slices[0])
    failed = record.model_copy(
        update={"after": changed(record.after, status="failed", reason="crashed", quality=None)}
    )
    for one, anew, lines in (
        (record, (own,), "Trial 0: measured anew 9.00 (9.00–9.09) ms; no comparison"),
        (failed, (), "Trial 0: crashed"),
    ):
        facts = study(*slices, finetuned=(one,), anew=anew)
        console = Console(width=80, file=StringIO())
        for part in render(report_of([facts])):
            console.print(part)
        text = console.file.getvalue()
        assert lines.split(";")[0] in text
        table = text[text.index("Finetuned") :].partition("Trial 0:")[0]
        assert "…" not in table


def test_where_a_finetuned_one_meets_the_limits_nothing_is_near_them() -> None:
    slices = [candidate(0, (10.0, 29.0), sessions=5, constraint_violations={"psnr_y_db": 1.0})]
    limits = {"min_psnr_db": 30.0}
    (section,) = report_of([study(*slices, spec=limits)]).sections
    assert [near.result.number for near in section.near_misses] == [0]
    record, _ = finetuned(9.0, 31.0, slices[0], constraint_violations={"psnr_y_db": -1.0})
    report = report_of([study(*slices, spec=limits, finetuned=(record,))])
    assert report.sections[0].choice.result is record.after
    assert report.sections[0].near_misses == []
    assert "Nearest to the limits" not in markdown_summary(report)


def test_one_exported_as_another_graph_says_so() -> None:
    slices = [candidate(0, (10.0, 30.0), sessions=5)]
    record, _ = finetuned(9.0, 31.0, slices[0], delegates=7, latency_ms=9.0)
    facts = study(*slices, finetuned=(record,))
    report = report_of([facts])
    assert "exported as another graph than its trial" in " ".join(report.sections[0].choice.caveats)
    assert "Not so of 0" in finetuned_words(report.sections[0])
    (profile,) = front_data(report)["profiles"]
    assert profile["finetuned"][0]["latency_is_the_trials"] is False


@pytest.mark.parametrize("other", [{"profile_key": "another phone"}, {"artifact": None}])
def test_another_file_or_profile_says_nothing_of_this_one(other: dict[str, object]) -> None:
    facts = dataclasses.replace(TIES, anew=(changed(FASTEST, **other),))
    assert expected(facts, GROUP, FASTEST).source is Source.SHRUNK
