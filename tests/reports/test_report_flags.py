"""What a report says of flags: a meaning and an advice for each, old and unknown ones included."""

from __future__ import annotations

import pytest
from made_up_studies import HOSTILE, candidate, study
from test_report_page import Page

from device_runner.flags import Flag, flag_words
from foundation.wording import escaped
from reports.choice import choose
from reports.document import report_document
from reports.facts import Limits, StudyFacts
from reports.left_out import flag_counts, left_out
from reports.markdown import markdown_summary
from reports.page import render_page
from reports.report import report_of
from search.study.records import CandidateResult

ALL = (*Flag, "recorded_throttled", "of_another_age")
NOTE = "These times come from a simulated device: no model was timed."


@pytest.fixture(scope="module")
def flagged() -> StudyFacts:
    """A simulated study in which every flag occurs, read back from its records."""
    made = [
        candidate(
            number,
            (20.0 + number, 29.0 + 0.01 * number),
            flags=(Flag.SIMULATED, flag),
            profile_key="simulated-pixel-0a1b2c3d",
            stand_in_note=NOTE,
        )
        for number, flag in enumerate(ALL)
    ]
    return study(*(CandidateResult.from_dict(one.to_dict(), where="a record") for one in made))


def test_the_page_explains_every_flag(flagged: StudyFacts) -> None:
    text = Page(render_page(report_of([flagged]))).text
    for flag in ALL:
        words = flag_words(flag)
        says = "the number is doubtful" if words.doubtful else "where it comes from"
        row = f"{flag} {says} {words.meaning} {words.advice}"
        assert " ".join(row.split()) in " ".join(text.split())


def test_markdown_and_json_explain_every_flag(flagged: StudyFacts) -> None:
    report = report_of([flagged])
    markdown = markdown_summary(report)
    told = {one["flag"]: one for one in report_document(report)["sections"][0]["flags"]}
    assert set(told) == set(ALL)
    for flag in ALL:
        words = flag_words(flag)
        assert f"{escaped(words.meaning)}; {escaped(words.advice)}." in markdown
        assert told[flag]["meaning"] == words.meaning
        assert told[flag]["advice"] == words.advice
        assert told[flag]["doubtful"] is words.doubtful


def test_what_makes_a_number_doubtful_comes_first() -> None:
    facts = study(
        candidate(0, (20.0, 29.0), flags=("debug_build", "noisy")),
        candidate(1, (21.0, 29.1), flags=("debug_build",)),
    )
    counts = flag_counts(facts.groups[0])
    assert [(one.flag, one.trials) for one in counts] == [("noisy", (0,)), ("debug_build", (0, 1))]


def test_the_choice_says_what_its_flags_mean() -> None:
    def caveats(flags: tuple[str, ...], **known: str) -> str:
        facts = study(candidate(0, (20.0, 29.0), flags=flags, **known))
        return " ".join(choose(facts, facts.groups[0]).caveats)

    assert f"doubtful, throttled: {Flag.THROTTLED.meaning}" in caveats(("throttled",))
    assert f"flagged, debug_build: {Flag.DEBUG_BUILD.meaning}" in caveats(("debug_build",))
    assert "doubtful, of_another_age: not known" in caveats(("of_another_age",))
    # Said already, above everything else.
    assert "simulated" not in caveats(("simulated",), stand_in_note=NOTE)
    assert "simulated" in caveats(("simulated",))
    assert "\x1b" not in caveats((HOSTILE,))


def test_what_breaks_a_limit_says_by_how_much_in_words() -> None:
    missed = candidate(0, (54.0, 29.0), constraint_violations={"latency_ms": 14.0, "heat": 2.0})
    (found,) = left_out(study(missed).groups[0], Limits(max_latency_ms=40.0))
    assert found.reason == (
        "latency 54.0 ms, 14.0 ms (35 %) over the limit of 40 ms; heat exceeded by 2.00"
    )
