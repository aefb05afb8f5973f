"""What this package offers on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from reports.facts import StudyFacts


def register(app: typer.Typer) -> None:
    """Mount `report` on the application."""
    app.command("report")(report)


def report(
    run_dirs: Annotated[
        list[Path], typer.Argument(help="Run directories that searches left behind.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder; else RUN/report, or ./report for several."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the front as JSON and nothing else.")
    ] = False,
) -> None:
    """Make the report of one study or several: one HTML page, tables, a Markdown summary.

    Several runs are compared, never mixed: each device keeps a front of its own. A running study
    may be reported on too: the report tells what is finished so far.

    Example: mobilesr-tune report runs/pixel8 runs/galaxy-s23 -o phones
    """
    from foundation.console import out, print_json
    from reports.compile import write_report
    from reports.facts import gather
    from reports.terminal import render
    from search.rundir import RunDirectory

    runs = [RunDirectory.open(path) for path in dict.fromkeys(run_dirs)]
    studies = [gather(part) for run in runs for part in run.parts or [run]]
    single = runs[0].report_folder if len(runs) == 1 else Path("report")
    files = write_report(studies, output or single)
    if as_json:
        devices = [device for run in runs for device in run.devices()]
        print_json(front_data(studies) | {"page": str(files.html), "devices": devices})
        return
    out.print(render(studies))
    out.print(f"Report: {files.html}", markup=False, highlight=False, soft_wrap=True)


def front_data(studies: Sequence[StudyFacts]) -> dict[str, Any]:
    """The front and the choice of every section, for a machine to read."""
    from reports.document import section_facts
    from reports.sections import sections_of

    kept = ("run", "profile", "stand_in", "chosen_trial", "rule", "caveats", "export", "front")
    profiles = [
        {name: value for name, value in section_facts(section).items() if name in kept}
        for section in sections_of(studies)
    ]
    return {
        "schema": "front/1",
        "run": str(studies[0].run_path),
        "runs": [str(facts.run_path) for facts in studies],
        "profiles": profiles,
    }
