"""Several devices at once: one table, ranks, and a choice that holds on each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_results import changed
from made_up_studies import FakeRun, candidate, study
from typer.testing import CliRunner

import mobilesr_tune
from foundation.errors import RequestError
from models.config import MobileSRConfig
from reports.cli import make_report
from reports.facts import StudyFacts
from reports.joint import joint
from reports.joint_view import joint_view
from reports.links import links_from
from reports.page import render_page
from reports.report import report_of
from reports.sections import sections_of

Places = dict[int, tuple[float, float]]


def phone(name: str, places: Places, **known: object) -> StudyFacts:
    """A study of one phone: width of the network -> (latency, PSNR)."""
    results = [
        changed(
            candidate(number, place, profile_key=name, device_serial=name),
            config=MobileSRConfig(n_feats=width, n_heads=4, ratios=(2,), window_size=8),
            **known,
        )
        for number, (width, place) in enumerate(places.items())
    ]
    return study(*results, run_path=Path(f"runs/{name}"))


FAST = {8: (10.0, 29.0), 16: (20.0, 29.9), 24: (30.0, 30.0), 32: (5.0, 28.6)}
SLOW = {24: (50.0, 30.0), 16: (55.0, 29.9), 8: (35.0, 29.0), 40: (70.0, 30.5)}


def test_candidates_of_all_devices_with_their_ranks() -> None:
    found = joint(sections_of([phone("a", FAST), phone("b", SLOW)]))
    assert found is not None
    widths = [row.known[0].config.n_feats for row in found.rows]
    assert widths == [8, 24, 16]
    assert [row.ranks for row in found.rows] == [(1, 1), (3, 2), (2, 3)]
    assert found.alone == 2
    assert found.chosen is not None
    # 16 is slower than 24 on the second phone and no better: only 8 and 24 are worth having.
    assert found.chosen.known[0].config.n_feats == 24


def test_of_three_devices_two_suffice_for_a_row_and_not_for_the_choice() -> None:
    third = {24: (5.0, 30.0)}
    found = joint(sections_of([phone("a", FAST), phone("b", SLOW), phone("c", third)]))
    assert found is not None
    assert [row.ranks for row in found.rows] == [(1, 1, 1), (None, None, None), (None, None, None)]
    assert [None in row.results for row in found.rows] == [False, True, True]
    assert found.chosen is found.rows[0]


def test_what_is_infeasible_or_worse_than_bicubic_anywhere_is_not_chosen() -> None:
    broken = phone("b", SLOW, constraint_violations={"latency_ms": 1.0})
    found = joint(sections_of([phone("a", FAST), broken]))
    assert found is not None
    assert found.chosen is None
    view = joint_view(report_of([phone("a", FAST), broken]))
    assert view is not None
    assert view["answer"].startswith("There is no choice for both devices")
    low = {width: (ms, 27.0) for width, (ms, _) in FAST.items()}
    found = joint(sections_of([phone("a", low), phone("b", low)]))
    assert found is not None
    assert found.chosen is None


def test_one_device_or_nothing_shared_is_no_table() -> None:
    assert joint(sections_of([phone("a", FAST)])) is None
    assert joint(sections_of([phone("a", FAST), phone("b", {48: (1.0, 29.0)})])) is None


def test_the_opening_limit_makes_the_balanced_one_win() -> None:
    report = report_of([phone("a", FAST), phone("b", SLOW)])
    view = joint_view(report)
    assert view is not None
    within = [row for row in view["data"]["rows"] if max(row["latency"]) <= view["start"]]
    best = max(within, key=lambda row: (min(row["psnr"]), -max(row["latency"])))
    assert f"{best['code']}:" in view["answer"]
    assert "30.0 ms on a" in view["answer"]
    page = render_page(report)
    assert page.index("One choice for both devices") < page.index('id="device-0"')


def test_a_run_beside_itself_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(RequestError, match="is named 2 times"):
        make_report([run, tmp_path / "." / "run"], None, False)
    done = CliRunner().invoke(mobilesr_tune.app, ["report", str(run), str(run)])
    assert done.exit_code != 0


def test_links_are_relative_and_of_what_is_there(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a b"
    (run / "measurements").mkdir(parents=True)
    (run / "run.toml").touch()
    folder = run / "report"
    facts = StudyFacts([], run_path=FakeRun(run, StudyFacts([])).path)
    links = links_from(folder, [folder / "candidates.csv"], [facts])
    assert [(link.name, link.address) for link in links] == [
        ("candidates.csv", "candidates.csv"),
        ("run.toml", "../run.toml"),
        ("measurements/", "../measurements/"),
    ]
    elsewhere = links_from(tmp_path / "out", [], [facts, StudyFacts([])])
    assert elsewhere[0].name == "a b/run.toml"
    assert elsewhere[0].address == "../runs/a%20b/run.toml"
