"""One look for everything that is printed: results on stdout, progress on stderr.

Both consoles are gates: whatever is printed, as a line, a table's cell or a bar's words, reaches
the terminal without a character that a terminal obeys. Markup is read only where a string of our
own is printed with `print`; everything else goes through `say` or is a `rich.text.Text`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.segment import Segment
from rich.table import Column
from rich.text import Text

from foundation.wording import inert

# A command between quotes within a sentence, and what holds its words together meanwhile.
_COMMAND = re.compile(r"'(?:mobilesr-tune|nightly) [^']*'")
_GLUE = "\ue000"


class GateConsole(Console):
    """A console that shows foreign text and never obeys it."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich renders; of the text of each segment only what is `inert` passes.

        Colours travel as styles and cursor movements as control segments, so that an escape
        sequence within a text is never our own.
        """
        for segment in super().render(renderable, options):
            text = segment.text if segment.control else inert(segment.text, keep="\n")
            yield segment if text == segment.text else Segment(text, segment.style)

    def tell(self, text: str, indent: int = 0, *, style: str = "") -> None:
        """As `say`, but a terminal gets lines of its own width, broken between words.

        Lines after the first are indented. A command in quotes stays in one piece, so that it can
        be pasted into a shell. A file gets one line, as `say` writes it.
        """
        width = self.width if self.is_terminal else sys.maxsize
        whole = _COMMAND.sub(lambda found: found[0].replace(" ", _GLUE), text)
        lines = textwrap.wrap(
            whole, width, subsequent_indent=" " * indent, break_long_words=False,
            break_on_hyphens=False, drop_whitespace=True, replace_whitespace=False,
        )  # fmt: skip
        for line in lines or [""]:
            self.say(line.replace(_GLUE, " "), style=style)

    def say(self, text: str, *, style: str = "") -> None:
        """Print one line as it stands: no markup, no emoji codes, not wrapped at any width.

        What is wrapped by us cannot be pasted into a shell; a terminal wraps by itself.
        """
        one_line = " ".join(text.splitlines())
        self.print(Text(inert(one_line), style=style), soft_wrap=True)


out = GateConsole()
err = GateConsole(stderr=True)


class _TidyProgress(Progress):
    """Leaves nothing behind; rich's own leaves an empty line where stderr is no terminal."""

    def stop(self) -> None:
        self.live.stop()


class _CountColumn(ProgressColumn):
    """`3/12 tiles`; nothing where nobody knows of how many, or what is done is a share."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """The count with its unit."""
        if task.total is None or task.fields.get("is_share"):
            return Text("")
        count = f"{int(task.completed)}/{int(task.total)} {self.unit}"
        return Text(count.strip(), style="progress.download", no_wrap=True)


class _LeftColumn(ProgressColumn):
    """`0:01:40 left`; nothing where it is not known."""

    max_refresh = 0.5

    def __init__(self, left_of: Callable[[Task], float | None]) -> None:
        super().__init__()
        self.left_of = left_of

    def render(self, task: Task) -> Text:
        """The remaining time."""
        seconds = self.left_of(task)
        if seconds is None:
            return Text("")
        left = timedelta(seconds=int(seconds))
        return Text(f"{left} left", style="progress.remaining", no_wrap=True)


def _by_its_speed(task: Task) -> float | None:
    """Seconds that a task will take at the speed it has had."""
    return None if task.total is None else task.time_remaining


def progress_bar(
    unit: str = "", left_of: Callable[[Task], float | None] = _by_its_speed
) -> Progress:
    """A bar with count, elapsed and remaining time, on stderr.

    A narrow terminal shortens the words; count and times always stand there. `left_of` says how
    many seconds a task has left.
    """
    return _TidyProgress(
        SpinnerColumn(),
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        BarColumn(bar_width=16),
        _CountColumn(unit),
        TimeElapsedColumn(),
        _LeftColumn(left_of),
        console=err,
        transient=True,
        expand=True,
    )


def print_json(value: Any) -> None:
    """Exactly one JSON document on stdout, in ASCII: no terminal obeys it, any locale takes it."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def quiet_libraries() -> None:
    """Silence what torch and its companions say on import and export; -v keeps it."""
    warnings.filterwarnings("ignore")
    # torch sets the levels of its own loggers when it is imported, later than this.
    logging.disable(logging.WARNING)
