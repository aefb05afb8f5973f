"""Compiling a run: all files or none; the terminal, the summary and the command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from made_up_results import changed
from made_up_studies import (
    HOST_NOTE,
    HOSTILE,
    PHONE,
    FakeRun,
    candidate,
    reported,
    rich_study,
    stopped,
    study,
    trouble,
)
from rich.console import Console
from typer.testing import CliRunner

from foundation.errors import RequestError
from reports.cli import front_data, register
from reports.compile import write_report
from reports.facts import StudyFacts, gather
from reports.headline import reproduce_command
from reports.markdown import escaped, markdown_summary
from reports.report import report_of
from reports.terminal import render
from search.study.run_directory import RunDirectory
from search.study.troubles import append_trouble


def printed(facts: StudyFacts, width: int = 80) -> str:
    console = Console(width=width, record=True, force_terminal=False)
    with console.capture() as capture:
        console.print(*render(report_of([facts])), sep="\n")
    return capture.get()


def test_a_run_becomes_a_folder_of_files(tmp_path: Path) -> None:
    files = reported(FakeRun(tmp_path, rich_study()))
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "index.html", "candidates.csv", "candidates.json", "candidates.parquet", "report.json",
        "summary.md", "front.svg",
    }  # fmt: skip
    assert files.html == tmp_path / "report" / "index.html"
    assert len(json.loads(files.json.read_text())["rows"]) == 13


def test_several_studies_are_one_folder_with_a_front_each(tmp_path: Path) -> None:
    studies = [
        rich_study(run_path=Path("runs/a")),
        study(candidate(0, (9.0, 29.0), profile_key="phone-b"), run_path=Path("runs/b")),
    ]
    files = write_report(report_of(studies), tmp_path)
    assert [path.name for path in files.fronts] == ["front.svg", "front-2.svg"]
    text = files.markdown.read_text()
    for path in files.fronts:
        assert path.is_file()
        assert f"]({path.name})" in text
    assert "## Where the devices agree, and where not" in text
    document = json.loads(files.document.read_text())
    assert [section["profile"] for section in document["sections"]] == [PHONE, "phone-b"]
    assert len(json.loads(files.json.read_text())["rows"]) == 14


def test_a_study_without_candidates_does_not_hide_another(tmp_path: Path) -> None:
    files = write_report(report_of([study(), rich_study()]), tmp_path)
    assert len(json.loads(files.json.read_text())["rows"]) == 13


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, rich_study())
    files = reported(run)
    before = {p: p.read_bytes() for p in files.html.parent.iterdir()}
    reported(run)
    assert before == {p: p.read_bytes() for p in files.html.parent.iterdir()}


def test_a_study_without_a_timed_candidate_is_refused(tmp_path: Path) -> None:
    facts = study(
        candidate(0, reason="out of memory"),
        candidate(1, reason="out of memory"),
        candidate(2, reason="no space on the device"),
        candidate(3, reason="out of memory"),
    )
    with pytest.raises(RequestError) as refused:
        reported(FakeRun(tmp_path, facts))
    message = str(refused.value)
    assert "was timed: 4 candidates ran and failed" in message
    assert "commonest reason (3 times): out of memory" in message
    assert "run the same search command again" in message
    assert list(tmp_path.iterdir()) == []


def test_an_empty_study_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="mobilesr-tune search"):
        write_report(report_of([study()]), tmp_path / "report")


def test_what_was_recorded_of_the_device_names_it(tmp_path: Path) -> None:
    notes: dict[str, Any] = {
        "command": ["search", "--device", "a b"],
        "profile": {"kind": "phone", "model": "Pixel 8", "soc": "Tensor G3"},
    }
    facts = gather(FakeRun(tmp_path / "x4", rich_study(), notes))
    assert facts.title == "MobileSR study x4"
    assert facts.troubles == ()
    assert facts.groups[0].device == "Pixel 8 (Tensor G3), serial 38021FDJH00A"
    assert reproduce_command(facts) == "mobilesr-tune search --device 'a b'"


def test_when_a_device_failed_is_told(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "x4", rich_study(), {})
    run.path.mkdir()
    append_trouble(run.troubles, trouble("the cable was <pulled>"))
    append_trouble(run.troubles, trouble("nothing answers", trial=None, ended="gone"))
    files = reported(run)
    said = "2026-11-22 03:04:05, 38021FDJH00A, trial 4: the cable was &lt;pulled{}; it was back"
    # A lone > means nothing to Markdown.
    for file, words in ((files.html, said.format("&gt;")), (files.markdown, said.format(">"))):
        text = file.read_text()
        assert "When a device failed" in text
        assert words in text
        assert "38021FDJH00A: nothing answers; it was given up after 12 s" in text


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("/venv/bin/mobilesr-tune", "search"), "mobilesr-tune search"),
        (("/src/mobilesr_tune.py", "search"), "mobilesr-tune search"),
        (("search",), "mobilesr-tune search"),
        (("python", "-m", "mobilesr_tune"), "python -m mobilesr_tune"),
        ((), ""),
    ],
)
def test_the_command_is_one_a_user_can_paste(argv: tuple[str, ...], expected: str) -> None:
    assert reproduce_command(study(command=argv)) == expected


def test_the_command_cannot_smuggle_another() -> None:
    command = reproduce_command(study(command=("mobilesr-tune", "$(rm)", "a\nrm -rf ~", "`x`")))
    assert "\n" not in command
    assert shlex.split(command) == ["mobilesr-tune", "$(rm)", "a rm -rf ~", "`x`"]


def test_markdown_tells_the_facts() -> None:
    text = markdown_summary(report_of([rich_study()]))
    lines = text.splitlines()
    assert lines[0] == "# MobileSR study nightly"
    assert any(line.startswith("**Trial 4 (n_feats 16") for line in lines)
    assert "- Constraint: latency at most 40 ms" in lines
    front = [line for line in lines if line.startswith("| ") and "heads" in line]
    assert [line.split("|")[2].strip() for line in front] == ["0", "1", "2", "3", "4"]
    assert [line.split("|")[1].strip() for line in front] == ["", "", "≈", "", "★"]
    assert "36.5 (35.8–37.6) | 29.95 | +1.52 | 216 | 64,000" in front[-1]
    assert all(line.count("|") - line.count("\\|") == 9 for line in front)
    assert "- 2 × the device answered wrongly: off by 0.3" in lines
    assert "mobilesr-tune search --hr 'my photos/it'\"'\"'s' --seed 0" in lines


def test_markdown_quotes_what_devices_say() -> None:
    text = markdown_summary(report_of([rich_study()]))
    assert "<img" not in text
    assert "&lt;img src=x" in text
    assert escaped("a|b ![x](http://y) *c* @d\ne") == (
        "a\\|b !\\[x\\](http://y) \\*c\\* &#64;d e"
    )  # fmt: skip
    fenced = markdown_summary(
        report_of([study(candidate(0, (1.0, 29.0)), command=("mobilesr-tune", "```"))])
    )
    assert "````sh\n" in fenced


def test_stand_in_is_told_everywhere() -> None:
    facts = study(candidate(0, (10.0, 29.0), stand_in_note=HOST_NOTE))
    assert f"> {HOST_NOTE}" in markdown_summary(report_of([facts]))
    assert HOST_NOTE in printed(facts)


def test_terminal_shows_front_choice_and_counts() -> None:
    text = printed(rich_study())
    assert "★" in text
    assert "36.5 (35.8–37.6)" in text
    assert "13 candidates: 8 ok (1 of them outside the constraints), 3 failed, 2 stopped" in text
    assert max(map(len, text.splitlines())) <= 80


def test_terminal_takes_no_orders_from_a_device() -> None:
    text = printed(rich_study(), width=200)
    assert "[bold]red[/bold]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_no_feasible_candidate_is_said_and_shown(tmp_path: Path) -> None:
    facts = study(
        candidate(0, (90.0, 30.0), constraint_violations={"latency_ms": 50.0}),
        spec={"max_latency_ms": 40.0},
    )
    files = write_report(report_of([facts]), tmp_path)
    for text in (printed(facts, 200), files.markdown.read_text(), files.html.read_text()):
        assert "No recommendation for" in text
        assert "mobilesr-tune export" not in text.split("<script")[0]


def test_a_limit_that_is_too_strict_shows_the_nearest(tmp_path: Path) -> None:
    far, near = stopped(0, 90.0), stopped(1, 43.0)
    heavy = changed(
        stopped(2, 60.0), peak_memory_mb=300.0,
        constraint_violations={"latency_ms": 20.0, "memory_mb": 200.0},
    )  # fmt: skip
    facts = study(far, near, heavy, spec={"max_latency_ms": 40.0, "max_memory_mb": 100.0})
    files = write_report(report_of([facts]), tmp_path)
    assert files.fronts == ()
    miss = "latency 43.0 ms, 3.00 ms (8 %) over the limit of 40 ms"
    worst = "peak memory 300 MB, 200 MB (200 %) over the limit of 100 MB"
    for text in (printed(facts, 200), files.markdown.read_text(), files.html.read_text()):
        assert "Nearest to the limits" in text
        assert text.index(miss) < text.index(worst)
    (section,) = json.loads(files.document.read_text())["sections"]
    assert [one["trial"] for one in section["near_misses"]] == [1, 0, 2]
    assert section["near_misses"][2]["misses"][0] == {
        "constraint": "memory_mb", "value": 300.0, "limit": 100.0, "excess": 200.0,
    }  # fmt: skip
    (profile,) = front_data(report_of([facts]))["profiles"]
    assert profile["front"] == []
    assert profile["near_misses"] == section["near_misses"]


def test_worse_than_bicubic_is_told_wherever_the_gain_is(tmp_path: Path) -> None:
    facts = study(candidate(0, (10.0, 27.78)), candidate(1, (20.0, 27.9)))
    files = write_report(report_of([facts]), tmp_path)
    for text in (printed(facts, 200), files.markdown.read_text(), files.html.read_text()):
        assert "No recommendation for" in text
        assert "−0.65 ✗" in text
        assert "no better than bicubic upscaling" in text
    good = printed(study(candidate(0, (10.0, 29.0))), 200)
    assert "✗" not in good


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> typer.Typer:
    monkeypatch.setattr(
        RunDirectory, "open", lambda path, storage=None: FakeRun(tmp_path / "run", rich_study())
    )
    app = typer.Typer()
    register(app)
    app.command("other")(lambda: None)
    return app


def test_report_command_prints_front_and_page(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report", "runs/x"])
    assert result.exit_code == 0, result.output
    assert "★" in result.output
    # Each alone on its line: ready to paste.
    assert result.output.splitlines()[-4:] == [
        "All that an Android app needs:",
        f"  mobilesr-tune deliver {tmp_path}/run --trial 4 -o delivery",
        "Export the chosen one:",
        f"  mobilesr-tune export --from {tmp_path}/run --trial 4 --output best",
    ]
    assert str(tmp_path / "run" / "report" / "index.html") in result.output


def test_report_command_as_json_is_json_alone(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["report", "runs/x", "--json"])
    data = json.loads(result.stdout)
    (profile,) = data["profiles"]
    assert profile["profile"] == PHONE
    assert profile["chosen_trial"] == 4
    assert [member["trial"] for member in profile["front"]] == [0, 1, 3, 4]
    assert HOSTILE not in result.stdout


def test_report_help_has_an_example(app: typer.Typer) -> None:
    assert "Example: mobilesr-tune report" in CliRunner().invoke(app, ["report", "--help"]).output
