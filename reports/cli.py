"""What this package offers on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

if TYPE_CHECKING:
    from reports.report import Report
    from search.study.run_directory import RunDirectory


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
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the study lies, of runs that were searched with --storage: no other "
            "database is dialled.",
        ),
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
    make_report(run_dirs, output, as_json, storage)


def make_report(
    run_dirs: list[Path], output: Path | None, as_json: bool, storage: str | None = None
) -> Report:
    """Write the report and tell what it says; raises as `write_report`."""
    from foundation.console import out, print_json
    from reports.compile import write_report
    from reports.facts import gather
    from reports.report import report_of
    from reports.terminal import export_lines, render
    from search.study.run_directory import RunDirectory

    _refuse_twice(run_dirs)
    runs = [RunDirectory.open(path, storage) for path in run_dirs]
    about = report_of([gather(part) for run in runs for part in _studies_in(run)])
    single = runs[0].report_folder if len(runs) == 1 else Path("report")
    files = write_report(about, output or single)
    if as_json:
        devices = [device for run in runs for device in run.devices()]
        print_json(front_data(about) | {"page": str(files.html), "devices": devices})
        return about
    for part in render(about):
        # In a file sentences stay whole; only tables have a width there.
        out.print(part, soft_wrap=isinstance(part, Text) and not out.is_terminal)
    out.say(f"Report: {files.html}")
    for line in export_lines(about):
        out.say(line)
    return about


def _refuse_twice(run_dirs: list[Path]) -> None:
    """A run beside itself agrees with itself: whoever asks for that meant another one."""
    from foundation.errors import RequestError
    from foundation.places import expanded

    places = [expanded(path).resolve() for path in run_dirs]
    for path, place in zip(run_dirs, places, strict=True):
        if places.count(place) > 1:
            raise RequestError(
                f"{path} is named {places.count(place)} times: a run is compared with others, "
                "name each once"
            )


def _studies_in(run: RunDirectory) -> list[RunDirectory]:
    """A run of several device profiles holds one study each; the others are one themselves."""
    return [part for part in run.parts if part.begun] or [run]


def front_data(report: Report) -> dict[str, Any]:
    """The front and the choice of every section, for a machine to read."""
    from reports.document import section_facts

    kept = (
        "run", "profile", "stand_in", "chosen", "chosen_trial", "rule", "caveats",
        "expected_latency", "export", "deliver", "front", "finetuned", "measured_anew",
        "near_misses",
    )  # fmt: skip
    profiles = [
        {name: value for name, value in section_facts(section).items() if name in kept}
        for section in report.sections
    ]
    return {
        "schema": "front/1",
        "run": str(report.studies[0].run_path),
        "runs": [str(facts.run_path) for facts in report.studies],
        "profiles": profiles,
    }
