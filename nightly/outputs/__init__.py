"""What a night leaves for people and machines: JUnit XML, Markdown, HTML and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from foundation.files import write_json, write_text
from nightly.history import History
from nightly.night import NightResult
from nightly.outputs.junit import junit_xml
from nightly.outputs.page import render_page
from nightly.outputs.record import night_record
from nightly.outputs.summary import markdown_summary


@dataclass(frozen=True)
class NightFiles:
    """Where the outputs of a night lie; the next night replaces them, the history keeps all."""

    folder: Path

    @property
    def junit(self) -> Path:
        return self.folder / "junit.xml"

    @property
    def summary(self) -> Path:
        return self.folder / "summary.md"

    @property
    def page(self) -> Path:
        return self.folder / "index.html"

    @property
    def record(self) -> Path:
        return self.folder / "night.json"


def write_outputs(result: NightResult, history: History, folder: Path) -> NightFiles:
    """Write all four; each is whole or absent. Raises `RequestError` where it cannot be."""
    files = NightFiles(folder)
    write_text(files.junit, junit_xml(result, files.page))
    write_text(files.summary, markdown_summary(result, files.page.name))
    write_json(files.record, night_record(result))
    write_text(files.page, render_page(result, history))
    return files
