"""Writes the parts of the documents that the code knows better.

    python docs/generate.py            writes them
    python docs/generate.py --check    says which are not current, and ends with 1

A part stands between `<!-- NAME: ... -->` and `<!-- NAME: end -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))

from device_runner.flags import Flag  # noqa: E402  # the path is set by then


@dataclass(frozen=True)
class Part:
    """A generated part: its name in the marks, the document it stands in, what makes it."""

    name: str
    document: Path
    make: Callable[[], str]


def flag_tables() -> str:
    """Every flag, those that make a number doubtful first."""
    doubtful = [flag for flag in Flag if flag.doubtful]
    origin = [flag for flag in Flag if not flag.doubtful]
    return "\n".join(
        [
            "These say that the number may be off:", "", *_table(doubtful), "",
            "These only say where it comes from:", "", *_table(origin),
        ]
    )  # fmt: skip


def _table(flags: list[Flag]) -> list[str]:
    rows = [f"| `{flag}` | {flag.meaning} | {flag.advice} |" for flag in flags]
    return ["| flag | what it means | what to do |", "|---|---|---|", *rows]


PARTS = (Part("flags", DOCS / "measuring.md", flag_tables),)


def filled(part: Part, text: str) -> str:
    """The document's text with its part made anew. Raises `ValueError` where the marks lack."""
    begin, end = f"<!-- {part.name}: written by docs/generate.py -->", f"<!-- {part.name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    made = f"{begin}\n{part.make()}\n{end}"
    found, times = pattern.subn(lambda _: made, text)
    if times != 1:
        raise ValueError(f"{part.document} holds {begin} {times} times instead of once")
    return found


def stale() -> list[Part]:
    """The parts that are not what the code says now."""
    return [
        part for part in PARTS if (text := part.document.read_text("utf-8")) != filled(part, text)
    ]


def main(arguments: list[str]) -> int:
    """Write or check; 0 where all is current."""
    found = stale()
    for part in found:
        if "--check" in arguments:
            print(f"{part.document.name}: {part.name} is not current: run docs/generate.py")
        else:
            text = filled(part, part.document.read_text("utf-8"))
            part.document.write_text(text, "utf-8")
            print(f"{part.document.name}: {part.name} written")
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
