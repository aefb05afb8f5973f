"""The documents say what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from device_runner.flags import Flag

REPOSITORY = Path(__file__).resolve().parents[1]
GENERATE = runpy.run_path(str(REPOSITORY / "docs" / "generate.py"))


@pytest.mark.parametrize("part", GENERATE["PARTS"], ids=lambda part: part.name)
def test_what_is_generated_is_current(part) -> None:
    text = part.document.read_text("utf-8")
    assert GENERATE["filled"](part, text) == text, "run 'python docs/generate.py'"


def test_the_table_of_flags_is_the_enum() -> None:
    lines = (REPOSITORY / "docs" / "measuring.md").read_text("utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    told = {(name.strip("`"), meaning, advice) for name, meaning, advice in rows}
    assert told == {(flag.value, flag.meaning, flag.advice) for flag in Flag}
