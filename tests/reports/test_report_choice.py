"""What is recommended, and why."""

from __future__ import annotations

import shlex
from pathlib import Path

from made_up_studies import candidate, rich_study, stopped, study

from models.deployment import DEFAULT_STRIP_KB
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
    assert choice.command == (
        "mobilesr-tune export --weights 'runs/my phone/weights/supernet.pt' "
        "--key n16_h4_r2.2.2_w8_x4_p1 --lr-size 180x320 --lowering standard "
            "--output best"
    )  # fmt: skip


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
    assert "trial 1 comes nearest and misses latency_ms by 3" in choice.rule
    assert "none of 3 candidates" in choice.rule


def test_caveats_say_how_sure_it_is() -> None:
    tight = candidate(0, (39.5, 30.0), flags=("throttled",))
    rival = candidate(1, (39.6, 29.9))
    caveats = " ".join(chosen(study(tight, rival, spec=LIMIT)).caveats)
    assert "reaches past the limit of 40 ms" in caveats
    assert "throttled" in caveats
    tied = study(candidate(0, (30.0, 30.0)), candidate(1, (30.1, 30.0)), spec=LIMIT)
    assert any("a tie with 1 other candidate" in text for text in chosen(tied).caveats)


def test_the_command_exports_by_the_lowering_that_was_measured() -> None:
    def words(**changes: object) -> list[str]:
        result = candidate(3)
        deployment = {**result.deployment, **changes}
        return shlex.split(
            export_command(Path("run"), result.model_copy(update={"deployment": deployment}))
        )

    old = words()
    assert old[old.index("--lowering") + 1] == "standard"
    usual = words(lowering="direct", strip_kb=DEFAULT_STRIP_KB)
    assert "--lowering" not in usual
    assert "--strip-kb" not in usual
    swept = words(lowering="direct", strip_kb=512)
    assert swept[swept.index("--strip-kb") + 1] == "512"
    assert "--lowering" not in words(graph="reference", lowering="standard")


def test_run_directory_is_quoted_for_the_shell() -> None:
    command = export_command(Path("/tmp/a; rm -rf ~"), candidate(3))
    assert shlex.split(command)[2:4] == ["--weights", "/tmp/a; rm -rf ~/weights/supernet.pt"]
