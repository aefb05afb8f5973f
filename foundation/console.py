"""One look for everything that is printed: results on stdout, progress on stderr."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

out = Console()
err = Console(stderr=True)


class _TidyProgress(Progress):
    """Leaves nothing behind; rich's own leaves an empty line where stderr is no terminal."""

    def stop(self) -> None:
        self.live.stop()


def progress_bar(unit: str = "") -> Progress:
    """A bar with count, elapsed and remaining time, on stderr."""
    return _TidyProgress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    )


def print_json(value: Any) -> None:
    """Exactly one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def quiet_libraries() -> None:
    """Silence what torch and its companions say on import and export; -v keeps it."""
    warnings.filterwarnings("ignore")
    # torch sets the levels of its own loggers when it is imported, later than this.
    logging.disable(logging.WARNING)
