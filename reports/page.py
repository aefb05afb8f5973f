"""The studies as one HTML page that needs nothing else: no network, no folder of files.

Everything that came from a device, a file or a person reaches the page either through Jinja's
autoescaping or as JSON in a block that no browser executes. The page's own policy allows
exactly the scripts below, by checksum, and no connection at all. Without scripts the page still
shows every chart and table, and the pictures of the front.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from foundation.page_style import page_style
from foundation.wording import plain, shorten
from reports.agreement_view import agreement_views
from reports.candidate_rows import COLUMNS, FIXED
from reports.facts import StudyFacts
from reports.headline import reproduce_command
from reports.joint_view import joint_view
from reports.left_out import trouble_words
from reports.links import Link
from reports.report import Report
from reports.roles import LEGEND, MARKS
from reports.section_view import section_view
from reports.sections import Section

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = (
    "state.js", "copy.js", "charts.js", "picker.js", "joint.js", "crops.js", "tables.js",
    "scrolling.js",
)  # fmt: skip
ENVIRONMENT_ROWS = 80
# So that it opens at once and can be mailed. A candidate takes about so much without its pictures,
# and the front's pictures are shown in any case.
PAGE_BYTES, CANDIDATE_BYTES, LEAST_PICTURE_BYTES = 950_000, 2_100, 300_000


def render_page(report: Report, links: Sequence[Link] = ()) -> str:
    """The whole page. A section without a measured candidate is told as such.

    `links` are the files that the foot of the page names.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [_script((TEMPLATES / name).read_text("utf-8")) for name in SCRIPTS]
    sections = report.sections
    each = _picture_bytes(sections) // max(1, len(sections))
    views = [section_view(section, place, each) for place, section in enumerate(sections)]
    data = {view["id"]: view.pop("data") for view in views}
    joint = joint_view(report)
    if joint is not None:
        data["joint"] = joint.pop("data")
    return environment.get_template("report.html.j2").render(
        title=report.title,
        style=Markup(_style()),
        scripts=scripts,
        policy=_policy(scripts),
        data=Markup(htmlsafe_json_dumps(data, dumps=_strict_json)),
        sections=views,
        comparisons=agreement_views(report.agreements),
        legend=LEGEND,
        marks=MARKS,
        columns=COLUMNS,
        fixed=FIXED,
        joint=joint,
        links=links,
        runs=[_run_view(facts) for facts in report.studies],
    )


def flattened(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as `a.b` and text, in order."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        label = f"{prefix}{name}"
        if isinstance(value, Mapping):
            rows += flattened(value, f"{label}.")
        elif isinstance(value, list | tuple):
            rows.append((plain(label), shorten(", ".join(map(str, value)))))
        elif value is not None and value != "":
            rows.append((plain(label), shorten(str(value))))
    return rows


def _run_view(facts: StudyFacts) -> dict[str, Any]:
    """What was asked for, where it ran, and the command that does it again."""
    spec = {name: value for name, value in facts.spec.items() if name not in {"command"}}
    if facts.lr_size is not None:
        spec["lr_size"] = "{}×{} (height×width)".format(*facts.lr_size)
    where = {"device": facts.profile, **facts.environment}
    return {
        "name": facts.name,
        "reproduce": reproduce_command(facts),
        "settings": flattened(spec),
        "environment": flattened(where)[:ENVIRONMENT_ROWS],
        "troubles": trouble_words(facts.troubles),
    }


def _picture_bytes(sections: Sequence[Section]) -> int:
    """How much of the page pictures may take, base64 included."""
    candidates = sum(len(section.group.results) for section in sections)
    return max(LEAST_PICTURE_BYTES, PAGE_BYTES - CANDIDATE_BYTES * candidates)


def _style() -> str:
    """The style of every page of ours, of the charts, this page's own, and of columns not shown."""
    hidden = "\n".join(
        f"table.hide-{at} tr > :nth-child({at}) {{ display: none; }}"
        for at in range(FIXED + 1, FIXED + len(COLUMNS) + 1)
    )
    own = [(TEMPLATES / name).read_text("utf-8") for name in ("chart.css", "report.css")]
    return f"{page_style()}{own[0]}{own[1]}{hidden}\n"


def _script(text: str) -> Markup:
    """A script as it will stand in the page, byte for byte, so that its checksum holds."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("a script that ends its own element cannot be inlined")
    return Markup(text)


def _policy(scripts: list[Markup]) -> str:
    digests = (hashlib.sha256(script.encode("utf-8")).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _strict_json(value: Any, **options: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"), **options)
