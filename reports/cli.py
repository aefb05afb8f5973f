"""What this package offers on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from reports.facts import StudyFacts


def register(app: typer.Typer) -> None:
    """Mount `report` on the application."""
    app.command("report")(report)


def report(
    run_dir: Annotated[Path, typer.Argument(help="The run directory a search left behind.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the front as JSON and nothing else.")
    ] = False,
) -> None:
    """Make the report of a study: one HTML page, CSV, JSON and a Markdown summary.

    A running study may be reported on too: the report tells what is finished so far.

    Example: mobilesr-tune report runs/pixel8
    """
    from foundation.console import out, print_json
    from reports.compile import write_report
    from reports.facts import gather
    from reports.terminal import render
    from search.rundir import RunDirectory

    run = RunDirectory.open(run_dir)
    facts = gather(run)
    files = write_report(facts, run.report_folder)
    if as_json:
        print_json(front_data(facts) | {"page": str(files.html), "devices": run.devices()})
        return
    out.print(render(facts))
    out.print(f"Report: {files.html}", markup=False, highlight=False, soft_wrap=True)


def front_data(facts: StudyFacts) -> dict[str, Any]:
    """The front and the choice of every profile, for a machine to read."""
    from reports.choice import choose
    from reports.table import row

    profiles = []
    for group in facts.groups:
        choice = choose(facts, group)
        profiles.append(
            {
                "profile": group.profile_key,
                "stand_in": group.stand_in,
                "chosen_trial": choice.result.number if choice.result else None,
                "rule": choice.rule,
                "caveats": list(choice.caveats),
                "export": choice.command,
                "front": [row(result, group) for result in group.front],
            }
        )
    return {"schema": "front/1", "run": str(facts.run_path), "profiles": profiles}
