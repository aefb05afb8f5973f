"""The README in an artifact's folder: what the file takes and gives, and what is known of it.

It is written for whoever finds the folder. Nothing reads it: an artifact is its other files, and
only those go to a device.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from foundation.artifact import Artifact, ArtifactManifest
from foundation.files import write_text
from foundation.wording import count_of, escaped, plain, shown
from models.contract import TensorContract
from models.errors import ExportError
from models.measured import Measured
from models.origin import licence_sentence, origin_of
from models.tiling import DEFAULT_OVERLAP, FADE

README_NAME = "README.md"
TEMPLATES = Path(__file__).with_name("templates")


def write_artifact_readme(artifact: Artifact, measured: Measured | None = None) -> None:
    """Explain the artifact in its own folder.

    `measured` is left out where it is of another file. Raises `RequestError` where the folder
    cannot be written.
    """
    write_text(artifact.folder / README_NAME, readme_of(artifact.manifest, measured))


def readme_of(manifest: ArtifactManifest, measured: Measured | None = None) -> str:
    """The README as Markdown."""
    if measured is not None and measured.artifact_sha256 != manifest.sha256:
        measured = None
    contract, unlike = None, ""
    try:
        contract = TensorContract.of(manifest)
    except ExportError as error:
        unlike = str(error)
    return markdown_environment(TEMPLATES).get_template("artifact_readme.md.j2").render(
        manifest=manifest, contract=contract, unlike=unlike, measured=measured,
        licence=licence_sentence(origin_of(manifest)), overlap=DEFAULT_OVERLAP, fade=FADE,
        tolerance=f"{manifest.check_tolerance:g}",
    )  # fmt: skip


@cache
def markdown_environment(templates: Path) -> Environment:
    """Templates of Markdown: `md` and `code` show foreign text as it is, `count` counts."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = lambda text: escaped(shown(str(text), 500))
    environment.filters["code"] = lambda text: plain(shown(str(text), 500)).replace("`", "'")
    environment.filters["count"] = count_of
    return environment
