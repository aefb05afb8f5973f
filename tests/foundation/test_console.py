"""The gate: whatever text is printed, in whatever form, a terminal shows it and obeys nothing."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from foundation.console import GateConsole, progress_bar

# Clears the screen, sets the title, writes a link, turns reading order around, hides a line.
HOSTILE = "a\x1b[2J\x1b]0;owned\x07b\x9b31mc‮d\re‍f\x08g"
OURS = re.compile(r"\x1b\[[0-9;?]*[mKAhl]")


def console(**options) -> tuple[GateConsole, io.StringIO]:
    stream = io.StringIO()
    return GateConsole(file=stream, width=60, **options), stream


def obeyed(printed: str) -> set[str]:
    left = OURS.sub("", printed)
    return {c for c in left if unicodedata.category(c) in {"Cc", "Cf", "Cs"}} - {"\n"}


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    "form", [lambda t: t, Text, lambda t: Panel(Text(t), title=Text(t)), lambda t: _table(t)]
)
def test_nothing_foreign_is_obeyed_in_any_form(form, terminal):
    gate, stream = console(force_terminal=terminal)
    gate.print(form(HOSTILE))
    gate.say(HOSTILE, style="red")
    assert obeyed(stream.getvalue()) == set()
    assert "owned" in stream.getvalue()


def _table(text: str) -> Table:
    table = Table(title=Text(text))
    table.add_column(Text(text))
    table.add_row(Text(text))
    return table


@given(st.text())
def test_a_line_is_said_as_it_stands_and_as_one_line(text):
    gate, stream = console()
    gate.say(text)
    printed = stream.getvalue()
    assert printed.endswith("\n")
    assert printed.count("\n") == 1
    if text.isprintable():
        assert printed == text + "\n"


@pytest.mark.parametrize(
    "text", ["out -o 'exp[v2]'", "[bold]x[/bold]", "a:smile:b", "[/]", "\\[x]", "x" * 300]
)
def test_neither_markup_nor_emoji_codes_nor_wrapping(text):
    gate, stream = console()
    gate.say(text)
    assert stream.getvalue() == text + "\n"


def test_a_bar_shows_brackets_as_they_are(monkeypatch):
    gate, stream = console(force_terminal=True)
    monkeypatch.setattr("foundation.console.err", gate)
    with progress_bar() as bar:
        bar.add_task("reading photo[a].png \x1b]0;owned\x07", total=2)
        bar.refresh()
    assert "photo[a].png" in stream.getvalue()
    assert "\x1b]0" not in stream.getvalue()


def drawn(width: int, **task) -> str:
    """One task's line as a terminal of that width shows it."""
    gate = GateConsole(file=io.StringIO(), width=width, force_terminal=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("foundation.console.err", gate)
        bar = progress_bar("launches")
        bar.add_task(**task)
    screen = GateConsole(file=io.StringIO(), width=width)
    screen.print(bar.get_renderable())
    return screen.file.getvalue().rstrip("\n")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_bar_keeps_its_count_and_shortens_its_words(width):
    line = drawn(width, description="settling the front of a long name " * 5, total=12, completed=3)
    assert "\n" not in line
    assert len(line) <= width
    assert "3/12 launches" in line
    assert "━" in line
    assert "settling" in line
    assert "…" in line


def test_a_bar_without_an_end_claims_no_count_and_no_time_left():
    line = drawn(80, description="exporting", total=None)
    assert "?" not in line
    assert "left" not in line
    assert "exporting" in line


def test_a_terminal_breaks_a_told_line_between_words_and_a_file_does_not():
    text = "  1/12  n8_h2_r1_w4_x2_p1  stopped: slower than 40.0 ms by 3.1 ms, and over 300 MB"
    gate, stream = console(force_terminal=True)
    gate.tell(text, indent=8)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("  1/12  n8_h2_r1_w4_x2_p1")
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith(" " * 8) for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())
    gate, stream = console()
    gate.tell(text, indent=8)
    assert stream.getvalue() == text + "\n"


def test_a_command_within_a_told_sentence_can_be_pasted_whatever_the_width():
    command = "'mobilesr-tune runner build --abi arm64-v8a --output /a/rather/long/folder/of/mine'"
    gate, stream = console(force_terminal=True, no_color=True)
    gate.tell(
        f"no runner for arm64-v8a is on this computer: make it once with {command}, and go on"
    )
    assert any(command in line for line in stream.getvalue().splitlines())
