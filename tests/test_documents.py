"""The documents say what the code says: generated parts, messages, flags, links."""

from __future__ import annotations

import ast
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

from device_runner.flags import Flag

REPOSITORY = Path(__file__).resolve().parents[1]
GENERATE = runpy.run_path(str(REPOSITORY / "docs" / "generate.py"))
DOCUMENTS = sorted(
    [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")]
)
TROUBLESHOOTING = REPOSITORY / "docs" / "troubleshooting.md"
ROOMS = ("foundation", "models", "device_runner", "search", "nightly", "reports")


@pytest.mark.parametrize("part", GENERATE["PARTS"], ids=lambda part: part.name)
def test_what_is_generated_is_current(part) -> None:
    text = part.document.read_text("utf-8")
    assert GENERATE["filled"](part, text) == text, "run 'python docs/generate.py'"


def test_the_table_of_flags_is_the_enum() -> None:
    lines = (REPOSITORY / "docs" / "measuring.md").read_text("utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    told = {(name.strip("`"), meaning, advice) for name, meaning, advice in rows}
    assert told == {(flag.value, flag.meaning, flag.advice) for flag in Flag}


def test_of_every_flag_it_is_said_once_when_it_may_be_ignored() -> None:
    text = TROUBLESHOOTING.read_text("utf-8")
    table = text[text.index("| flags | may be ignored |") :].split("\n\n")[0]
    cells = [line.strip("| ").split(" | ")[0] for line in table.splitlines()[2:]]
    told = Counter(name for cell in cells for name in re.findall(r"`(\w+)`", cell))
    assert told == Counter(flag.value for flag in Flag)


def sentences_of_the_code() -> str:
    """Every string of the program, with `…` where something is put in; one a line."""
    found: list[str] = []
    files = [path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py")]
    for path in [REPOSITORY / "mobilesr_tune.py", *files]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    part.value if isinstance(part, ast.Constant) else "…" for part in node.values
                ]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(" ".join(text.split()) for text in found)


def quoted(document: Path) -> list[str]:
    """The messages that a document quotes, each as one line."""
    blocks = re.findall(r"(?:^> .*\n)+", document.read_text("utf-8"), re.MULTILINE)
    return [" ".join(block.replace("\n> ", " ").removeprefix("> ").split()) for block in blocks]


def test_every_message_in_troubleshooting_can_be_said() -> None:
    messages = quoted(TROUBLESHOOTING)
    assert len(messages) >= 20
    code = sentences_of_the_code()
    assert [message for message in messages if message not in code] == []


def test_every_symptom_has_a_cause_and_what_to_do() -> None:
    parts = re.split(r"(?:^> .*\n)+", TROUBLESHOOTING.read_text("utf-8"), flags=re.MULTILINE)[1:]
    for part in parts:
        assert part.startswith("\nCause: ")
        assert part.count("\nDo: ") == 1


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document) -> None:
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_the_readme_names_every_document() -> None:
    text = (REPOSITORY / "README.md").read_text("utf-8")
    missing = [
        path.name for path in DOCUMENTS if path.name not in text and path.name != "README.md"
    ]
    assert missing == []
