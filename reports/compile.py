"""From run directories to the files a person takes away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from foundation.files import write_json, write_text
from foundation.wording import count_of
from reports.charts.standalone import front_file, standalone_front
from reports.document import report_document
from reports.errors import NothingToReport
from reports.facts import StudyFacts
from reports.links import links_from
from reports.markdown import markdown_summary
from reports.page import render_page
from reports.report import Report
from reports.table import candidate_table, write_csv, write_json_table, write_parquet


@dataclass(frozen=True)
class ReportFiles:
    """Where the report lies.

    Attributes:
        csv, json, parquet: the candidates, a row each.
        document: what is learnt from them, for a machine to read.
        fronts: the drawn fronts, one a section, as `markdown` links them.
    """

    html: Path
    csv: Path
    json: Path
    parquet: Path
    document: Path
    markdown: Path
    fronts: tuple[Path, ...]

    @property
    def beside_the_page(self) -> tuple[Path, ...]:
        return (
            self.csv, self.json, self.parquet, self.document, self.markdown, *self.fronts,
        )  # fmt: skip


def write_report(report: Report, folder: Path) -> ReportFiles:
    """Write the report of one or several studies into `folder`; each file is whole or absent.

    Raises:
        RequestError: no candidate was timed (nothing is written), or the folder
            cannot be written.
    """
    if not any(section.group.timed for section in report.sections):
        raise NothingToReport(_why_nothing(report.studies[0]))
    table = candidate_table(report)
    drawn = {
        folder / front_file(place): picture
        for place, section in enumerate(report.sections)
        if (picture := standalone_front(section)) is not None
    }
    files = ReportFiles(
        html=folder / "index.html",
        csv=folder / "candidates.csv",
        json=folder / "candidates.json",
        parquet=folder / "candidates.parquet",
        document=folder / "report.json",
        markdown=folder / "summary.md",
        fronts=tuple(drawn),
    )
    # Rendered before anything is written: a report is not left half new, half old.
    page = render_page(report, links_from(folder, files.beside_the_page, report.studies))
    summary = markdown_summary(report)
    document = report_document(report)
    writers: list[Callable[[], None]] = [
        lambda: write_csv(table, files.csv),
        lambda: write_json_table(table, files.json),
        lambda: write_parquet(table, files.parquet),
        lambda: write_json(files.document, document),
        *(partial(write_text, path, picture) for path, picture in drawn.items()),
        lambda: write_text(files.markdown, summary),
        lambda: write_text(files.html, page),
    ]
    for write in writers:
        write()
    return files


def _why_nothing(facts: StudyFacts) -> str:
    """What became of a study of which no candidate was timed, and what to do."""
    if not facts.results:
        return (
            f"{facts.run_path} holds no candidate yet: run 'mobilesr-tune search' first, or wait "
            "for its first candidate"
        )
    failures = [reason for group in facts.groups for reason in group.failure_reasons()]
    message = f"no candidate of {facts.run_path} was timed: "
    message += f"{count_of(len(facts.results), 'candidate')} ran and failed"
    if failures:
        reason, how_many = max(failures, key=lambda item: item[1])
        message += f"; the commonest reason ({how_many} times): {reason.rstrip('.')}"
    return f"{message}. To go on: mend that, then run the same search command again"
