"""What is recommended, and why."""

from __future__ import annotations

import shlex
from pathlib import Path

from made_up_studies import candidate, rich_study, stopped, study

from reports.choice import Choice, choose, export_command
from reports.facts import StudyFacts
from search.study.records import CandidateResult

LIMIT = {"constraints": {"max_latency_ms": 40.0}}


def chosen(facts: StudyFacts) -> Choice:
    return choose(facts, facts.groups[0])


def number_of(result: CandidateResult | None) -> int:
    assert result is not None
    return result.number


def test_with_a_latency_limit_the_best_psnr_within_it() -> None:
    choice = chosen(rich_study())
    assert number_of(choice.result) == 4
    assert "latency at most 40 ms" in choice.rule
    assert choice.command == "mobilesr-tune export --from 'runs/my phone' --trial 4 --output best"


def test_limits_may_stand_in_a_table_of_their_own() -> None:
    assert "latency at most 40 ms" in chosen(rich_study(spec=LIMIT)).rule


def test_without_a_limit_the_knee() -> None:
    facts = study(*(candidate(i, p) for i, p in enumerate([(10, 29), (20, 30.5), (60, 31)])))
    choice = chosen(facts)
    assert number_of(choice.result) == 1
    assert "knee" in choice.rule


def test_units_do_not_move_the_knee() -> None:
    points = [(10.0, 29.0), (14.0, 29.9), (20.0, 30.2), (60.0, 31.0)]
    seconds = [(x / 1000, y * 10) for x, y in points]
    picks = [
        number_of(chosen(study(*(candidate(i, p) for i, p in enumerate(some)))).result)
        for some in (points, seconds)
    ]
    assert picks[0] == picks[1]


def test_a_front_without_a_knee_gives_its_best_psnr() -> None:
    two, straight, hollow = (
        [(10, 29), (20, 30)],
        [(10, 29), (20, 30), (30, 31)],
        [(10, 29), (50, 29.1), (60, 31)],
    )
    for points in (two, straight, hollow):
        choice = chosen(study(*(candidate(i, p) for i, p in enumerate(points))))
        assert number_of(choice.result) == len(points) - 1
        assert "no knee" in choice.rule


def test_a_front_of_one() -> None:
    choice = chosen(study(candidate(7, (10.0, 29.0))))
    assert number_of(choice.result) == 7
    assert "only candidate" in choice.rule


def test_nothing_feasible_names_the_nearest_miss() -> None:
    far = candidate(0, (90.0, 30.0), constraint_violations={"latency_ms": 50.0})
    near = candidate(1, (43.0, 29.0), constraint_violations={"latency_ms": 3.0})
    choice = chosen(study(far, near, stopped(2, 99.0), spec=LIMIT))
    assert choice.result is None
    assert choice.command == ""
    assert (
        "Trial 1 comes nearest: latency 43.0 ms, 3.00 ms (8 %) over the limit of 40 ms"
        in choice.rule
    )
    assert "none of 3 candidates" in choice.rule


def test_caveats_say_how_sure_it_is() -> None:
    tight = candidate(0, (39.5, 30.0), flags=("throttled",))
    rival = candidate(1, (39.6, 29.9))
    caveats = " ".join(chosen(study(tight, rival, spec=LIMIT)).caveats)
    assert "reaches past the limit of 40 ms" in caveats
    assert "throttled" in caveats
    tied = study(candidate(0, (30.0, 30.0)), candidate(1, (30.1, 30.0)), spec=LIMIT)
    assert any("a tie with 1 other candidate" in text for text in chosen(tied).caveats)


def test_what_is_worse_than_bicubic_is_not_recommended() -> None:
    """Bicubic has 28.43 dB: the fastest is worse, and the knee is looked for above it."""
    some = study(*(candidate(i, p) for i, p in enumerate([(1, 28.4), (20, 29.0), (22, 30.0)])))
    assert number_of(chosen(some).result) == 2
    worse = study(*(candidate(i, p) for i, p in enumerate([(1, 27.0), (20, 27.78)])))
    choice = chosen(worse)
    assert choice.result is None
    assert choice.command == ""
    assert "of trial 1, lies 0.65 dB below it. Train longer" in choice.rule
    unknown = chosen(study(candidate(0, (10.0, 27.0), bicubic_psnr_y_db=None)))
    assert number_of(unknown.result) == 0
    assert any("is not recorded: it may be no better" in text for text in unknown.caveats)
    assert not any("is not recorded" in text for text in chosen(some).caveats)


def test_run_directory_is_quoted_for_the_shell() -> None:
    command = export_command(Path("/tmp/a; rm -rf ~"), candidate(3))
    assert shlex.split(command)[2:4] == ["--from", "/tmp/a; rm -rf ~"]


def test_one_that_is_open_alone_is_no_tie_with_nobody() -> None:
    """As where what the others may be off by turns on it alone."""
    facts = study(
        candidate(0, (20.0, 30.0), latency_low_ms=18.0, latency_high_ms=22.0, sessions=5),
        candidate(1, (21.5, 30.0), latency_low_ms=20.6, latency_high_ms=22.5, sessions=5),
    )
    (group,) = facts.groups
    for open_ones, words in (({0}, "on the front."), ({0, 1}, "a tie with 1 other candidate.")):
        group.__dict__["undecided_numbers"] = frozenset(open_ones)
        caveats = choose(facts, group).caveats
        assert any(caveat.endswith(words) for caveat in caveats), caveats
