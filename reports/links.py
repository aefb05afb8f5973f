"""Links from the foot of the page to the files that it tells of: relative, so that they travel."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from foundation.wording import plain
from reports.facts import StudyFacts

# What a run directory holds, and what that is.
_IN_A_RUN = {
    "run.toml": "what was asked for",
    "environment.json": "where it ran",
    "study.db": "the Optuna study",
    "troubles.jsonl": "what went wrong with devices",
    "measurements": "raw samples of every candidate",
    "artifacts": "exported models",
    "pictures": "crops of what the device produced",
    "weights": "the supernet",
}


@dataclass(frozen=True)
class Link:
    """A file or folder: its name in words, what it is, and its address seen from the page."""

    name: str
    words: str
    address: str


def links_from(folder: Path, beside: Sequence[Path], studies: Sequence[StudyFacts]) -> list[Link]:
    """Links of a page in `folder`: to the files `beside` it, and to what lies in the runs.

    Of a run, only what is there; nothing of one that cannot be reached by a relative path.
    """
    links = [Link(path.name, "", _address(path, folder)) for path in beside]
    for facts in studies:
        run = facts.run_path
        name = f"{facts.name}/" if len(studies) > 1 else ""
        for entry, words in _IN_A_RUN.items():
            target = run / entry
            if target.exists():
                slash = "/" if target.is_dir() else ""
                address = _address(target, folder)
                if address:
                    links.append(Link(plain(f"{name}{entry}{slash}"), words, f"{address}{slash}"))
    return links


def _address(target: Path, folder: Path) -> str:
    """As a browser reads it; empty where the two share no root."""
    try:
        relative = os.path.relpath(target.absolute(), folder.absolute())
    except ValueError:
        return ""
    return quote(relative.replace(os.sep, "/"), errors="surrogateescape")
